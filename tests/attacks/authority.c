// SPDX-License-Identifier: Apache-2.0
// Rights that a sandbox must not give: namespaces, mounts, capabilities, keys, other processes'
// memory, interfaces of the kernel that only an administrator has business with. Where a call would
// change the machine, its arguments fail after the permission check.
#include "attack.h"

#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>

static int opened(long result, const char* step) { return result < 0 ? blocked(step) : kOpen; }

// Passed the permission check if the errno is the one of the bad arguments.
static int passed(long result, int wanted, const char* step) {
  return result >= 0 || errno == wanted ? kOpen : blocked(step);
}

// --- namespaces and mounts --------------------------------------------------------------------

static int unshare_user(void) { return opened(unshare(CLONE_NEWUSER), "unshare"); }

static int unshare_each(void) {
  static const int kKinds[] = {CLONE_NEWNS,  CLONE_NEWUTS, CLONE_NEWIPC,          CLONE_NEWPID,
                               CLONE_NEWNET, CLONE_NEWCGROUP, 0x80 /* NEWTIME */};
  for (size_t i = 0; i < sizeof kKinds / sizeof *kKinds; ++i) {
    if (unshare(kKinds[i]) == 0) return kOpen;
  }
  return blocked("unshare");
}

static int child_in(unsigned long flags) {
  const long child = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
  if (child == 0) _exit(0);
  return opened(child, "clone");
}

static int clone_user(void) { return child_in(CLONE_NEWUSER); }
static int clone_user_upper_bits(void) { return child_in((1UL << 35) | CLONE_NEWUSER); }

static int clone3_user(void) {
  struct {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
  } arguments = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
  const long child = syscall(SYS_clone3, &arguments, sizeof arguments);
  if (child == 0) _exit(0);
  return opened(child, "clone3");
}

static int mount_tmpfs(void) { return opened(mount("none", "/tmp", "tmpfs", 0, NULL), "mount"); }
static int mount_bind(void) { return opened(mount("/usr", "/tmp", NULL, MS_BIND, NULL), "mount"); }
static int mount_proc(void) { return opened(mount("none", "/tmp", "proc", 0, NULL), "mount"); }
static int unmount(void) { return opened(umount2("/tmp", MNT_DETACH), "umount2"); }
static int remount(void) { return opened(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL), "mount"); }
static int fs_open(void) { return opened(syscall(430 /* fsopen */, "tmpfs", 0), "fsopen"); }
static int copy_tree(void) { return opened(syscall(428, AT_FDCWD, "/", 1 | 0x8000), "open_tree"); }
static int fs_pick(void) { return opened(syscall(433, AT_FDCWD, "/", 0), "fspick"); }

static int mount_attributes(void) {
  uint64_t attributes[4] = {0, 1 /* read-only */, 0, 0};
  return opened(syscall(442, AT_FDCWD, "/", 0, attributes, sizeof attributes), "mount_setattr");
}

static int pivot(void) { return passed(syscall(SYS_pivot_root, "/", "/nothing"), ENOENT, "pivot_root"); }
static int change_root(void) { return opened(chroot("/tmp"), "chroot"); }

static int join_init(void) {
  int fd = open("/proc/1/ns/mnt", O_RDONLY);
  if (fd < 0) return blocked("open");
  return opened(setns(fd, 0), "setns");
}

static int join_by_pidfd(void) {
  int fd = (int)syscall(SYS_pidfd_open, getppid(), 0);
  if (fd < 0) return blocked("pidfd_open");
  return opened(setns(fd, CLONE_NEWNS), "setns");
}

// --- credentials ------------------------------------------------------------------------------

static int capabilities_held(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct sets[2] = {{0, 0, 0}, {0, 0, 0}};
  if (syscall(SYS_capget, &header, sets) != 0) return blocked("capget");
  uint32_t all = 0;
  for (int i = 0; i < 2; ++i) all |= sets[i].effective | sets[i].permitted | sets[i].inheritable;
  errno = 0;
  return all != 0 ? kOpen : blocked("capget");
}

static int bounding_set(void) {
  for (unsigned long one = 0; one < 64; ++one) {
    if (prctl(PR_CAPBSET_READ, one, 0, 0, 0) == 1) return kOpen;
  }
  errno = 0;
  return blocked("bounding set");
}

