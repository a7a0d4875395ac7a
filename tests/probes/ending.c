// SPDX-License-Identifier: Apache-2.0
// Ends as told: `ending exit N`, `ending signal N`; `ending orphans` leaves grandchildren behind
// that would outlive it, `ending stay` says "ready" and sleeps.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void stay(void) {
  for (;;) {
    pause();
  }
}

int main(int count, char** arguments) {
  const char* how = count > 1 ? arguments[1] : "";
  int number = count > 2 ? atoi(arguments[2]) : 0;
  if (strcmp(how, "exit") == 0) {
    return number;
  }
  if (strcmp(how, "signal") == 0) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    signal(number, SIG_DFL);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    raise(number);
    return 99;  // the signal did not end us
  }
  if (strcmp(how, "orphans") == 0) {
    for (int i = 0; i < 5; ++i) {
      if (fork() == 0) {
        setsid();  // out of the session and, once the parent is gone, reparented to pid 1
        if (fork() == 0) {
          signal(SIGTERM, SIG_IGN);
          signal(SIGHUP, SIG_IGN);
          stay();
        }
        _exit(0);
      }
    }
    return 0;
  }
  if (strcmp(how, "stay") == 0) {
    printf("ready\n");
    fflush(stdout);
    stay();
  }
  return 2;
}
