// SPDX-License-Identifier: Apache-2.0
#include "seccomp/siblings.h"

#include <algorithm>

namespace sbx::seccomp {
namespace {

constexpr Family kFamilies[] = {
    {"opens a file", "open creat openat openat2"},
    {"makes a directory", "mkdir mkdirat"},
    {"removes a file", "unlink unlinkat"},
    {"removes a directory", "rmdir unlinkat"},
    {"renames", "rename renameat renameat2"},
    {"makes a hard link", "link linkat"},
    {"makes a symbolic link", "symlink symlinkat"},
    {"reads a symbolic link", "readlink readlinkat"},
    {"makes a node", "mknod mknodat"},
    {"changes a file's mode", "chmod fchmod fchmodat fchmodat2"},
    {"changes a file's owner", "chown chown32 fchown fchown32 lchown lchown32 fchownat"},
    {"changes a file's times", "utime utimes futimesat utimensat utimensat_time64"},
    {"changes a file's length", "truncate truncate64 ftruncate ftruncate64"},
    {"asks for a file's metadata",
     "stat oldstat stat64 lstat oldlstat lstat64 fstat oldfstat fstat64 newfstatat fstatat64 statx"},
    {"asks for access to a file", "access faccessat faccessat2"},
    {"asks for a file system's state", "statfs statfs64 fstatfs fstatfs64"},
    {"lists a directory", "readdir getdents getdents64"},
    {"changes the directory", "chdir fchdir"},
    {"sets extended attributes", "setxattr lsetxattr fsetxattr setxattrat"},
    {"reads extended attributes", "getxattr lgetxattr fgetxattr getxattrat"},
    {"lists extended attributes", "listxattr llistxattr flistxattr listxattrat"},
    {"removes extended attributes", "removexattr lremovexattr fremovexattr removexattrat"},
    {"reads a descriptor", "read readv pread64 preadv preadv2"},
    {"writes a descriptor", "write writev pwrite64 pwritev pwritev2"},
    {"copies between descriptors", "sendfile sendfile64 splice copy_file_range"},
    {"doubles a descriptor", "dup dup2 dup3"},
    {"makes a pipe", "pipe pipe2"},
    {"waits for descriptors", "select _newselect poll pselect6 pselect6_time64 ppoll ppoll_time64"},
    {"makes an epoll descriptor", "epoll_create epoll_create1"},
    {"waits for epoll events", "epoll_wait epoll_pwait epoll_pwait2"},
    {"makes an event descriptor", "eventfd eventfd2"},
    {"makes a signal descriptor", "signalfd signalfd4"},
    {"makes an inotify descriptor", "inotify_init inotify_init1"},
    {"starts a program", "execve execveat"},
    {"starts a process", "fork vfork clone clone3"},
    {"waits for a process", "waitpid wait4 waitid"},
    {"sends a signal",
     "kill rt_sigqueueinfo tkill tgkill rt_tgsigqueueinfo pidfd_send_signal"},
    {"accepts a connection", "accept accept4"},
    {"receives", "recv recvfrom recvmsg recvmmsg recvmmsg_time64"},
    {"sends", "send sendto sendmsg sendmmsg"},
    {"changes the protection of memory", "mprotect pkey_mprotect"},
    {"maps memory", "mmap mmap2"},
    {"locks memory", "mlock mlockall mlock2"},
    {"changes the user id", "setuid setuid32 setreuid setreuid32 setresuid setresuid32 setfsuid "
                            "setfsuid32"},
    {"changes the group id", "setgid setgid32 setregid setregid32 setresgid setresgid32 setfsgid "
                             "setfsgid32"},
    {"sets a resource limit", "setrlimit prlimit64"},
    {"changes the scheduling", "sched_setparam sched_setscheduler sched_setattr"},
    {"mounts", "mount fsopen fsconfig fsmount move_mount open_tree mount_setattr open_tree_attr"},
    {"unmounts", "umount umount2"},
    {"loads a module", "init_module finit_module"},
    {"loads a kernel", "kexec_load kexec_file_load"},
    {"sets the clock", "stime settimeofday adjtimex clock_settime clock_adjtime clock_settime64 "
                       "clock_adjtime64"},
    {"reads and changes another process",
     "ptrace process_vm_readv process_vm_writev process_madvise"},
    {"sets quotas", "quotactl quotactl_fd"},
    {"enters other roots", "chroot pivot_root"},
};

}  // namespace

std::span<const Family> families() {
  return kFamilies;
}

std::vector<std::string_view> members_of(const Family& family) {
  std::vector<std::string_view> members;
  std::string_view rest = family.members;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    members.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return members;
}

std::vector<const Family*> families_of(std::string_view call) {
  std::vector<const Family*> found;
  for (const Family& family : kFamilies) {
    const auto members = members_of(family);
    if (std::find(members.begin(), members.end(), call) != members.end()) {
      found.push_back(&family);
    }
  }
  return found;
}

}  // namespace sbx::seccomp
