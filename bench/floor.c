// SPDX-License-Identifier: Apache-2.0
// The least that any rootless launcher with this amount of isolation must do, in one small program,
// so that sbx has a measure that is no other product: seven namespaces, the id map, a tmpfs root
// with twelve read-only binds and an own /proc, pivot_root, loopback up, every capability dropped,
// no_new_privs, a filter of 300 calls, exec. Nothing is read, checked, explained or supervised.
//   floor COMMAND...
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kBinds = 12, kNumbers = 300 };

// The first twelve that this host has; a Debian has all of the first twelve.
static const char* const kSources[] = {
    "/usr", "/opt", "/srv", "/var", "/etc/ssl", "/etc/ld.so.cache", "/etc/passwd", "/etc/group",
    "/etc/nsswitch.conf", "/etc/hosts", "/etc/resolv.conf", "/etc/hostname", "/etc/profile",
    "/etc/services", "/etc/protocols", "/etc/fstab", "/etc/shells", "/etc/issue", "/boot", "/media",
};

static struct sock_filter filter[2048];
static unsigned short length;
static uid_t uid;
static gid_t gid;

static void fail(const char* what) {
  fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
  _exit(125);
}

static void put(const char* path, const char* text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) {
    fail(path);
  }
  close(fd);
}

static void emit(unsigned short code, unsigned value, unsigned char yes, unsigned char no) {
  struct sock_filter one = {code, yes, no, value};
  filter[length++] = one;
}

// A search tree down to fours, each four compared one by one: the shape that filter generators give.
static void emit_numbers(const int* numbers, int count) {
  if (count <= 4) {
    for (int i = 0; i < count; ++i) {
      emit(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)numbers[i], (unsigned char)(count - i), 0);
    }
    emit(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM, 0, 0);
    emit(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
    return;
  }
  // A conditional jump reaches 255 instructions only; the unconditional one reaches all.
  int half = count / 2;
  emit(BPF_JMP | BPF_JGE | BPF_K, (unsigned)numbers[half], 0, 1);
  unsigned short jump = length;
  emit(BPF_JMP | BPF_JA, 0, 0, 0);
  emit_numbers(numbers, half);
  filter[jump].k = (unsigned)(length - jump - 1);
  emit_numbers(numbers + half, count - half);
}

static void make_filter(void) {
  int numbers[kNumbers];
  int count = 0;
  for (int number = 0; count < kNumbers; ++number) {
    if (number % 10 != 9 || number == SYS_execve) {  // gaps, so that ranges cannot shorten it
      numbers[count++] = number;
    }
  }
#if defined(__x86_64__)
  const unsigned arch = AUDIT_ARCH_X86_64;
#else
  const unsigned arch = AUDIT_ARCH_AARCH64;
#endif
  emit(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
  emit(BPF_JMP | BPF_JEQ | BPF_K, arch, 1, 0);
  emit(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
  emit(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
  emit_numbers(numbers, kNumbers);
}

static void map_ids(void) {
  char text[64];
  put("/proc/self/setgroups", "deny");
  snprintf(text, sizeof text, "%u %u 1", uid, uid);
  put("/proc/self/uid_map", text);
  snprintf(text, sizeof text, "%u %u 1", gid, gid);
  put("/proc/self/gid_map", text);
}

static void make_parents(char* path, size_t from) {
  for (char* slash = strchr(path + from, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    if (mkdir(path, 0755) != 0 && errno != EEXIST) {
      fail(path);
    }
    *slash = '/';
  }
}

static void bind_read_only(const char* source, int is_directory) {
  char destination[128];
  snprintf(destination, sizeof destination, "/tmp%s", source);
  make_parents(destination, strlen("/tmp/"));
  if (is_directory ? mkdir(destination, 0755) : mknod(destination, S_IFREG | 0644, 0)) {
    if (errno != EEXIST) {
      fail(destination);
    }
  }
  if (mount(source, destination, NULL, MS_BIND | MS_REC, NULL) != 0 ||
      mount(NULL, destination, NULL,
            MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_RELATIME, NULL) != 0) {
    fail(destination);
  }
}

// The command's own directory comes with /usr, or is bound as the thirteenth if it lies elsewhere.
static void build_root(const char* command) {
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
    fail("private propagation");
  }
  int program = open(command, O_PATH | O_CLOEXEC);
  if (mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") != 0) {
    fail("tmpfs");
  }
  int bound = 0;
  for (size_t i = 0; i < sizeof kSources / sizeof kSources[0] && bound < kBinds; ++i) {
    struct stat info;
    if (stat(kSources[i], &info) == 0) {
      bind_read_only(kSources[i], S_ISDIR(info.st_mode));
      ++bound;
    }
  }
  char from[64];
  snprintf(from, sizeof from, "/proc/self/fd/%d", program);
  if (mknod("/tmp/command", S_IFREG | 0755, 0) != 0 ||
      mount(from, "/tmp/command", NULL, MS_BIND, NULL) != 0) {
    fail("bind of the command");
  }
  mkdir("/tmp/proc", 0755);
  mkdir("/tmp/tmp", 01777);
  if (mount("proc", "/tmp/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0) {
    fail("proc");
  }
  if (chdir("/tmp") != 0 || syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0 ||
      chdir("/") != 0) {
    fail("pivot_root");
  }
  if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) != 0) {
    fail("read-only root");
  }
}

static void loopback_up(void) {
  struct ifreq request = {.ifr_name = "lo"};
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) != 0) {
    fail("loopback");
  }
  close(fd);
}

static void confine(void) {
  for (int capability = 0; prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; ++capability) {
  }
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
  if (syscall(SYS_capset, &header, none) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    fail("capabilities");
  }
  struct sock_fprog program = {length, filter};
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    fail("filter");
  }
}

int main(int count, char** arguments, char** environment) {
  if (count < 2) {
    return 2;
  }
  uid = getuid();
  gid = getgid();
  make_filter();
  unsigned long flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
                        CLONE_NEWUTS | CLONE_NEWCGROUP | SIGCHLD;
  pid_t child = (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
  if (child < 0) {
    fail("clone");
  }
  if (child == 0) {
    map_ids();
    build_root(arguments[1]);
    loopback_up();
    confine();
    execve("/command", arguments + 1, environment);
    fail(arguments[1]);
  }
  int status = 0;
  if (waitpid(child, &status, 0) < 0) {
    fail("wait");
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