static int ambient_raised(void) {
  return opened(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0), "prctl");
}

static int new_privileges(void) {
  errno = 0;
  return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0 ? kOpen : blocked("no_new_privs");
}

static int no_filter(void) {
  errno = 0;
  return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0 ? kOpen : blocked("seccomp");
}

static int become_root(void) { return opened(setresuid(0, 0, 0), "setresuid"); }
static int join_group(void) {
  const gid_t group = 0;
  return opened(syscall(SYS_setgroups, 1, &group), "setgroups");
}

static int set_id_file(int (*make)(const char* path)) {
  static const char* const kPlaces[] = {"/tmp", "/dev/shm", "@work"};
  int result = blocked("open");
  for (size_t i = 0; i < 3; ++i) {
    char path[200];
    snprintf(path, sizeof path, "%s/attack-set-id", kPlaces[i][0] == '@' ? value("work", "/nothing") : kPlaces[i]);
    unlink(path);
    struct stat found;
    result = make(path) != 0 ? blocked("mode") : kBlocked;
    const int saved = errno;
    const int has_bit = stat(path, &found) == 0 && (found.st_mode & 06000) != 0;
    unlink(path);
    rmdir(path);
    errno = saved;
    if (has_bit) return kOpen;
  }
  return result;
}

static int by_chmod(const char* path) { return open(path, O_CREAT | O_RDWR, 0755) < 0 ? -1 : chmod(path, 04755); }
static int by_fchmod(const char* path) { return fchmod(open(path, O_CREAT | O_RDWR, 0755), 06755); }
static int by_open(const char* path) { return open(path, O_CREAT | O_RDWR, 04755) < 0; }
static int by_creat(const char* path) { return creat(path, 02755) < 0; }
static int by_mknod(const char* path) { return mknod(path, S_IFREG | 04755, 0); }
static int by_fchmodat2(const char* path) {
  return open(path, O_CREAT | O_RDWR, 0755) < 0 ? -1 : (int)syscall(452, AT_FDCWD, path, 04755, 0);
}
static int by_openat2(const char* path) {
  const uint64_t how[3] = {O_CREAT | O_RDWR, 04755, 0};
  return syscall(437, AT_FDCWD, path, how, sizeof how) < 0;
}

static int set_id_chmod(void) { return set_id_file(by_chmod); }
static int set_id_fchmod(void) { return set_id_file(by_fchmod); }
static int set_id_open(void) { return set_id_file(by_open); }
static int set_id_creat(void) { return set_id_file(by_creat); }
static int set_id_mknod(void) { return set_id_file(by_mknod); }
static int set_id_fchmodat2(void) { return set_id_file(by_fchmodat2); }
static int set_id_openat2(void) { return set_id_file(by_openat2); }

// A setuid program that shows its effective uid by failing otherwise: mount(8) as an ordinary user
// tells its own wish, su asks for a password. Here: whether one becomes root when it starts.
static void start_set_id(void* unused) {
  (void)unused;
  int null = open("/dev/null", O_RDWR), ends[2];
  if (pipe(ends) != 0) _exit(9);
  dup2(ends[0], 0);
  dup2(null, 1);
  dup2(null, 2);
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    execl("/usr/bin/passwd", "passwd", (char*)NULL);
    _exit(91);
  }
  char path[64], text[2048];
  snprintf(path, sizeof path, "/proc/%d/status", child);
  int is_root = 0;
  for (int i = 0; i < 300 && !is_root; ++i) {
    usleep(1000);
    if (read_text(path, text, sizeof text) <= 0) break;
    const char* line = strstr(text, "\nUid:");
    int real = -1, effective = -1;
    if (line != NULL && sscanf(line + 5, "%d %d", &real, &effective) == 2) is_root = effective == 0;
    if (waitpid(child, NULL, WNOHANG) == child) break;
  }
  kill(child, SIGKILL);
  _exit(is_root ? 42 : 0);
}

static int set_id_program(void) {
  struct stat found;
  if (stat("/usr/bin/passwd", &found) != 0 || (found.st_mode & S_ISUID) == 0 || geteuid() == 0) {
    return missing("a setuid passwd");
  }
  errno = EPERM;
  return status_in_child(start_set_id, NULL) == 42 ? kOpen : blocked("execve");
}

// --- the kernel's interfaces ------------------------------------------------------------------

