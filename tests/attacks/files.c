// SPDX-License-Identifier: Apache-2.0
// What belongs to the user or to the machine, read or changed. Parameters: home and tmp (the user's
// own, where "private" holds the secret), victim (a process outside), read_only and work (granted),
// secret, directory (a descriptor that the caller left open).
#include "attack.h"

#include <dirent.h>
#include <sys/mount.h>
#include <sys/xattr.h>

static int opened(long result, const char* step) { return result < 0 ? blocked(step) : kOpen; }

static int reads(const char* directory, const char* name) {
  char path[300], text[8192];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  const ssize_t got = read_text(path, text, sizeof text);
  if (got < 0) return blocked("open");
  for (ssize_t i = 0; i + 1 < got; ++i) {
    if (text[i] == 0) text[i] = ' ';
  }
  errno = 0;
  return holds_secret(text) ? kOpen : blocked("no secret");
}

static const char* home(void) { return value("home", "/nothing"); }
static const char* read_only(void) { return value("read_only", "/nothing"); }
static const char* work(void) { return value("work", "/nothing"); }

static int home_read(void) { return reads(home(), "private"); }
static int tmp_read(void) { return reads(value("tmp", "/nothing"), "private"); }

static int through(const char* form) {
  char path[300];
  snprintf(path, sizeof path, form, value("victim", "1"));
  snprintf(path + strlen(path), sizeof path - strlen(path), "%s", home());
  return reads(path, "private");
}
static int home_by_root(void) { return through("/proc/%s/root"); }
static int home_by_init(void) {
  char path[300];
  snprintf(path, sizeof path, "/proc/1/root%s", home());
  return reads(path, "private");
}
static int home_by_cwd(void) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%s/cwd", value("victim", "1"));
  return reads(path, "private");
}
static int home_by_descriptor(void) {
  char text[200] = "";
  const int at = (int)number("directory");
  const int fd = openat(at, "private", O_RDONLY);
  if (fd < 0) return blocked("openat");
  if (read(fd, text, sizeof text - 1) < 0) return blocked("read");
  return holds_secret(text) ? kOpen : blocked("no secret");
}
static int home_by_fchdir(void) {
  if (fchdir((int)number("directory")) != 0) return blocked("fchdir");
  return reads(".", "private");
}
static int home_by_dots(void) {
  char path[400];
  snprintf(path, sizeof path, "%s/../../../../../../../..%s", work(), home());
  return reads(path, "private");
}

static int names_listed(void) {
  DIR* listing = opendir(home());
  if (listing == NULL) return blocked("opendir");
  for (struct dirent* entry; (entry = readdir(listing)) != NULL;) {
    if (strcmp(entry->d_name, "private") == 0) return kOpen;
  }
  errno = 0;
  return blocked("not listed");
}

static int of_victim(const char* name) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%s", value("victim", "1"));
  return reads(path, name);
}
static int victim_environment(void) { return of_victim("environ"); }
static int victim_arguments(void) { return of_victim("cmdline"); }
static int victim_seen(void) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%s/stat", value("victim", "1"));
  char text[400];
  if (read_text(path, text, sizeof text) < 0) return blocked("open");
  errno = 0;
  return strstr(text, "victim") != NULL ? kOpen : blocked("another process");
}
static int environment(void) {
  const char* secret = getenv("SBX_ATTACK_SECRET");
  errno = 0;
  return secret != NULL ? kOpen : blocked("not set");
}

static int creates(const char* directory, const char* name) {
  char path[300];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (fd < 0) return blocked("open");
  unlink(path);
  return kOpen;
}
static int writes(const char* path) { return opened(open(path, O_WRONLY | O_NONBLOCK), "open"); }

static int usr_write(void) { return creates("/usr", "attack"); }
static int root_write(void) { return creates("/", "attack"); }
static int etc_write(void) { return creates("/etc", "attack"); }
static int device_write(void) { return creates("/dev", "attack"); }
static int core_pattern(void) { return writes("/proc/sys/kernel/core_pattern"); }
static int sysrq(void) { return writes("/proc/sysrq-trigger"); }
static int host_name_file(void) { return writes("/proc/sys/kernel/hostname"); }
static int port_start(void) { return writes("/proc/sys/net/ipv4/ip_unprivileged_port_start"); }
static int user_namespaces(void) { return writes("/proc/sys/user/max_user_namespaces"); }
static int formats(void) { return writes("/proc/sys/fs/binfmt_misc/register"); }
static int id_map(void) { return writes("/proc/self/uid_map"); }
static int own_score(void) { return writes("/proc/self/oom_score_adj"); }
static int kernel_memory(void) { return opened(open("/proc/kcore", O_RDONLY), "open"); }
static int disk(void) { return opened(open("/dev/vda", O_RDONLY), "open"); }
static int kernel_messages(void) { return opened(open("/dev/kmsg", O_RDONLY | O_NONBLOCK), "open"); }
static int fuse(void) { return opened(open("/dev/fuse", O_RDWR), "open"); }
static int shadow(void) {
  char text[16];
  return opened(read_text("/etc/shadow", text, sizeof text), "open");
}
static int sys_tree(void) { return opened(open("/sys/kernel/mm", O_RDONLY), "open"); }
static int symbols(void) {
  char text[64];
  const ssize_t got = read_text("/proc/kallsyms", text, sizeof text);
  return got > 0 ? kOpen : blocked("open");
}
static int cgroup_made(void) {
  if (mkdir("/sys/fs/cgroup/attack", 0755) == 0) {
    rmdir("/sys/fs/cgroup/attack");
    return kOpen;
  }
  return blocked("mkdir");
}

