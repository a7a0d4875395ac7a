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
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <optional>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)  // Linux 5.19
#endif

namespace sbx::sys {
namespace {

constexpr int kPidfdId = 3;  // P_PIDFD, waitid(2)
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

int adopt_orphans() { return result_of(::prctl(PR_SET_CHILD_SUBREAPER, 1ul, 0, 0, 0)); }

namespace {

// Kills and reaps one child. Until then its number is nobody else's.
void end_child(pid_t pid) {
  const int child = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (child < 0) {
    return;
  }
  ::syscall(SYS_pidfd_send_signal, child, SIGKILL, nullptr, 0);
  ::waitid(static_cast<idtype_t>(kPidfdId), static_cast<id_t>(child), nullptr, WEXITED);
  ::close(child);
}

// How many of those in one page of the file were ended: the others have their turn afterwards.
int end_some_children(std::optional<pid_t> spared_session) {
  const int file = ::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return -errno;
  }
  char text[4096];
  const ssize_t length = ::read(file, text, sizeof text);
  ::close(file);
  int ended = 0;
  pid_t pid = 0;
  for (ssize_t i = 0; i < length; ++i) {
    if (text[i] >= '0' && text[i] <= '9') {
      pid = pid * 10 + (text[i] - '0');
      continue;
    }
    // A number that is cut off at the end has no blank.
    if (pid > 1 && (!spared_session || ::getsid(pid) != *spared_session)) {
      end_child(pid);
      ++ended;
    }
    pid = 0;
  }
  return ended;
}

}  // namespace

int end_children(bool spare_own_session) {
  // 0 is a session too: one whose leader is outside of our pid namespace, as in a container.
  const std::optional<pid_t> spared =
      spare_own_session ? std::optional<pid_t>(::getsid(0)) : std::nullopt;
  for (;;) {
    // Where there is no child, nobody is left below either: orphans become children.
    if (const int ended = end_some_children(spared); ended <= 0) {
      return ended;
    }
  }
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

int close_all_but(int descriptor) {
  const auto kept = static_cast<unsigned>(descriptor);
  if (kept > 0 && ::syscall(SYS_close_range, 0u, kept - 1, 0u) != 0) {
    return -errno;
  }
  return result_of(::syscall(SYS_close_range, kept + 1, UINT_MAX, 0u));
}

void close_all_but(std::vector<int> kept) {
  std::sort(kept.begin(), kept.end());
  unsigned next = 0;
  for (const int descriptor : kept) {
    const auto number = static_cast<unsigned>(descriptor);
    if (number > next) {
      ::syscall(SYS_close_range, next, number - 1, 0u);
    }
    next = number + 1;
  }
  ::syscall(SYS_close_range, next, UINT_MAX, 0u);
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