static int bpf_map(void) {
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.map_fd = (uint32_t)-1;
  return passed(syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attributes, sizeof attributes), EBADF, "bpf");
}

static int perf_event(void) {
  struct perf_event_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_TASK_CLOCK;
  attributes.exclude_kernel = attributes.exclude_hv = 1;
  return opened(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0), "perf_event_open");
}

static int ring(void) {
  struct io_uring_params parameters;
  memset(&parameters, 0, sizeof parameters);
  return opened(syscall(SYS_io_uring_setup, 2, &parameters), "io_uring_setup");
}

static int ring_enter(void) { return passed(syscall(SYS_io_uring_enter, -1, 0, 0, 0, 0, 0), EBADF, "io_uring_enter"); }
static int ring_register(void) { return passed(syscall(SYS_io_uring_register, -1, 0, 0, 0), EBADF, "io_uring_register"); }

static int key(void) {
  return opened(syscall(SYS_add_key, "user", "attack", "x", 1, KEY_SPEC_PROCESS_KEYRING), "add_key");
}
static int key_session(void) { return opened(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1), "keyctl"); }
static int key_persistent(void) {
  return opened(syscall(SYS_keyctl, KEYCTL_GET_PERSISTENT, -1, KEY_SPEC_PROCESS_KEYRING), "keyctl");
}
static int key_request(void) {
  return passed(syscall(SYS_request_key, "user", "attack-none", NULL, 0), ENOKEY, "request_key");
}

static int file_handle(void) {
  struct {
    struct file_handle head;
    char space[128];
  } file;
  memset(&file, 0, sizeof file);
  file.head.handle_bytes = sizeof file.space;
  int mount_id = 0;
  return opened(name_to_handle_at(AT_FDCWD, "/", &file.head, &mount_id, 0), "name_to_handle_at");
}

static int by_handle(void) {
  struct {
    struct file_handle head;
    unsigned char bytes[8];
  } file = {{8, 1, {}}, {2}};
  return passed(open_by_handle_at(AT_FDCWD, &file.head, O_RDONLY), ESTALE, "open_by_handle_at");
}

static int watch_whole_mount(void) { return opened(syscall(SYS_fanotify_init, 0, O_RDONLY), "fanotify_init"); }
static int watch_reports(void) {
  return opened(syscall(SYS_fanotify_init, 0x200 /* FAN_REPORT_FID */, O_RDONLY), "fanotify_init");
}
static int kernel_log(void) { return opened(syscall(SYS_syslog, 10 /* SIZE_BUFFER */, NULL, 0), "syslog"); }
static int kexec(void) { return passed(syscall(SYS_kexec_load, 0, 0, 0, 0xffffffff), EINVAL, "kexec_load"); }
static int kernel_module(void) { return passed(syscall(SYS_finit_module, -1, "", 0), EBADF, "finit_module"); }
static int set_time(void) { return opened(syscall(SYS_settimeofday, NULL, NULL), "settimeofday"); }
static int adjust_clock(void) { return passed(syscall(SYS_clock_adjtime, 0, -1L), EFAULT, "clock_adjtime"); }
static int swap_on(void) { return passed(syscall(SYS_swapon, "/nothing", 0), ENOENT, "swapon"); }
static int reboots(void) { return passed(syscall(SYS_reboot, 0, 0, 0, 0), EINVAL, "reboot"); }
static int accounting(void) { return passed(syscall(SYS_acct, "/nothing"), ENOENT, "acct"); }
static int quota(void) { return passed(syscall(SYS_quotactl, 0x80000100u, NULL, 0, NULL), ENOENT, "quotactl"); }
static int host_name(void) { return opened(sethostname("attack", 6), "sethostname"); }
static int domain_name(void) { return opened(setdomainname("attack", 6), "setdomainname"); }
static int device_node(void) {
  char path[200];
  snprintf(path, sizeof path, "%s/attack-device", value("work", "/tmp"));
  const int made = mknod(path, S_IFCHR | 0600, makedev(1, 3));
  const int saved = errno;
  unlink(path);
  errno = saved;
  return opened(made, "mknod");
}
#if defined(__x86_64__)
static int io_ports(void) { return opened(iopl(3), "iopl"); }
#endif

// --- other processes --------------------------------------------------------------------------

