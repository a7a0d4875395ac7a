// SPDX-License-Identifier: Apache-2.0
// connect, on a duplicate of the caller's socket; network_mediator.h says why.
#include <fcntl.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "supervise/address_text.h"
#include "supervise/destination.h"
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

// Neither connected nor listening; a datagram socket may choose its peer anew.
bool is_fresh(int socket) {
  return sys::get_option(socket, SOL_SOCKET, SO_TYPE) == SOCK_DGRAM ||
         (!sys::peer_address(socket) &&
          sys::get_option(socket, SOL_SOCKET, SO_ACCEPTCONN).value_or(0) == 0);
}

bool is_nonblocking(int socket) {
  return (::fcntl(socket, F_GETFL) & O_NONBLOCK) != 0;
}

}  // namespace

void NetworkMediator::connect(const seccomp_notif& call) {
  sys::SocketAddress address;
  if (const int error =
          copy_address(static_cast<pid_t>(call.pid), call.data.args[1], call.data.args[2], address);
      error != 0) {
    return refuse(call, error);
  }
  OwnDuplicate own =
      duplicate(call, static_cast<int>(static_cast<std::uint32_t>(call.data.args[0])));
  if (own.errno_value != 0) {
    return refuse(call, own.errno_value);
  }
  const auto destination = reached_destination(own.socket.get(), address);
  if (is_injected(own)) {
    return connect_injected(call, std::move(own), address, destination);
  }
  if (address.family() == AF_UNIX) {
    return connect_unix(call, std::move(own), address);
  }
  if (!plan_.connect.limited) {
    return connect_on_the_spot(call, std::move(own), address);
  }
  if (!destination || plan::decide_connect(plan_.connect, *destination) == nullptr) {
    return connect_unlisted(call, std::move(own), address, destination);
  }
  // A connected or listening socket is no client of another place: the kernel says what it says.
  if (!plan_.own_network || !is_fresh(own.socket.get())) {
    return connect_on_the_spot(call, std::move(own), address);
  }
  connect_outside(call, own, address);
}

// A socket that lives outside can only go where network.connect says, or nowhere. Not even
// AF_UNSPEC, which would take its peer away and leave it open to every sender.
void NetworkMediator::connect_injected(const seccomp_notif& call, OwnDuplicate own,
                                       const sys::SocketAddress& address,
                                       const std::optional<plan::Destination>& destination) {
  if (destination && plan::decide_connect(plan_.connect, *destination) != nullptr) {
    return connect_on_the_spot(call, std::move(own), without_flow_label(address));
  }
  // The C library lets go of a datagram socket so, to ask about its next address.
  const bool resolver = sys::get_option(own.socket.get(), SOL_SOCKET, SO_TYPE) == SOCK_DGRAM;
  if (!resolver) {
    note_once(fmt::format("connect to {} was refused: the socket lives outside the sandbox",
                          address_text(address)),
              {});
  }
  refuse(call, resolver && destination ? ENETUNREACH : EPERM);
}

void NetworkMediator::connect_unlisted(const seccomp_notif& call, OwnDuplicate own,
                                       const sys::SocketAddress& address,
                                       const std::optional<plan::Destination>& destination) {
  const bool is_internet = is_internet_socket(own.socket.get());
  const bool stays_inside = plan_.own_network && (!destination || plan::is_loopback(*destination));
  // AF_UNSPEC lets go of a peer and leads nowhere.
  if (!plan_.own_network && leads_elsewhere(own.socket.get())) {
    return refuse(call, EACCES);
  }
  if (!is_internet || stays_inside || (!destination && address.family() == AF_UNSPEC)) {
    return connect_on_the_spot(call, std::move(own), address);
  }
  if (!destination) {
    return refuse(call, EINVAL);  // no address of its family: nothing to decide about
  }
  Denial denial{plan_.connect, *destination, "network.connect", "--connect",
                plan::to_text(*destination), {}, plan_.own_network ? ENETUNREACH : EACCES,
                !plan_.own_network};
  if (destination->transport == plan::Transport::Udp) {
    plan::Destination by_tcp = *destination;
    by_tcp.transport = plan::Transport::Tcp;
    // The C library asks about routes so, with a datagram socket, before a program connects by TCP.
    if (destination->port == 0 || plan::decide_connect(plan_.connect, by_tcp) != nullptr) {
      return refuse(call, denial.errno_value);
    }
    denial.warning = fmt::format("if it was only asked for a route to connect by TCP: --connect {}",
                                 plan::to_text(by_tcp));
  }
  const plan::Answer answer = deny_(call, denial);
  if (answer.kind == plan::Answer::Kind::Kill) {
    return;
  }
  if (plan::is_granted(answer)) {
    return connect_on_the_spot(call, std::move(own), address);
  }
  refuse(call, denial.errno_value);
}

