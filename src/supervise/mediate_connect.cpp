// SPDX-License-Identifier: Apache-2.0
// connect, on a duplicate of the caller's socket; network_mediator.h says why.
#include <fcntl.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "supervise/address_text.h"
#include "supervise/network_mediator.h"
#include "supervise/process_facts.h"
#include "sys/interruption.h"

namespace sbx::supervise {
namespace {

// Each is a descriptor of ours; a caller beyond that waits for nothing but memory.
constexpr std::size_t kMostConnects = 128;
constexpr std::uint64_t kLookEvery = 50;  // milliseconds

// SO_SNDTIMEO in milliseconds, which bounds connect too (socket(7)); 0: none.
std::uint64_t send_timeout(int socket) {
  std::array<std::byte, sizeof(timeval)> bytes{};
  timeval timeout{};
  if (sys::get_option(socket, SOL_SOCKET, SO_SNDTIMEO, bytes) ==
      static_cast<std::ptrdiff_t>(bytes.size())) {
    std::memcpy(&timeout, bytes.data(), sizeof timeout);
  }
  return static_cast<std::uint64_t>(timeout.tv_sec) * 1000 +
         static_cast<std::uint64_t>(timeout.tv_usec) / 1000;
}

bool is_nonblocking(int socket) {
  return (::fcntl(socket, F_GETFL) & O_NONBLOCK) != 0;
}

}  // namespace

void NetworkMediator::connect(const seccomp_notif& call) {
  PendingConnect pending;
  pending.id = call.id;
  const auto thread = static_cast<pid_t>(call.pid);
  if (const int error = copy_address(thread, call.data.args[1], call.data.args[2], pending.address);
      error != 0) {
    return refuse(call, error);
  }
  OwnDuplicate own =
      duplicate(call, static_cast<int>(static_cast<std::uint32_t>(call.data.args[0])));
  if (own.errno_value != 0) {
    return refuse(call, own.errno_value);
  }
  if (own.place != Place::Inside) {
    note_once(fmt::format("connect to {} was refused: a published socket may not become a client",
                          address_text(pending.address)),
              {});
    return refuse(call, EPERM);
  }
  if (const int error = resolve_unix_path(thread, pending.address, pending.path); error != 0) {
    return refuse(call, error);
  }
  if (!listener_.is_waiting(call.id)) {
    return;
  }
  pending.socket = std::move(own.socket);
  const bool waits = !is_nonblocking(pending.socket.get());
  const int result = connect_now(pending);
  const bool unfinished = result == -EINTR || (waits && result == -EALREADY);
  if (!unfinished) {
    return answer(call.id, result);
  }
  if (connects_.size() >= kMostConnects) {
    return refuse(call, EAGAIN);
  }
  if (const std::uint64_t timeout = send_timeout(pending.socket.get()); timeout != 0) {
    pending.deadline = sys::monotonic_milliseconds() + timeout;
  }
  const bool again = pending.address.family() == AF_UNIX;
  wait_for(std::move(pending), again);
}

// An AF_UNIX path means what the caller sees. 0 or an errno; other addresses are left alone.
int NetworkMediator::resolve_unix_path(pid_t thread, sys::SocketAddress& address,
                                       sys::UniqueFd& path) {
  const std::string name = unix_path(address);
  if (name.empty()) {
    return 0;
  }
  const int fd = open_as_seen_by(thread, name);
  if (fd < 0) {
    return -fd;
  }
  path.reset(fd);
  sockaddr_un own{};
  own.sun_family = AF_UNIX;
  const std::string link = fmt::format("/proc/self/fd/{}", fd);
  std::memcpy(own.sun_path, link.data(), link.size());
  address = {};
  std::memcpy(&address.storage, &own, sizeof own);
  address.length = sizeof own;
  return 0;
}

// 0 or a negative errno; -EINTR when it would wait. Whether the socket blocks is the sandboxee's to
// change at any moment, so the call is bounded from our side.
int NetworkMediator::connect_now(PendingConnect& pending) {
  const sys::InterruptSoon soon;
  return ::connect(pending.socket.get(), pending.address.data(), pending.address.length) == 0
             ? 0
             : -errno;
}

void NetworkMediator::wait_for(PendingConnect pending, bool again) {
  const std::uint64_t tag = next_tag_++;
  pending.again = again;
  if (!again && epoll_.add(pending.socket.get(), EPOLLOUT | EPOLLONESHOT, tag) != 0) {
    listener_.answer_errno(pending.id, ENOBUFS);
    return;
  }
  connects_.emplace(tag, std::move(pending));
  if (!next_connect_look_) {
    next_connect_look_ = sys::monotonic_milliseconds() + kLookEvery;
  }
}

void NetworkMediator::end(std::map<std::uint64_t, PendingConnect>::iterator pending, int result) {
  if (!pending->second.again) {
    // The sandboxee has the same open file, so closing ours would not take it out of the set.
    epoll_.remove(pending->second.socket.get());
  }
  answer(pending->second.id, result);
  connects_.erase(pending);
}

void NetworkMediator::finish_connect(std::uint64_t tag) {
  const auto pending = connects_.find(tag);
  if (pending != connects_.end()) {
    const int error =
        sys::get_option(pending->second.socket.get(), SOL_SOCKET, SO_ERROR).value_or(EIO);
    end(pending, -error);
  }
}

void NetworkMediator::look_after_connects(std::uint64_t now) {
  for (auto it = connects_.begin(); it != connects_.end();) {
    const auto pending = it++;
    if (!listener_.is_waiting(pending->second.id)) {
      end(pending, -EINTR);  // nobody is there to hear it
      continue;
    }
    if (pending->second.deadline != 0 && now >= pending->second.deadline) {
      end(pending, pending->second.again ? -EAGAIN : -EINPROGRESS);
      continue;
    }
    if (pending->second.again) {
      if (const int result = connect_now(pending->second); result != -EINTR) {
        end(pending, result);
      }
    }
  }
  next_connect_look_ =
      connects_.empty() ? std::nullopt : std::optional(sys::monotonic_milliseconds() + kLookEvery);
}

}  // namespace sbx::supervise
