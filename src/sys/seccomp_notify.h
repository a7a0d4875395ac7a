// SPDX-License-Identifier: Apache-2.0
// seccomp_unotify(2): the listener of a filter. Every function returns 0 or a negative errno;
// -ENOENT means that the call is no longer waiting (its thread was killed or got a signal).
#pragma once

#include <linux/seccomp.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sbx::sys {

class SeccompListener {
 public:
  // Borrows the descriptor. The buffers are as large as the running kernel wants them
  // (SECCOMP_GET_NOTIF_SIZES), which may be more than these headers know.
  explicit SeccompListener(int fd);

  // The next call, if epoll said that there is one: then the kernel never makes this wait, and
  // answers -ENOENT for a caller that died meanwhile.
  int receive(seccomp_notif& call);

  // True while the call waits. To be asked after every look into /proc/PID: only then is it sure
  // that the pid had not been given to another process.
  bool is_waiting(std::uint64_t id) const;

  int answer_value(std::uint64_t id, std::int64_t value);
  int answer_errno(std::uint64_t id, int errno_value);
  // Lets the call run as it is. Only where registers alone decided: memory may have changed since.
  int let_run(std::uint64_t id);

  // Puts a duplicate of `source` in the place of the caller's descriptor `target`.
  int replace_descriptor(std::uint64_t id, int source, int target, bool close_on_exec);

  // SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (Linux 6.6): caller and supervisor take turns on one
  // processor, for calls that come in quick succession. Older kernels refuse, which costs speed only.
  void wake_at_once();

  int fd() const { return fd_; }

 private:
  int answer(std::uint64_t id, std::int64_t value, std::int32_t error, std::uint32_t flags);

  int fd_;
  std::vector<std::byte> received_;
  std::vector<std::byte> answer_;
};

}  // namespace sbx::sys