// A listed path is the host's, whatever stands there inside; any other is what the caller sees.
// The own socket is connected: local sockets know no network but for abstract addresses, and those
// stay inside with it.
void NetworkMediator::connect_unix(const seccomp_notif& call, OwnDuplicate own,
                                   const sys::SocketAddress& address) {
  const std::string path = unix_path(address);
  const std::string abstract = unix_abstract(address);
  const bool is_listed =
      plan::decide_unix(plan_.connect, abstract.empty() ? path : "@" + abstract) != nullptr;
  if (is_listed && abstract.empty()) {
    sys::SocketAddress on_the_host = unix_address(path);
    return connect_on_the_spot(call, std::move(own), on_the_host);
  }
  if (is_listed && plan_.own_network) {
    return connect_outside(call, own, address);
  }
  if (plan_.connect.limited && !plan_.own_network && !abstract.empty() && !is_listed) {
    note_once(fmt::format("connect to {} was refused: network.connect does not list it",
                          address_text(address)),
              plan_.connect.origin);
    return refuse(call, EACCES);
  }
  sys::SocketAddress seen = address;
  sys::UniqueFd place;
  if (const int error = resolve_unix_path(static_cast<pid_t>(call.pid), seen, place); error != 0) {
    return refuse(call, error);
  }
  connect_on_the_spot(call, std::move(own), seen, std::move(place));
}

// With the caller's own socket, or with one of its that lives outside already.
void NetworkMediator::connect_on_the_spot(const seccomp_notif& call, OwnDuplicate own,
                                          const sys::SocketAddress& address, sys::UniqueFd path) {
  PendingConnect pending;
  pending.id = call.id;
  pending.thread = static_cast<pid_t>(call.pid);
  pending.address = address;
  pending.path = std::move(path);
  pending.socket = std::move(own.socket);
  if (!listener_.is_waiting(call.id)) {
    return;
  }
  const bool waits = !is_nonblocking(pending.socket.get());
  const int result = connect_now(pending);
  const bool unfinished = result == -EINTR || (waits && result == -EALREADY);
  if (!unfinished) {
    return answer(call.id, result);
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
  address = unix_address(fmt::format("/proc/self/fd/{}", fd));
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
  if (connects_.size() >= kMostConnects) {
    listener_.answer_errno(pending.id, EAGAIN);
    return;
  }
  if (const std::uint64_t timeout = send_timeout(pending.socket.get()); timeout != 0) {
    pending.deadline = sys::monotonic_milliseconds() + timeout;
  }
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
  conclude(pending->second, result);
  connects_.erase(pending);
}

void NetworkMediator::finish_connect(std::uint64_t tag) {
  const auto pending = connects_.find(tag);
  if (pending != connects_.end()) {
    const int error =
        sys::get_option(pending->second.socket.get(), SOL_SOCKET, SO_ERROR).value_or(EIO);
    if (error == 0) {
      connect_now(pending->second);  // at its end now: only so does the socket count as connected
    }
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
    if (has_caught_signal(pending->second.thread)) {
      end(pending, -kRestart);
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
