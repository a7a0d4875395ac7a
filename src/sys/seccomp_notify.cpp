// SPDX-License-Identifier: Apache-2.0
#include "sys/seccomp_notify.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sbx::sys {
namespace {

int result_of(int value) {
  return value < 0 ? -errno : value;
}

}  // namespace

SeccompListener::SeccompListener(int fd)
    : fd_(fd), received_(sizeof(seccomp_notif)), answer_(sizeof(seccomp_notif_resp)) {
  seccomp_notif_sizes sizes{};
  if (::syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == 0) {
    received_.resize(std::max<std::size_t>(received_.size(), sizes.seccomp_notif));
    answer_.resize(std::max<std::size_t>(answer_.size(), sizes.seccomp_notif_resp));
  }
}

int SeccompListener::receive(seccomp_notif& call) {
  // The kernel refuses a buffer that is not zero (EINVAL), to keep room for extensions.
  std::fill(received_.begin(), received_.end(), std::byte{0});
  if (::ioctl(fd_, SECCOMP_IOCTL_NOTIF_RECV, received_.data()) != 0) {
    return -errno;
  }
  std::memcpy(&call, received_.data(), sizeof call);
  return 0;
}

bool SeccompListener::is_waiting(std::uint64_t id) const {
  return ::ioctl(fd_, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

int SeccompListener::answer(std::uint64_t id, std::int64_t value, std::int32_t error,
                            std::uint32_t flags) {
  std::fill(answer_.begin(), answer_.end(), std::byte{0});
  seccomp_notif_resp response{};
  response.id = id;
  response.val = value;
  response.error = error;
  response.flags = flags;
  std::memcpy(answer_.data(), &response, sizeof response);
  return result_of(::ioctl(fd_, SECCOMP_IOCTL_NOTIF_SEND, answer_.data()));
}

int SeccompListener::answer_value(std::uint64_t id, std::int64_t value) {
  return answer(id, value, 0, 0);
}

int SeccompListener::answer_errno(std::uint64_t id, int errno_value) {
  return answer(id, 0, -errno_value, 0);
}

int SeccompListener::let_run(std::uint64_t id) {
  return answer(id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

void SeccompListener::wake_at_once() {
  constexpr unsigned long kSetFlags = 0x40082104;  // SECCOMP_IOCTL_NOTIF_SET_FLAGS, newer than Debian's header
  constexpr unsigned long kSyncWakeUp = 1;
  ::ioctl(fd_, kSetFlags, kSyncWakeUp);
}

int SeccompListener::replace_descriptor(std::uint64_t id, int source, int target,
                                        bool close_on_exec) {
  seccomp_notif_addfd request{};
  request.id = id;
  request.flags = SECCOMP_ADDFD_FLAG_SETFD;
  request.srcfd = static_cast<std::uint32_t>(source);
  request.newfd = static_cast<std::uint32_t>(target);
  request.newfd_flags = close_on_exec ? O_CLOEXEC : 0u;
  const int result = result_of(::ioctl(fd_, SECCOMP_IOCTL_NOTIF_ADDFD, &request));
  return result < 0 ? result : 0;
}

}  // namespace sbx::sys
