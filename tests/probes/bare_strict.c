// SPDX-License-Identifier: Apache-2.0
// Does only what the original seccomp mode allows: read, write, exit. With argument "exec" it then
// tries a second execve, which the strict policy must refuse.
#include "bare.h"

__attribute__((used)) void run(long* stack) {
  char byte;
  while (raw_call3(__NR_read, 0, (long)&byte, 1) == 1) {
    raw_call3(__NR_write, 1, (long)&byte, 1);
  }
  if (stack[0] > 1) {
    char** arguments = (char**)(stack + 1);
    char* again[] = {arguments[0], 0};
    raw_call3(__NR_execve, (long)arguments[0], (long)again, 0);
    raw_call3(__NR_write, 1, (long)"refused\n", 8);
  }
  raw_call3(__NR_exit, 7, 0, 0);
  __builtin_unreachable();
}

// The stack pointer at entry is argc's address; a compiled function's own prologue would lose it.
#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n  mov %rsp, %rdi\n  and $-16, %rsp\n  call run\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n  mov x0, sp\n  bl run\n");
#endif
