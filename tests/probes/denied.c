// SPDX-License-Identifier: Apache-2.0
// What a policy denies, and what comes of it.
//   denied calls COUNT    so many times swapon(2), which no policy allows; then exit 0
//   denied names          swapon, acct and settimeofday, once each
//   denied jit            writes code and runs it, as if nothing had refused: SIGSEGV
//   denied crash          SIGSEGV
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "";
  if (strcmp(what, "calls") == 0) {
    for (int i = argc > 2 ? atoi(argv[2]) : 1; i > 0; --i) {
      syscall(SYS_swapon, "/nowhere", 0);
    }
    return 0;
  }
  if (strcmp(what, "names") == 0) {
    syscall(SYS_swapon, "/nowhere", 0);
    syscall(SYS_acct, 0);
    syscall(SYS_settimeofday, 0, 0);
    return 0;
  }
  if (strcmp(what, "jit") == 0) {
    unsigned char* code = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(code, 0, 4096);
    mprotect(code, 4096, PROT_READ | PROT_EXEC);
    ((void (*)(void))code)();
    return 0;
  }
  signal(SIGSEGV, SIG_DFL);
  raise(SIGSEGV);
  return 1;
}
