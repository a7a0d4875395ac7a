// SPDX-License-Identifier: Apache-2.0
// Writes "before", asks for its pid in a function of its own (the event must name it), writes
// "after", and leaves with exit(2), as the original seccomp mode has it.
#include "bare.h"

__attribute__((noinline)) long ask_for_pid(void) { return raw_call3(__NR_getpid, 0, 0, 0); }

void _start(void) {
  raw_call3(__NR_write, 1, (long)"before\n", 7);
  long pid = ask_for_pid();
  raw_call3(__NR_write, 1, (long)"after\n", 6);
  raw_call3(__NR_exit, pid > 0 ? 0 : 3, 0, 0);
  __builtin_unreachable();
}
