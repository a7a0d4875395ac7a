// SPDX-License-Identifier: Apache-2.0
// Runs a command and says on standard output how many microseconds it took, and how many of them its
// processes had a processor, without the start of whatever watches it.
#define _DEFAULT_SOURCE  // wait4
#include <stdio.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static double us(struct timeval time) {
  return (double)time.tv_sec * 1e6 + (double)time.tv_usec;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    return 125;
  }
  const double start = now_us();
  const pid_t child = fork();
  if (child == 0) {
    execvp(argv[1], argv + 1);
    _exit(127);
  }
  int status = 0;
  struct rusage used;
  if (child < 0 || wait4(child, &status, 0, &used) < 0) {
    return 125;
  }
  printf("took %.0f %.0f\n", now_us() - start, us(used.ru_utime) + us(used.ru_stime));
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
