// SPDX-License-Identifier: Apache-2.0
#include "sys/pidfd.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

namespace sbx::sys {
namespace {

constexpr unsigned kThread = O_EXCL;                   // PIDFD_THREAD
constexpr auto kPidfdType = static_cast<idtype_t>(3);  // P_PIDFD, Linux 5.4

int result_of(long value) {
  return value < 0 ? -errno : static_cast<int>(value);
}

}  // namespace

int open_pidfd(pid_t process) {
  return result_of(::syscall(SYS_pidfd_open, process, 0u));
}

int open_thread_pidfd(pid_t thread) {
  return result_of(::syscall(SYS_pidfd_open, thread, kThread));
}

int send_signal(int pidfd, int signal) {
  return result_of(::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0u));
}

int queue_signal(int pidfd, int signal, int value) {
  siginfo_t info{};
  info.si_signo = signal;
  info.si_code = SI_QUEUE;
  info.si_value.sival_int = value;
  return result_of(::syscall(SYS_pidfd_send_signal, pidfd, signal, &info, 0u));
}

std::optional<int> exit_status_of(int pidfd) {
  // struct pidfd_info of linux/pidfd.h in its first size; newer than the headers that we build with.
  struct Info {
    std::uint64_t mask;
    std::uint64_t cgroup;
    std::array<std::uint32_t, 11> ids;
    std::int32_t exit_code;
  };
  static_assert(sizeof(Info) == 64);
  constexpr unsigned long kGetInfo = _IOWR(0xff, 11, Info);  // PIDFD_GET_INFO
  constexpr std::uint64_t kExit = 1u << 3;                   // PIDFD_INFO_EXIT
  Info info{};
  info.mask = kExit;
  if (::ioctl(pidfd, kGetInfo, &info) != 0 || (info.mask & kExit) == 0) {
    return std::nullopt;
  }
  return info.exit_code;
}

int reap(int pidfd, bool may_wait, Ended& ended) {
  siginfo_t info{};
  int result = 0;
  do {
    result =
        ::waitid(kPidfdType, static_cast<id_t>(pidfd), &info, WEXITED | (may_wait ? 0 : WNOHANG));
  } while (result != 0 && errno == EINTR);
  if (result != 0) {
    return -errno;
  }
  if (info.si_signo == 0) {  // waitid(2): WNOHANG found nothing
    return -EAGAIN;
  }
  ended = {info.si_code, info.si_status};
  return 0;
}

}  // namespace sbx::sys
