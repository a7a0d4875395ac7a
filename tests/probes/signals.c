// SPDX-License-Identifier: Apache-2.0
// Says "ready", then the number of each signal that arrives, one a line. Ends with status 23 at
// the second SIGTERM: a program may take its time, the first one must not be turned into a kill.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>

int main(void) {
  sigset_t all;
  sigfillset(&all);
  sigdelset(&all, SIGCHLD);
  sigprocmask(SIG_BLOCK, &all, NULL);
  printf("ready\n");
  fflush(stdout);
  int terms = 0;
  for (;;) {
    int number = sigwaitinfo(&all, NULL);
    if (number <= 0) {
      continue;
    }
    printf("%d\n", number);
    fflush(stdout);
    if (number == SIGTERM && ++terms == 2) {
      return 23;
    }
  }
}
