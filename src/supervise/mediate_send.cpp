// SPDX-License-Identifier: Apache-2.0
// sendto with an address, sendmsg and sendmmsg, where a datagram socket can lead outside. The
// message is copied, its address decided, and sent on a duplicate of the caller's socket: what a
// send names, and the control data by which it can be led elsewhere, stand in memory that another
// thread may change. network_mediator.h says why nothing is let run.
//
// A datagram socket that sends to a listed address without being connected becomes one that is made
// outside and connected to that address; it hears only the address that it has sent to last.
#include <fcntl.h>
#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fmt/format.h>

#include "seccomp/syscall_table.h"
#include "supervise/address_text.h"
#include "supervise/destination.h"
#include "supervise/network_mediator.h"
#include "supervise/process_facts.h"
#include "sys/event_loop.h"
#include "sys/pidfd.h"
#include "sys/process_memory.h"

namespace sbx::supervise {
namespace {

constexpr std::size_t kMostMessages = 64;      // of one sendmmsg; it may send fewer than asked
constexpr std::size_t kMostWaiting = 128;
constexpr std::uint64_t kSendAgain = 5;        // milliseconds
constexpr int kZeroCopy = 0x4000000;           // MSG_ZEROCOPY

bool is_stream_socket(int socket) {
  return sys::get_option(socket, SOL_SOCKET, SO_TYPE) == SOCK_STREAM;
}

}  // namespace

void NetworkMediator::send(const seccomp_notif& call) {
  const std::string_view name = seccomp::name_of(plan_.filter.arch, call.data.nr);
  const auto argument = [&](int index) {
    return static_cast<int>(static_cast<std::uint32_t>(call.data.args[index]));
  };
  const int flags = argument(name == "sendmsg" ? 2 : 3);
  OwnDuplicate own = duplicate(call, argument(0));
  if (own.errno_value != 0) {
    return refuse(call, own.errno_value);
  }
  const int file_flags = ::fcntl(own.socket.get(), F_GETFL);
  const std::int64_t result =
      (flags & kZeroCopy) != 0 ? -ENOBUFS : send_all(call, own, flags);
  const bool waits = (flags & MSG_DONTWAIT) == 0 && (file_flags & O_NONBLOCK) == 0;
  if (result == -EAGAIN && waits && waiting_sends_.size() < kMostWaiting) {
    waiting_sends_.push_back(call);
    next_send_look_ = sys::monotonic_milliseconds() + kSendAgain;
    return;
  }
  if (result == -kKilled) {
    return;
  }
  if (result == -EPIPE && (flags & MSG_NOSIGNAL) == 0 && listener_.is_waiting(call.id)) {
    const sys::UniqueFd thread(open_process_of(static_cast<pid_t>(call.pid)));
    sys::send_signal(thread.get(), SIGPIPE);
  }
  if (result < 0) {
    listener_.answer_errno(call.id, static_cast<int>(-result));
  } else {
    listener_.answer_value(call.id, result);
  }
}

std::int64_t NetworkMediator::send_all(const seccomp_notif& call, OwnDuplicate& own, int flags) {
  const std::string_view name = seccomp::name_of(plan_.filter.arch, call.data.nr);
  const auto thread = static_cast<pid_t>(call.pid);
  const bool is_stream = is_stream_socket(own.socket.get());
  if (name != "sendmmsg") {
    OutgoingMessage message;
    const int error = name == "sendto"
                          ? copy_sendto(thread, call.data, message)
                          : copy_sendmsg(thread, call.data.args[1], is_stream, message);
    return error != 0 ? -error : send_one(call, own, message, flags);
  }
  const std::size_t count = std::min<std::uint64_t>(
      static_cast<std::uint32_t>(call.data.args[2]), kMostMessages);
  std::int64_t sent = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t header = call.data.args[1] + i * sizeof(mmsghdr);
    OutgoingMessage message;
    const int error = copy_sendmsg(thread, header, is_stream, message);
    const std::int64_t length = error != 0 ? -error : send_one(call, own, message, flags);
    const auto told = static_cast<unsigned>(length);
    if (length < 0 ||
        sys::write_memory(thread, header + offsetof(mmsghdr, msg_len),
                          std::as_bytes(std::span(&told, 1))) != 0) {
      return sent > 0 || length >= 0 ? sent : length;  // sendmmsg(2): the error is told next time
    }
    ++sent;
  }
  return sent;
}

