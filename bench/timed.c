// SPDX-License-Identifier: Apache-2.0
// Runs a command and says on standard output how many microseconds it took, without the start of whatever
// watches it.
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
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
  if (child < 0 || waitpid(child, &status, 0) < 0) {
    return 125;
  }
  printf("took %.0f\n", now_us() - start);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
