/* SPDX-License-Identifier: Apache-2.0 */
/* calls NAME COUNT   the time of one system call, in nanoseconds, over COUNT of them.
 *
 * NAME: getppid, the cheapest call that enters the kernel, or getpgid, which a row may have denied.
 * It goes through syscall(2), so that no library can answer in the kernel's place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const long number = strcmp(argv[1], "getpgid") == 0 ? SYS_getpgid : SYS_getppid;
  const long count = atol(argv[2]);
  if (count < 1) return 2;
  for (long i = 0; i < count / 10; ++i) syscall(number, 0);
  const double start = now();
  for (long i = 0; i < count; ++i) syscall(number, 0);
  printf("%.1f\n", (now() - start) / (double)count);
  return 0;
}
