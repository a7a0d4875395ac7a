// SPDX-License-Identifier: Apache-2.0
// latency ROUNDS ROWS-FILE: runs every row of the file once a round, in a new random order each
// round, and prints "ROW-NUMBER NANOSECONDS" for each from before the start to after the end. A row
// is one command, its words separated by blanks. Small and in C, so that the cost of starting from
// here (vfork and exec) is the same small part of every row. A row that fails ends the measurement.
#define _GNU_SOURCE
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kMaxRows = 64, kMaxWords = 128 };

static char* rows[kMaxRows][kMaxWords];

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int read_rows(const char* path) {
  FILE* file = fopen(path, "r");
  if (!file) {
    perror(path);
    exit(2);
  }
  char* line = NULL;
  size_t size = 0;
  int count = 0;
  while (count < kMaxRows && getline(&line, &size, file) > 0) {
    char* copy = strdup(line);
    int words = 0;
    for (char* word = strtok(copy, " \n"); word && words < kMaxWords - 1; word = strtok(NULL, " \n")) {
      rows[count][words++] = word;
    }
    count += words > 0;
  }
  fclose(file);
  return count;
}

int main(int count, char** arguments, char** environment) {
  if (count != 3) {
    return 2;
  }
  int rounds = atoi(arguments[1]);
  int number = read_rows(arguments[2]);
  int order[kMaxRows];
  for (int i = 0; i < number; ++i) {
    order[i] = i;
  }
  srand(4711);
  for (int round = 0; round < rounds; ++round) {
    for (int i = number - 1; i > 0; --i) {
      int other = rand() % (i + 1);
      int kept = order[i];
      order[i] = order[other];
      order[other] = kept;
    }
    for (int i = 0; i < number; ++i) {
      char** row = rows[order[i]];
      pid_t pid;
      int status = 0;
      long long start = now();
      if (posix_spawnp(&pid, row[0], NULL, NULL, row, environment) != 0 ||
          waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "latency: row %d (%s) failed, wait status %d\n", order[i], row[0], status);
        return 1;
      }
      printf("%d %lld\n", order[i], now() - start);
    }
  }
  return 0;
}