std::int64_t NetworkMediator::send_one(const seccomp_notif& call, OwnDuplicate& own,
                                       OutgoingMessage& message, int flags) {
  if (const int error = check_control(static_cast<pid_t>(call.pid), message); error != 0) {
    if (error == EPERM) {
      note_once("a message with control data was refused: network.connect lists datagrams, and "
                "control data could lead them elsewhere",
                plan_.connect.origin);
    }
    return -error;
  }
  if (const int error = direct(call, own, message); error != 0) {
    return -error;
  }
  if (!listener_.is_waiting(call.id)) {
    return -EPERM;
  }
  return send_now(own.socket.get(), message, flags);
}

// Decides about the message's address, and changes it to what is sent. 0 or an errno.
int NetworkMediator::direct(const seccomp_notif& call, OwnDuplicate& own,
                            OutgoingMessage& message) {
  const int socket = own.socket.get();
  const int domain = sys::get_option(socket, SOL_SOCKET, SO_DOMAIN).value_or(AF_INET);
  if (domain == AF_NETLINK && message.address.length == 0) {
    // Without an address the kernel asks only about the sender's own capabilities, and the
    // supervisor has some over the sandbox; with one also about those of who opened the socket.
    const sockaddr_nl kernel{AF_NETLINK, 0, 0, 0};
    std::memcpy(&message.address.storage, &kernel, sizeof kernel);
    message.address.length = sizeof kernel;
  }
  if (message.address.length == 0) {
    return 0;
  }
  if (domain == AF_UNIX) {
    return direct_local(call, message);
  }
  if (!is_internet_socket(socket)) {
    return !plan_.own_network && leads_elsewhere(socket) ? EACCES : 0;
  }
  if (is_stream_socket(socket)) {
    message.address = {};  // a connected one ignores it, another has no use for it (send(2))
    return 0;
  }
  return direct_datagram(call, own, message);
}

int NetworkMediator::direct_datagram(const seccomp_notif& call, OwnDuplicate& own,
                                     OutgoingMessage& message) {
  const auto place = sent_to(own.socket.get(), message.address);
  if (!place) {
    return EINVAL;
  }
  const bool listed = plan::decide_connect(plan_.connect, *place) != nullptr;
  if (listed && plan_.own_network) {
    return put_in_sender(call, own, message.address) != 0 ? errno : (message.address = {}, 0);
  }
  const bool stays_inside = own.place == Place::Inside && plan::is_loopback(*place);
  if (listed || (plan_.own_network && stays_inside)) {
    return 0;
  }
  const int errno_value = plan_.own_network ? ENETUNREACH : EACCES;
  const plan::Answer answer =
      deny_(call, {plan_.connect, *place, "network.connect", "--connect", plan::to_text(*place), {},
                   errno_value, !plan_.own_network});
  if (answer.kind == plan::Answer::Kind::Kill) {
    return kKilled;
  }
  return plan::is_granted(answer) ? 0 : errno_value;
}

// A socket outside, connected to that address: `own` becomes it. 0, or -1 and errno.
int NetworkMediator::put_in_sender(const seccomp_notif& call, OwnDuplicate& own,
                                   const sys::SocketAddress& address) {
  const sys::SocketAddress plain = without_flow_label(address);
  if (own.place != Place::Inside) {
    return ::connect(own.socket.get(), plain.data(), plain.length);
  }
  PendingConnect pending;
  pending.id = call.id;
  pending.thread = static_cast<pid_t>(call.pid);
  pending.descriptor = static_cast<int>(static_cast<std::uint32_t>(call.data.args[0]));
  pending.socket = make_outside(own.socket.get());
  if (!pending.socket || ::connect(pending.socket.get(), plain.data(), plain.length) != 0) {
    return -1;
  }
  if (const int result = put_in(pending); result < 0) {
    errno = -result;
    return -1;
  }
  own.socket = std::move(pending.socket);
  own.place = Place::Outside;
  return 0;
}

// A path means what the caller sees; an abstract address is of the socket's own network.
int NetworkMediator::direct_local(const seccomp_notif& call, OutgoingMessage& message) {
  const std::string abstract = unix_abstract(message.address);
  if (!abstract.empty() && !plan_.own_network &&
      plan::decide_unix(plan_.connect, "@" + abstract) == nullptr) {
    note_once(fmt::format("a message to {} was refused: network.connect does not list it",
                          address_text(message.address)),
              plan_.connect.origin);
    return EACCES;
  }
  return resolve_unix_path(static_cast<pid_t>(call.pid), message.address, message.path);
}

void NetworkMediator::send_again() {
  next_send_look_.reset();
  std::vector<seccomp_notif> waiting;
  waiting.swap(waiting_sends_);
  for (const seccomp_notif& call : waiting) {
    if (!listener_.is_waiting(call.id)) {
      continue;
    }
    if (has_caught_signal(static_cast<pid_t>(call.pid))) {
      listener_.answer_errno(call.id, kRestart);
    } else {
      send(call);
    }
  }
}

}  // namespace sbx::supervise
