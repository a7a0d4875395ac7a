// SPDX-License-Identifier: Apache-2.0
#include "sys/interruption.h"

#include <sys/time.h>

namespace sbx::sys {
namespace {

void ignore_alarm(int) {}

void set_interval(long first_microseconds, long next_microseconds) {
  const itimerval interval{{0, next_microseconds}, {0, first_microseconds}};
  ::setitimer(ITIMER_REAL, &interval, nullptr);
}

}  // namespace

InterruptSoon::InterruptSoon() {
  // A handler, not SIG_IGN, and without SA_RESTART: only so does the call end (signal(7)).
  struct sigaction action {};
  action.sa_handler = ignore_alarm;
  ::sigaction(SIGALRM, &action, nullptr);
  sigset_t alarm;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  ::sigprocmask(SIG_UNBLOCK, &alarm, &mask_before_);
  // Again and again: the first one may come before the call has begun.
  set_interval(1000, 3000);
}

InterruptSoon::~InterruptSoon() {
  set_interval(0, 0);
  ::sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
}

}  // namespace sbx::sys
