// SPDX-License-Identifier: Apache-2.0
#include "seccomp/syscall_versions.h"

#include <algorithm>

namespace sbx::seccomp {
namespace {

struct Version {
  std::string_view kernel;
  std::string_view calls;  // separated by blanks
};

constexpr Version kVersions[] = {
    {"1.0",
     "access acct adjtimex alarm brk chdir chmod chroot clone close creat "
     "create_module delete_module dup dup2 execve exit fchdir fchmod fchown fcntl "
     "fork fstat fstatfs fsync ftruncate get_kernel_syms getegid geteuid getgid "
     "getgroups getitimer getpgid getpgrp getpid getppid getpriority getrlimit "
     "getrusage gettimeofday getuid init_module ioctl ioperm iopl ipc kill lchown "
     "link lseek lstat mkdir mknod mmap modify_ldt mount mprotect munmap nice "
     "oldfstat oldlstat oldolduname oldstat olduname open pause pipe pread64 ptrace "
     "pwrite64 quotactl read readdir readlink reboot rename rmdir select "
     "setdomainname setgid setgroups sethostname setitimer setpgid setpriority "
     "setregid setreuid setrlimit setsid settimeofday setuid sgetmask sigaction "
     "signal sigpending sigprocmask sigreturn sigsuspend socketcall ssetmask stat "
     "statfs stime swapoff swapon symlink sync syscall sysinfo syslog time times "
     "truncate umask umount uname unlink uselib ustat utime vhangup vm86old wait4 "
     "waitpid write"},
    {"1.2", "_llseek bdflush cacheflush personality setfsgid setfsuid sysfs"},
    {"2.0",
     "_newselect _sysctl accept bind connect execv fdatasync flock getdents "
     "getdtablesize gethostname getpagesize getpeername getsid getsockname "
     "getsockopt getxgid getxpid getxuid listen mlock mlockall mremap msgctl msgget "
     "msgrcv msgsnd msync munlock munlockall nanosleep old_adjtimex readv recv "
     "recvfrom recvmsg sched_get_priority_max sched_get_priority_min sched_getparam "
     "sched_getscheduler sched_rr_get_interval sched_setparam sched_setscheduler "
     "sched_yield semctl semget semop send sendmsg sendto sethae setpgrp setsockopt "
     "shmat shmctl shmdt shmget shutdown socket socketpair writev"},
    {"2.2",
     "breakpoint capget capset chown getcwd getdomainname getresgid getresuid "
     "memory_ordering nfsservctl pciconfig_read pciconfig_write perfctr poll prctl "
     "query_module rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo "
     "rt_sigreturn rt_sigsuspend rt_sigtimedwait sendfile setresgid setresuid "
     "sigaltstack umount2 utimes utrap_install vfork vm86"},
    {"2.4",
     "chown32 fchown32 fcntl64 fstat64 ftruncate64 getdents64 getegid32 geteuid32 "
     "getgid32 getgroups32 getresgid32 getresuid32 gettid getuid32 lchown32 lstat64 "
     "madvise mincore mmap2 oldumount pciconfig_iobase pivot_root readahead "
     "setfsgid32 setfsuid32 setgid32 setgroups32 setregid32 setresgid32 setresuid32 "
     "setreuid32 setuid32 stat64 truncate64 ugetrlimit usr26 usr32"},
    {"2.6",
     "arch_prctl clock_getres clock_gettime clock_nanosleep clock_settime "
     "epoll_create epoll_ctl epoll_wait exit_group fadvise64 fadvise64_64 fgetxattr "
     "flistxattr fremovexattr fsetxattr fstatfs64 futex get_thread_area getxattr "
     "io_cancel io_destroy io_getevents io_setup io_submit lgetxattr listxattr "
     "llistxattr lookup_dcookie lremovexattr lsetxattr remap_file_pages removexattr "
     "restart_syscall sched_get_affinity sched_getaffinity sched_set_affinity "
     "sched_setaffinity semtimedop sendfile64 set_thread_area set_tid_address "
     "setxattr statfs64 sysmips tgkill timer_create timer_delete timer_getoverrun "
     "timer_gettime timer_settime tkill"},
    {"2.6.2", "rtas"},
    {"2.6.3", "swapcontext"},
    {"2.6.6",
     "get_mempolicy mbind mq_getsetattr mq_notify mq_open mq_timedreceive "
     "mq_timedsend mq_unlink set_mempolicy"},
    {"2.6.10", "add_key keyctl request_key waitid"},
    {"2.6.11", "set_tls sys_debug_setcontext"},
    {"2.6.13",
     "inotify_add_watch inotify_init inotify_rm_watch ioprio_get ioprio_set "
     "kexec_load"},
    {"2.6.16",
     "faccessat fchmodat fchownat fstatat64 futimesat linkat migrate_pages mkdirat "
     "mknodat newfstatat openat ppoll pselect6 readlinkat renameat spu_create "
     "spu_run symlinkat unlinkat unshare"},
    {"2.6.17", "get_robust_list set_robust_list splice sync_file_range tee vmsplice"},
    {"2.6.18", "move_pages"},
    {"2.6.19", "epoll_pwait getcpu"},
    {"2.6.22", "eventfd signalfd sync_file_range2 timerfd utimensat"},
    {"2.6.23", "fallocate"},
    {"2.6.25", "subpage_prot timerfd_create timerfd_gettime timerfd_settime"},
    {"2.6.27", "dup3 epoll_create1 eventfd2 inotify_init1 pipe2 signalfd4"},
    {"2.6.28", "accept4"},
    {"2.6.30", "preadv pwritev"},
    {"2.6.31", "perf_event_open rt_tgsigqueueinfo"},
    {"2.6.33", "recvmmsg"},
    {"2.6.34", "atomic_barrier atomic_cmpxchg_32"},
    {"2.6.36", "prlimit64"},
    {"2.6.37", "fanotify_init fanotify_mark"},
    {"2.6.39", "clock_adjtime name_to_handle_at open_by_handle_at syncfs"},
    {"3.0", "sendmmsg setns"},
    {"3.1", "or1k_atomic"},
    {"3.2", "process_vm_readv process_vm_writev"},
    {"3.5", "kcmp"},
    {"3.7", "kern_features s390_runtime_instr"},
    {"3.8", "finit_module"},
    {"3.9", "arc_gettls arc_settls"},
    {"3.14", "sched_getattr sched_setattr"},
    {"3.15", "renameat2"},
    {"3.17", "getrandom kexec_file_load membarrier memfd_create seccomp"},
    {"3.18", "bpf"},
    {"3.19", "execveat s390_pci_mmio_read s390_pci_mmio_write"},
    {"4.1", "switch_endian"},
    {"4.3", "userfaultfd"},
    {"4.4", "mlock2"},
    {"4.5", "copy_file_range"},
    {"4.6", "preadv2 pwritev2"},
    {"4.9", "arc_usr_cmpxchg pkey_alloc pkey_free pkey_mprotect"},
    {"4.11", "statx"},
    {"4.12", "s390_guarded_storage"},
    {"4.15", "get_tls riscv_flush_icache s390_sthyi"},
    {"4.18", "io_pgetevents rseq"},
    {"5.1",
     "clock_adjtime64 clock_getres_time64 clock_gettime64 clock_nanosleep_time64 "
     "clock_settime64 futex_time64 io_pgetevents_time64 io_uring_enter "
     "io_uring_register io_uring_setup mq_timedreceive_time64 mq_timedsend_time64 "
     "pidfd_send_signal ppoll_time64 pselect6_time64 recvmmsg_time64 "
     "rt_sigtimedwait_time64 sched_rr_get_interval_time64 semtimedop_time64 "
     "timer_gettime64 timer_settime64 timerfd_gettime64 timerfd_settime64 "
     "utimensat_time64"},
    {"5.2", "fsconfig fsmount fsopen fspick move_mount open_tree"},
    {"5.3", "clone3 pidfd_open"},
    {"5.6", "openat2 pidfd_getfd"},
    {"5.8", "faccessat2"},
    {"5.9", "close_range"},
    {"5.10", "process_madvise"},
    {"5.11", "epoll_pwait2"},
    {"5.12", "mount_setattr"},
    {"5.13", "landlock_add_rule landlock_create_ruleset landlock_restrict_self"},
    {"5.14", "memfd_secret quotactl_fd"},
    {"5.15", "process_mrelease"},
    {"5.16", "futex_waitv"},
    {"5.17", "set_mempolicy_home_node"},
    {"6.5", "cachestat"},
    {"6.6", "fchmodat2 map_shadow_stack"},
    {"6.7", "futex_requeue futex_wait futex_wake"},
    {"6.8", "listmount lsm_get_self_attr lsm_list_modules lsm_set_self_attr statmount"},
    {"6.10", "mseal"},
    {"6.11", "uretprobe"},
    {"6.13", "getxattrat listxattrat removexattrat setxattrat"},
    {"6.15", "open_tree_attr"},
    {"6.17", "file_getattr file_setattr"},
    {"6.18", "uprobe"},
    {"",
     "afs_syscall epoll_ctl_old epoll_wait_old getpmsg putpmsg security tuxcall "
     "vserver"},
};

// True if the word stands among others, whole.
bool has_word(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(' '), words.size());
    if (words.substr(0, end) == word) {
      return true;
    }
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

}  // namespace

std::string_view since_kernel(std::string_view call) {
  const auto* found = std::find_if(std::begin(kVersions), std::end(kVersions),
                                   [&](const Version& one) { return has_word(one.calls, call); });
  return found == std::end(kVersions) ? std::string_view{} : found->kernel;
}

}  // namespace sbx::seccomp
