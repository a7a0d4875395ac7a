// SPDX-License-Identifier: Apache-2.0
// privilege WAY: one attempt to gain what a sandbox must not give: another namespace, another ABI,
// another process's memory, the user's terminal. Prints "OPEN what" or "BLOCKED step errno".
// Exit status: 0 blocked, 1 open, 2 unknown way.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "verdict.h"

static void unshare_user(void) {
  if (unshare(CLONE_NEWUSER) != 0) blocked("unshare");
  open_way("root of a user namespace");
}

static void ended_well(pid_t child, const char* step) {
  if (child < 0) blocked(step);
  if (child == 0) _exit(0);
  waitpid(child, NULL, 0);
  open_way("root of a user namespace");
}

static void clone_user(void) {
  ended_well((pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0), "clone");
}

static void clone_user_upper(void) {
  // The kernel takes the low half of the flags: a filter that compares all 64 bits lets it pass.
  ended_well((pid_t)syscall(SYS_clone, (1UL << 33) | CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0), "clone");
}

static void clone3_user(void) {
  struct {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
  } arguments;
  memset(&arguments, 0, sizeof arguments);
  arguments.flags = CLONE_NEWUSER;
  arguments.exit_signal = SIGCHLD;
  ended_well((pid_t)syscall(SYS_clone3, &arguments, sizeof arguments), "clone3");
}

static void mount_tmpfs(void) {
  if (mount("tmpfs", "/tmp", "tmpfs", 0, NULL) != 0) blocked("mount");
  open_way("a mount of its own");
}

static void new_mount_api(void) {
  int fd = (int)syscall(428 /* open_tree */, AT_FDCWD, "/",
                        1 /* OPEN_TREE_CLONE */ | 0x8000 /* AT_RECURSIVE */);
  if (fd < 0) blocked("open_tree");
  open_way("a mount tree of its own");
}

static void remount_writable(void) {
  if (mount(NULL, "/usr", NULL, MS_REMOUNT | MS_BIND, NULL) != 0) blocked("mount");
  int fd = open("/usr/sbx-attack", O_WRONLY | O_CREAT, 0600);
  if (fd < 0) blocked("open");
  unlink("/usr/sbx-attack");
  open_way("/usr is writable");
}

static void change_root(void) {
  if (chroot("/tmp") != 0) blocked("chroot");
  open_way("chroot");
}

static void host_name(void) {
  if (sethostname("attack", 6) != 0) blocked("sethostname");
  open_way("sethostname");
}

static void foreign_abi(void) {
#if defined(__x86_64__)
  long result = 0;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(20 /* getpid of i386 */) : "memory");
  if (result == getpid()) open_way("the 32-bit entry answers");
  errno = (int)-result;
#else
  errno = ENOSYS;
#endif
  blocked("int 0x80");
}

static void trace_child(void) {
  pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  long result = ptrace(PTRACE_SEIZE, child, 0, 0);
  int saved = errno;
  kill(child, SIGKILL);
  errno = saved;
  if (result != 0) blocked("ptrace");
  open_way("ptrace");
}

static char written = 'a';

static void write_child(void) {
  pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  char byte = 'b';
  struct iovec from = {&byte, 1}, into = {&written, 1};
  ssize_t done = process_vm_writev(child, &from, 1, &into, 1, 0);
  int saved = errno;
  kill(child, SIGKILL);
  errno = saved;
  if (done != 1) blocked("process_vm_writev");
  open_way("another process's memory");
}

static void keyring(void) {
  if (syscall(SYS_add_key, "user", "sbx-attack", "x", 1, KEY_SPEC_PROCESS_KEYRING) < 0) {
    blocked("add_key");
  }
  open_way("the kernel's key store, with the quota of the user's other sessions");
}

static void raw_socket(void) {
  if (socket(AF_INET, SOCK_RAW, 1) < 0) blocked("socket");
  open_way("a raw socket");
}

// Any family but the four that programs use; kernels differ in which of them they have.
static void try_families(unsigned long upper) {
  static const int kTypes[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW};
  for (int family = 2; family < 46; ++family) {
    if (family == AF_INET || family == AF_INET6 || family == AF_NETLINK) {
      continue;
    }
    for (size_t i = 0; i < sizeof kTypes / sizeof kTypes[0]; ++i) {
      if (syscall(SYS_socket, upper | (unsigned long)family, kTypes[i], 0) >= 0) {
        printf("family %d type %d\n", family, kTypes[i]);
        open_way("a socket of a family that programs do not need");
      }
    }
  }
  blocked("socket");
}

static void odd_family(void) { try_families(0); }
// An int: the kernel ignores the upper half, which misleads a comparison at 64 bits.
static void odd_family_upper(void) { try_families(1UL << 32); }

// Types a letter into the terminal that is standard input, as if the user had.
static void type_into_terminal(unsigned long request) {
  char letter = '#';
  if (syscall(SYS_ioctl, 0, request, &letter) != 0) blocked("TIOCSTI");
  open_way("typed into the user's terminal");
}

static void terminal(void) { type_into_terminal(TIOCSTI); }
static void terminal_upper(void) { type_into_terminal((1UL << 32) | TIOCSTI); }

static void handle(void) {
  struct {
    struct file_handle head;
    char space[128];
  } file;
  memset(&file, 0, sizeof file);
  file.head.handle_bytes = sizeof file.space;
  int mount_id = 0;
  if (name_to_handle_at(AT_FDCWD, "/tmp", &file.head, &mount_id, 0) != 0) blocked("name_to_handle_at");
  int at = open("/tmp", O_RDONLY | O_DIRECTORY);
  if (open_by_handle_at(at, &file.head, O_RDONLY) < 0) blocked("open_by_handle_at");
  open_way("files by their number, past every mount");
}

static void fault_handler(void) {
  if (syscall(SYS_userfaultfd, O_CLOEXEC | 1 /* UFFD_USER_MODE_ONLY */) < 0) blocked("userfaultfd");
  open_way("userfaultfd");
}

static const struct {
  const char* name;
  void (*run)(void);
} kWays[] = {
    {"unshare-user", unshare_user},
    {"clone-user", clone_user},
    {"clone-user-upper-bits", clone_user_upper},
    {"clone3-user", clone3_user},
    {"mount", mount_tmpfs},
    {"open-tree", new_mount_api},
    {"remount-writable", remount_writable},
    {"chroot", change_root},
    {"sethostname", host_name},
    {"int-0x80", foreign_abi},
    {"ptrace", trace_child},
    {"process-vm-writev", write_child},
    {"keyring", keyring},
    {"raw-socket", raw_socket},
    {"odd-family", odd_family},
    {"odd-family-upper-bits", odd_family_upper},
    {"terminal", terminal},
    {"terminal-upper-bits", terminal_upper},
    {"handle", handle},
    {"userfaultfd", fault_handler},
};

int main(int count, char** arguments) {
  for (size_t i = 0; count == 2 && i < sizeof kWays / sizeof kWays[0]; ++i) {
    if (strcmp(arguments[1], kWays[i].name) == 0) {
      kWays[i].run();
    }
  }
  return 2;
}