static pid_t sleeping_child(void) {
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pause();
    _exit(0);
  }
  return child;
}

static int after_killing(pid_t child, int result) {
  const int saved = errno;
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  errno = saved;
  return result;
}

static int trace_child(void) {
  const pid_t child = sleeping_child();
  return after_killing(child, opened(ptrace(PTRACE_SEIZE, child, 0, 0), "ptrace"));
}

static int read_child(void) {
  static char byte = 'a';
  const pid_t child = sleeping_child();
  char here = 0;
  struct iovec into = {&here, 1}, from = {&byte, 1};
  return after_killing(child, opened(process_vm_readv(child, &into, 1, &from, 1, 0), "process_vm_readv"));
}

static int take_descriptor(void) {
  const pid_t child = sleeping_child();
  const int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
  if (pidfd < 0) return after_killing(child, blocked("pidfd_open"));
  return after_killing(child, opened(syscall(SYS_pidfd_getfd, pidfd, 0, 0), "pidfd_getfd"));
}

static int compare(void) { return opened(syscall(SYS_kcmp, getpid(), getppid(), 1, 0, 0), "kcmp"); }

static int advise_other(void) {
  const pid_t child = sleeping_child();
  const int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
  static char page[8192];
  struct iovec range = {(void*)(((uintptr_t)page + 4095) & ~(uintptr_t)4095), 4096};
  return after_killing(child, opened(syscall(SYS_process_madvise, pidfd, &range, 1, 20 /* COLD */, 0), "process_madvise"));
}

static int move_pages(void) {
  void* page = &advise_other;
  int where = -1;
  return opened(syscall(SYS_move_pages, 0, 1, &page, NULL, &where, 0), "move_pages");
}

static const struct way kWays[] = {
    {"unshare-user", unshare_user},
    {"unshare-each", unshare_each},
    {"clone-user", clone_user},
    {"clone-user-upper-bits", clone_user_upper_bits},
    {"clone3-user", clone3_user},
    {"mount-tmpfs", mount_tmpfs},
    {"mount-bind", mount_bind},
    {"mount-proc", mount_proc},
    {"unmount", unmount},
    {"remount", remount},
    {"fsopen", fs_open},
    {"open-tree", copy_tree},
    {"fspick", fs_pick},
    {"mount-attributes", mount_attributes},
    {"pivot-root", pivot},
    {"change-root", change_root},
    {"join-init", join_init},
    {"join-by-pidfd", join_by_pidfd},
    {"capabilities-held", capabilities_held},
    {"bounding-set", bounding_set},
    {"ambient-raised", ambient_raised},
    {"new-privileges", new_privileges},
    {"no-filter", no_filter},
    {"become-root", become_root},
    {"join-group", join_group},
    {"set-id-chmod", set_id_chmod},
    {"set-id-fchmod", set_id_fchmod},
    {"set-id-open", set_id_open},
    {"set-id-creat", set_id_creat},
    {"set-id-mknod", set_id_mknod},
    {"set-id-fchmodat2", set_id_fchmodat2},
    {"set-id-openat2", set_id_openat2},
    {"set-id-program", set_id_program},
    {"bpf", bpf_map},
    {"perf-event", perf_event},
    {"io-uring", ring},
    {"io-uring-enter", ring_enter},
    {"io-uring-register", ring_register},
    {"key", key},
    {"key-session", key_session},
    {"key-persistent", key_persistent},
    {"key-request", key_request},
    {"file-handle", file_handle},
    {"open-by-handle", by_handle},
    {"fanotify", watch_whole_mount},
    {"fanotify-reports", watch_reports},
    {"kernel-log", kernel_log},
    {"kexec", kexec},
    {"kernel-module", kernel_module},
    {"set-time", set_time},
    {"adjust-clock", adjust_clock},
    {"swap-on", swap_on},
    {"reboot", reboots},
    {"accounting", accounting},
    {"quota", quota},
    {"host-name", host_name},
    {"domain-name", domain_name},
    {"device-node", device_node},
#if defined(__x86_64__)
    {"io-ports", io_ports},
#endif
    {"trace-child", trace_child},
    {"read-child", read_child},
    {"take-descriptor", take_descriptor},
    {"compare", compare},
    {"advise-other", advise_other},
    {"move-pages", move_pages},
};

ATTACK_MAIN(kWays)