// --- a file that is granted for reading -------------------------------------------------------

static const char* granted(char* path) {
  snprintf(path, 300, "%s/file", read_only());
  return path;
}
static int granted_write(void) {
  char path[300];
  return writes(granted(path));
}
static int granted_truncated(void) {
  char path[300];
  return opened(truncate(granted(path), 3), "truncate");
}
static int granted_mode(void) {
  char path[300];
  return opened(chmod(granted(path), 0666), "chmod");
}
static int granted_times(void) {
  char path[300];
  return opened(utimensat(AT_FDCWD, granted(path), NULL, 0), "utimensat");
}
static int granted_attribute(void) {
  char path[300];
  return opened(setxattr(granted(path), "user.attack", "x", 1, 0), "setxattr");
}
static int granted_linked(void) {
  char path[300], other[300];
  snprintf(other, sizeof other, "%s/attack-link", work());
  if (link(granted(path), other) != 0) return blocked("link");
  const int result = writes(other);
  unlink(other);
  return result;
}
static int granted_linked_by_descriptor(void) {
  char path[300], other[300], by[64];
  const int fd = open(granted(path), O_RDONLY);
  snprintf(by, sizeof by, "/proc/self/fd/%d", fd);
  snprintf(other, sizeof other, "%s/attack-link", work());
  if (linkat(AT_FDCWD, by, AT_FDCWD, other, AT_SYMLINK_FOLLOW) != 0) return blocked("linkat");
  const int result = writes(other);
  unlink(other);
  return result;
}
static int granted_reopened(void) {
  char path[300], by[64];
  const int fd = open(granted(path), O_RDONLY);
  snprintf(by, sizeof by, "/proc/self/fd/%d", fd);
  return writes(by);
}
static int granted_renamed(void) {
  char path[300], other[300];
  snprintf(other, sizeof other, "%s/attack-renamed", read_only());
  if (rename(granted(path), other) != 0) return blocked("rename");
  rename(other, granted(path));
  return kOpen;
}
static int granted_mapped(void) {
  char path[300];
  const int fd = open(granted(path), O_RDWR);
  if (fd < 0) return blocked("open");
  return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? blocked("mmap") : kOpen;
}
static int granted_inode_flags(void) {
  char path[300];
  const int fd = open(granted(path), O_RDONLY);
  int flags = 0;
  if (ioctl(fd, 0x80086601 /* FS_IOC_GETFLAGS */, &flags) != 0) return missing("inode flags");
  flags ^= 0x80;  // no access times
  if (ioctl(fd, 0x40086602 /* FS_IOC_SETFLAGS */, &flags) != 0) return blocked("FS_IOC_SETFLAGS");
  flags ^= 0x80;
  ioctl(fd, 0x40086602, &flags);
  return kOpen;
}

static int descriptors_left(void) {
  for (int fd = 3; fd < 1024; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) return kOpen;
  }
  return blocked("fcntl");
}

static int out_by_dots(void) {
  // A directory kept open while the root changes: the classic way out of chroot.
  const int top = open("/", O_RDONLY | O_DIRECTORY);
  mkdir("/tmp/attack-root", 0700);
  const int changed = chroot("/tmp/attack-root");
  const int saved = errno;
  unlinkat(top, "tmp/attack-root", AT_REMOVEDIR);
  errno = saved;
  if (changed != 0) return blocked("chroot");
  return opened(fchdir(top), "fchdir");
}

static const struct way kWays[] = {
    {"home-read", home_read},
    {"tmp-read", tmp_read},
    {"home-by-root", home_by_root},
    {"home-by-init", home_by_init},
    {"home-by-cwd", home_by_cwd},
    {"home-by-descriptor", home_by_descriptor},
    {"home-by-fchdir", home_by_fchdir},
    {"home-by-dots", home_by_dots},
    {"names-listed", names_listed},
    {"victim-environment", victim_environment},
    {"victim-arguments", victim_arguments},
    {"victim-seen", victim_seen},
    {"environment", environment},
    {"usr-write", usr_write},
    {"root-write", root_write},
    {"etc-write", etc_write},
    {"device-write", device_write},
    {"core-pattern", core_pattern},
    {"sysrq", sysrq},
    {"host-name-file", host_name_file},
    {"port-start", port_start},
    {"user-namespaces", user_namespaces},
    {"formats", formats},
    {"id-map", id_map},
    {"own-score", own_score},
    {"kernel-memory", kernel_memory},
    {"disk", disk},
    {"kernel-messages", kernel_messages},
    {"fuse", fuse},
    {"shadow", shadow},
    {"sys-tree", sys_tree},
    {"symbols", symbols},
    {"cgroup-made", cgroup_made},
    {"granted-write", granted_write},
    {"granted-truncated", granted_truncated},
    {"granted-mode", granted_mode},
    {"granted-times", granted_times},
    {"granted-attribute", granted_attribute},
    {"granted-linked", granted_linked},
    {"granted-linked-by-descriptor", granted_linked_by_descriptor},
    {"granted-reopened", granted_reopened},
    {"granted-renamed", granted_renamed},
    {"granted-mapped", granted_mapped},
    {"granted-inode-flags", granted_inode_flags},
    {"descriptors-left", descriptors_left},
    {"out-by-dots", out_by_dots},
};

ATTACK_MAIN(kWays)
