// SPDX-License-Identifier: Apache-2.0
// What an attack program that tries one way says, and its exit status.
#pragma once
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static inline void open_way(const char* what) {
  printf("OPEN %s\n", what);
  fflush(stdout);
  _exit(1);
}

static inline void blocked(const char* step) {
  printf("BLOCKED %s %d\n", step, errno);
  fflush(stdout);
  _exit(0);
}

static inline void unable(const char* step) {
  printf("UNABLE %s %d\n", step, errno);
  fflush(stdout);
  _exit(2);
}
