// SPDX-License-Identifier: Apache-2.0
// epoll(7), timerfd_create(2) and signalfd(2), as far as one loop needs them. Functions return 0 or
// a negative errno.
#pragma once

#include <sys/epoll.h>
#include <sys/signalfd.h>

#include <cstdint>
#include <span>

#include "base/result.h"
#include "sys/unique_fd.h"

namespace sbx::sys {

class Epoll {
 public:
  static Result<Epoll> create();

  // `tag` comes back in epoll_event.data.u64.
  int add(int fd, std::uint32_t events, std::uint64_t tag);
  int change(int fd, std::uint32_t events, std::uint64_t tag);
  int remove(int fd);

  // The events that are ready, waiting for the first one. Empty when a signal came between.
  std::span<epoll_event> wait(std::span<epoll_event> events);

 private:
  int control(int operation, int fd, std::uint32_t events, std::uint64_t tag);

  UniqueFd fd_;
};

// Adds a watch to another process's epoll instance, of which `instance` is a duplicate, as if that
// process had: a watch is kept by open file and number (epoll(7), Q&A), so `file` takes that number
// among our descriptors for a moment. Only for single-threaded callers.
int watch_as(int instance, int file, int number, std::uint32_t events, std::uint64_t data);

// CLOCK_MONOTONIC, never blocking.
Result<UniqueFd> create_timer();
// Once, after so many milliseconds; 0 disarms.
int arm_timer(int timer, std::uint64_t milliseconds);
void drain_timer(int timer);

// Every signal that can be blocked; they must be blocked already.
Result<UniqueFd> create_signalfd();
// False when no signal is waiting.
bool next_signal(int signalfd, signalfd_siginfo& info);

std::uint64_t monotonic_milliseconds();
std::uint64_t realtime_microseconds();

}  // namespace sbx::sys
