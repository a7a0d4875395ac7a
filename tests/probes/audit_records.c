// SPDX-License-Identifier: Apache-2.0
// Makes the kernel write down what `sbx audit` reads: one process after the other under a filter that
// sends getpid to an action. Prints a line for each: its pid, what it did, its wait status.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#else
#define NATIVE AUDIT_ARCH_AARCH64
#endif

static void confine(unsigned arch, unsigned number, unsigned action, unsigned flags) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, arch, 0, 2),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, action),
  };
  struct sock_fprog program = {sizeof code / sizeof code[0], code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) != 0) {
    perror("seccomp");
    _exit(1);
  }
}

static void native(unsigned action, unsigned flags) {
  confine(NATIVE, SYS_getpid, action, flags);
  syscall(SYS_getpid);
  _exit(0);
}

static void act(const char* what) {
  if (strcmp(what, "kill_process") == 0) native(SECCOMP_RET_KILL_PROCESS, 0);
  if (strcmp(what, "kill_thread") == 0) native(SECCOMP_RET_KILL_THREAD, 0);
  if (strcmp(what, "log") == 0) native(SECCOMP_RET_LOG, 0);
  if (strcmp(what, "errno") == 0) native(SECCOMP_RET_ERRNO | EPERM, SECCOMP_FILTER_FLAG_LOG);
#if defined(__x86_64__)
  if (strcmp(what, "x32") == 0) {
    confine(NATIVE, SYS_getpid | 0x40000000, SECCOMP_RET_LOG, 0);
    syscall(SYS_getpid | 0x40000000);
    _exit(0);
  }
  if (strcmp(what, "int80") == 0) {  // a kernel without that entry ends it by SIGSEGV
    long result = 20;                // getpid of i386
    confine(AUDIT_ARCH_I386, 20, SECCOMP_RET_KILL_PROCESS, 0);
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    _exit(0);
  }
#endif
  if (strcmp(what, "odd_name") == 0) {
    prctl(PR_SET_NAME, "a\n\033[31m \" b");
    native(SECCOMP_RET_LOG, 0);
  }
  _exit(2);
}

int main(int count, char** arguments) {
  for (int i = 1; i < count; ++i) {
    const pid_t pid = fork();
    if (pid == 0) {
      act(arguments[i]);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    printf("%d %s %d\n", (int)pid, arguments[i], status);
  }
  return 0;
}
