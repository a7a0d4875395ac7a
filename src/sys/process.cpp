// SPDX-License-Identifier: Apache-2.0
#include "sys/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)  // Linux 5.19
#endif

namespace sbx::sys {
namespace {

constexpr int kSetMdwe = 65;           // PR_SET_MDWE
constexpr unsigned long kRefuseExecGain = 1;  // PR_MDWE_REFUSE_EXEC_GAIN

int result_of(long value) { return value < 0 ? -errno : static_cast<int>(value); }

}  // namespace

int clone_namespaces(std::uint64_t namespaces, int* pidfd) {
  const std::uint64_t flags = namespaces | CLONE_PIDFD | SIGCHLD;
  // Not clone3: Docker's default profile refuses it. The pidfd is returned through parent_tid,
  // the third argument on x86-64 and aarch64 alike (clone(2), "C library/kernel differences").
  return result_of(::syscall(SYS_clone, flags, nullptr, pidfd, nullptr, nullptr));
}

int clone_sharing_memory(int (*entry)(void*), void* argument, std::byte* stack_top) {
  return result_of(
      ::clone(entry, stack_top, CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, argument));
}

int set_no_new_privs() { return result_of(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); }

int refuse_exec_gain() { return result_of(::prctl(kSetMdwe, kRefuseExecGain, 0, 0, 0)); }

int set_parent_death_signal(int signal) {
  return result_of(::prctl(PR_SET_PDEATHSIG, static_cast<unsigned long>(signal), 0, 0, 0));
}

int hide_memory(std::uint64_t mark) {
  return result_of(::syscall(SYS_prctl, PR_SET_DUMPABLE, 0ul, 0ul, 0ul, 0ul, mark));
}

int set_dumpable(bool dumpable) {
  return result_of(::prctl(PR_SET_DUMPABLE, dumpable ? 1ul : 0ul, 0, 0, 0));
}

int install_filter(const sock_fprog& program, bool wait_killable) {
  const unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER |
                              (wait_killable ? SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV : 0ul);
  return result_of(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program));
}

int restrict_calls(const sock_fprog& program) {
  return result_of(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0ul, &program));
}

int take_descriptor(int pidfd, int descriptor) {
  return result_of(::syscall(SYS_pidfd_getfd, pidfd, descriptor, 0));
}

int close_on_exec_from(unsigned first) {
  return result_of(::syscall(SYS_close_range, first, UINT_MAX, CLOSE_RANGE_CLOEXEC));
}

int keep_over_exec(int descriptor) { return result_of(::fcntl(descriptor, F_SETFD, 0)); }

int close_inherited() {
  DIR* const directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) {
    return -errno;
  }
  constexpr int kFirstAfterStderr = 3;
  while (const dirent* entry = ::readdir(directory)) {
    const int descriptor = std::atoi(entry->d_name);  // "." and "..": 0
    const int flags = descriptor < kFirstAfterStderr ? -1 : ::fcntl(descriptor, F_GETFD);
    if (flags >= 0 && (flags & FD_CLOEXEC) == 0) {
      ::close(descriptor);
    }
  }
  return ::closedir(directory) != 0 ? -errno : 0;
}

int lower_limit(int resource, std::uint64_t soft, std::uint64_t hard) {
  rlimit present{};
  if (::syscall(SYS_prlimit64, 0, resource, nullptr, &present) != 0) {
    return -errno;
  }
  const rlimit wanted{std::min<rlim_t>(soft, present.rlim_max),
                      std::min<rlim_t>(hard, present.rlim_max)};
  return result_of(::syscall(SYS_prlimit64, 0, resource, &wanted, nullptr));
}

int loopback_up() {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) {
    return -errno;
  }
  ifreq request{};
  std::memcpy(request.ifr_name, "lo", sizeof "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK;
  const int result = result_of(::ioctl(socket, SIOCSIFFLAGS, &request));
  ::close(socket);
  return result;
}

int write_file(const char* path, const char* text, std::size_t length) {
  const int file = ::open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) {
    return -errno;
  }
  const ssize_t written = ::write(file, text, length);
  const int result = written < 0 ? -errno : written == static_cast<ssize_t>(length) ? 0 : -EIO;
  ::close(file);
  return result;
}

}  // namespace sbx::sys
