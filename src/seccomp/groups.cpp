// SPDX-License-Identifier: Apache-2.0
#include "seccomp/groups.h"

#include <algorithm>

#include "seccomp/syscall_table.h"

namespace sbx::seccomp {
namespace {

// The first block has the names and the membership of systemd 252, which administrators know, plus
// the siblings that Linux has got since (setxattrat beside setxattr, futex_wait beside futex ...).
// "*" stands for every call of the table. Names of other architectures are listed too: the same
// policy then holds there.
constexpr Group kGroups[] = {
    {"@default", "what any program does: memory, time, own ids, locks, its end; execve too",
     "arch_prctl brk cacheflush clock_getres clock_getres_time64 clock_gettime clock_gettime64 "
     "clock_nanosleep clock_nanosleep_time64 execve exit exit_group futex futex_requeue "
     "futex_time64 futex_wait futex_waitv futex_wake get_robust_list get_thread_area getegid "
     "getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getpgid getpgrp getpid "
     "getppid getrandom getresgid getresgid32 getresuid getresuid32 getrlimit getsid gettid "
     "gettimeofday getuid getuid32 map_shadow_stack membarrier mmap mmap2 mprotect mseal munmap "
     "nanosleep pause prlimit64 restart_syscall riscv_flush_icache riscv_hwprobe rseq "
     "rt_sigreturn sched_getaffinity sched_yield set_robust_list set_thread_area set_tid_address "
     "set_tls sigreturn time ugetrlimit uprobe uretprobe"},
    {"@aio", "asynchronous input and output: aio and io_uring",
     "io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit "
     "io_uring_enter io_uring_register io_uring_setup"},
    {"@basic-io", "read, write, seek, close and duplicate descriptors",
     "_llseek close close_range dup dup2 dup3 lseek pread64 preadv preadv2 pwrite64 pwritev "
     "pwritev2 read readv write writev"},
    {"@chown", "change the owner of files",
     "chown chown32 fchown fchown32 fchownat lchown lchown32"},
    {"@clock", "set the system clock",
     "adjtimex clock_adjtime clock_adjtime64 clock_settime clock_settime64 settimeofday"},
    {"@cpu-emulation", "modes of old processors: vm86, modify_ldt",
     "modify_ldt subpage_prot switch_endian vm86 vm86old"},
    {"@debug", "trace and profile other processes",
     "lookup_dcookie perf_event_open pidfd_getfd ptrace rtas s390_runtime_instr "
     "sys_debug_setcontext"},
    {"@file-system", "open, create, look at, rename and remove files",
     "access cachestat chdir chmod close creat faccessat faccessat2 fallocate fchdir fchmod "
     "fchmodat fchmodat2 fcntl fcntl64 fgetxattr file_getattr file_setattr flistxattr "
     "fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 ftruncate ftruncate64 "
     "futimesat getcwd getdents getdents64 getxattr getxattrat inotify_add_watch inotify_init "
     "inotify_init1 inotify_rm_watch lgetxattr link linkat listmount listxattr listxattrat "
     "llistxattr lremovexattr lsetxattr lstat lstat64 mkdir mkdirat mknod mknodat newfstatat "
     "oldfstat oldlstat oldstat open openat openat2 readlink readlinkat removexattr "
     "removexattrat rename renameat renameat2 rmdir setxattr setxattrat stat stat64 statfs "
     "statfs64 statmount statx symlink symlinkat truncate truncate64 unlink unlinkat utime "
     "utimensat utimensat_time64 utimes"},
    {"@io-event", "wait for events: poll, select, epoll, eventfd",
     "_newselect epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 "
     "epoll_wait epoll_wait_old eventfd eventfd2 poll ppoll ppoll_time64 pselect6 "
     "pselect6_time64 select"},
    {"@ipc", "pipes, memfd, System V IPC, message queues, memory of other processes",
     "ipc memfd_create memfd_secret mq_getsetattr mq_notify mq_open mq_timedreceive "
     "mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink msgctl msgget msgrcv "
     "msgsnd pipe pipe2 process_madvise process_vm_readv process_vm_writev semctl semget semop "
     "semtimedop semtimedop_time64 shmat shmctl shmdt shmget"},
    {"@keyring", "the kernel's keyrings", "add_key keyctl request_key"},
    {"@memlock", "keep memory from being swapped out", "mlock mlock2 mlockall munlock munlockall"},
    {"@module", "load and unload kernel modules", "delete_module finit_module init_module"},
    {"@mount", "mount, unmount and change the root",
     "chroot fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree "
     "open_tree_attr pivot_root umount umount2"},
    {"@network-io", "sockets, as client and as server",
     "accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom "
     "recvmmsg recvmmsg_time64 recvmsg send sendmmsg sendmsg sendto setsockopt shutdown socket "
     "socketcall socketpair"},
    {"@obsolete", "calls that the kernel has dropped or that nothing uses any more",
     "_sysctl afs_syscall bdflush break create_module ftime get_kernel_syms getpmsg gtty idle "
     "lock mpx prof profil putpmsg query_module security sgetmask ssetmask stime stty sysfs "
     "tuxcall ulimit uselib ustat vserver"},
    {"@pkey", "memory protection keys", "pkey_alloc pkey_free pkey_mprotect"},
    {"@privileged", "what only a superuser may do",
     "@chown @clock @module @raw-io @reboot @swap _sysctl acct bpf capset chroot fanotify_init "
     "fanotify_mark nfsservctl open_by_handle_at pivot_root quotactl quotactl_fd setdomainname "
     "setfsuid setfsuid32 setgroups setgroups32 sethostname setresuid setresuid32 setreuid "
     "setreuid32 setuid setuid32 vhangup"},
    {"@process", "start, wait for, signal and name processes; namespaces",
     "capget clone clone3 execveat fork getrusage kill pidfd_open pidfd_send_signal prctl "
     "process_mrelease rt_sigqueueinfo rt_tgsigqueueinfo setns swapcontext tgkill times tkill "
     "unshare vfork wait4 waitid waitpid"},
    {"@raw-io", "ports and buses of the machine",
     "ioperm iopl pciconfig_iobase pciconfig_read pciconfig_write s390_pci_mmio_read "
     "s390_pci_mmio_write"},
    {"@reboot", "restart the machine or start another kernel", "kexec_file_load kexec_load reboot"},
    {"@resources", "scheduling, priorities, NUMA placement, limits",
     "ioprio_set mbind migrate_pages move_pages nice sched_setaffinity sched_setattr "
     "sched_setparam sched_setscheduler set_mempolicy set_mempolicy_home_node setpriority "
     "setrlimit"},
    {"@setuid", "change user and group ids",
     "setgid setgid32 setgroups setgroups32 setregid setregid32 setresgid setresgid32 setresuid "
     "setresuid32 setreuid setreuid32 setuid setuid32"},
    {"@signal", "receive and mask signals",
     "rt_sigaction rt_sigpending rt_sigprocmask rt_sigsuspend rt_sigtimedwait "
     "rt_sigtimedwait_time64 sigaction sigaltstack signal signalfd signalfd4 sigpending "
     "sigprocmask sigsuspend"},
    {"@swap", "swap areas", "swapoff swapon"},
    {"@sync", "flush files to the disk",
     "fdatasync fsync msync sync sync_file_range sync_file_range2 syncfs"},
    {"@system-service", "what an ordinary service uses; a wide start for a policy",
     "@aio @basic-io @chown @default @file-system @io-event @ipc @keyring @memlock @network-io "
     "@process @resources @setuid @signal @sync @timer arm_fadvise64_64 capget capset "
     "copy_file_range fadvise64 fadvise64_64 flock get_mempolicy getcpu getpriority ioctl "
     "ioprio_get kcmp madvise mremap name_to_handle_at oldolduname olduname personality "
     "readahead readdir remap_file_pages sched_get_priority_max sched_get_priority_min "
     "sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval "
     "sched_rr_get_interval_time64 sched_yield sendfile sendfile64 setfsgid setfsgid32 setfsuid "
     "setfsuid32 setpgid setsid splice sysinfo tee umask uname userfaultfd vmsplice"},
    {"@timer", "timers and alarms",
     "alarm getitimer setitimer timer_create timer_delete timer_getoverrun timer_gettime "
     "timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime "
     "timerfd_gettime64 timerfd_settime timerfd_settime64 times"},
    {"@known", "every call of the table", "*"},
    // Our own.
    {"@floor",
     "what every program needs whatever it does: its memory, locks, time, signals, its end",
     "arch_prctl brk cacheflush clock_getres clock_getres_time64 clock_gettime clock_gettime64 "
     "clock_nanosleep clock_nanosleep_time64 exit exit_group futex futex_requeue futex_time64 "
     "futex_wait futex_waitv futex_wake get_robust_list get_thread_area get_tls getcpu getpid "
     "getrandom getrlimit gettid gettimeofday madvise map_shadow_stack membarrier mmap mmap2 "
     "mprotect mremap mseal munmap nanosleep prlimit64 restart_syscall riscv_flush_icache rseq "
     "rt_sigaction rt_sigprocmask rt_sigreturn sched_getaffinity sched_yield set_robust_list "
     "set_thread_area set_tid_address set_tls sigaltstack sigreturn time ugetrlimit uprobe "
     "uretprobe"},
    {"@loader", "what the dynamic loader does before main: @floor, and reading the libraries",
     "@floor _llseek access close faccessat faccessat2 fstat fstat64 fstatat64 getcwd lseek "
     "lstat lstat64 newfstatat open openat pread64 read readlink readlinkat readv stat stat64 "
     "statx uname write writev"},
    {"@thread", "start threads; clone can also start processes, but no namespaces",
     "clone clone3 futex futex_time64 get_robust_list gettid membarrier rseq sched_getaffinity "
     "sched_yield set_robust_list set_tid_address tgkill"},
    {"@jit",
     "memory calls of programs that generate code; memory.wx = \"allow\" is what makes them useful",
     "madvise membarrier memfd_create memfd_secret mmap mmap2 mprotect mremap munmap pkey_alloc "
     "pkey_free pkey_mprotect"},
    {"@sandbox", "confine oneself further: seccomp, Landlock, security module attributes",
     "landlock_add_rule landlock_create_ruleset landlock_restrict_self lsm_get_self_attr "
     "lsm_list_modules lsm_set_self_attr seccomp"},
    {"@network-client", "sockets that connect; bind is there for local names and netlink",
     "bind connect getpeername getsockname getsockopt recv recvfrom recvmmsg recvmmsg_time64 "
     "recvmsg send sendmmsg sendmsg sendto setsockopt shutdown socket socketcall socketpair"},
    {"@network-server", "sockets that listen and accept, but do not connect",
     "accept accept4 bind getpeername getsockname getsockopt listen recv recvfrom recvmmsg "
     "recvmmsg_time64 recvmsg send sendmmsg sendmsg sendto setsockopt shutdown socket socketcall "
     "socketpair"},
};

constexpr int kMaxNesting = 4;  // deeper than any group of the table (tested)

void append_members(const Group& group, int nesting, std::vector<std::string_view>& names) {
  if (group.members == "*") {
    for (const Arch arch : {Arch::X86_64, Arch::Aarch64}) {
      const auto all = all_names(arch);
      names.insert(names.end(), all.begin(), all.end());
    }
    return;
  }
  std::string_view rest = group.members;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    const std::string_view member = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (member.front() != '@') {
      names.push_back(member);
    } else if (const Group* nested = find_group(member);
               nested != nullptr && nesting < kMaxNesting) {
      append_members(*nested, nesting + 1, names);
    }
  }
}

}  // namespace

std::span<const Group> groups() {
  return kGroups;
}

const Group* find_group(std::string_view name) {
  const auto* found = std::find_if(std::begin(kGroups), std::end(kGroups),
                                   [&](const Group& group) { return group.name == name; });
  return found == std::end(kGroups) ? nullptr : found;
}

std::vector<std::string_view> members_of(const Group& group) {
  std::vector<std::string_view> names;
  names.reserve(512);
  append_members(group, 0, names);
  return names;
}

std::vector<std::string_view> expand_group(const Group& group) {
  std::vector<std::string_view> names = members_of(group);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace sbx::seccomp
