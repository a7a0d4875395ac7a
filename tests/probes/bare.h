// SPDX-License-Identifier: Apache-2.0
// System calls without a C library, for probes whose every call counts: under the strict policy
// even the start-up code of a libc would be denied before the call that the test is about.
#ifndef SBX_TESTS_PROBES_BARE_H
#define SBX_TESTS_PROBES_BARE_H

#include <asm/unistd.h>

static inline long raw_call3(long number, long a, long b, long c) {
#if defined(__x86_64__)
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c)
                   : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
  return x0;
#else
#error "no system calls known for this machine"
#endif
}

#endif  // SBX_TESTS_PROBES_BARE_H
