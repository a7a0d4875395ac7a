// SPDX-License-Identifier: Apache-2.0
// Sockets that are made and connected outside, and put in the place of the caller's; listen, which
// no such socket may do. network_mediator.h says why.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "supervise/address_text.h"
#include "supervise/destination.h"
#include "supervise/network_mediator.h"
#include "supervise/process_facts.h"
#include "supervise/socket_carry.h"
#include "supervise/watch_carry.h"

namespace sbx::supervise {
namespace {

int result_of(int value) {
  return value < 0 ? -errno : 0;
}

bool set_nonblocking(int socket, bool on) {
  const int flags = ::fcntl(socket, F_GETFL);
  return flags >= 0 &&
         ::fcntl(socket, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) == 0;
}

}  // namespace

// As connect(2) on the caller's socket would have it: at once for a datagram socket, later for one
// that does not block, and for the others the answer waits.
void NetworkMediator::connect_outside(const seccomp_notif& call, const OwnDuplicate& own,
                                      const sys::SocketAddress& address) {
  const int inside = own.socket.get();
  const int domain = sys::get_option(inside, SOL_SOCKET, SO_DOMAIN).value_or(-1);
  const int type = sys::get_option(inside, SOL_SOCKET, SO_TYPE).value_or(-1);
  if (domain == AF_UNIX && type == SOCK_DGRAM) {
    return refuse(call, EPERM);  // it could send to every abstract address outside
  }
  PendingConnect pending;
  pending.id = call.id;
  pending.thread = static_cast<pid_t>(call.pid);
  pending.descriptor = static_cast<int>(static_cast<std::uint32_t>(call.data.args[0]));
  pending.address = without_flow_label(address);
  pending.socket = make_outside(inside);
  if (!pending.socket) {
    return refuse(call, errno);
  }
  const bool waits = (::fcntl(inside, F_GETFL) & O_NONBLOCK) == 0;
  if (!set_nonblocking(pending.socket.get(), true)) {
    return refuse(call, ENOBUFS);
  }
  const int result = result_of(
      ::connect(pending.socket.get(), pending.address.data(), pending.address.length));
  if (result != -EINPROGRESS || !waits) {
    pending.blocks = waits;
    return conclude(pending, result);
  }
  pending.blocks = true;
  wait_for(std::move(pending), false);
}

// Unconnected, with the options of the caller's; empty and errno set if there can be none.
sys::UniqueFd NetworkMediator::make_outside(int inside) {
  const int domain = sys::get_option(inside, SOL_SOCKET, SO_DOMAIN).value_or(-1);
  const int type = sys::get_option(inside, SOL_SOCKET, SO_TYPE).value_or(-1);
  sys::UniqueFd outside(::socket(domain, type | SOCK_CLOEXEC, 0));
  if (outside && domain == AF_INET6) {
    const int only = sys::get_option(inside, IPPROTO_IPV6, IPV6_V6ONLY).value_or(0);
    sys::set_option(outside.get(), IPPROTO_IPV6, IPV6_V6ONLY, only);
  }
  if (outside) {
    carry_options(inside, outside.get());
  }
  return outside;
}

void NetworkMediator::conclude(PendingConnect& pending, int result) {
  const bool goes_on = result == 0 || result == -EINPROGRESS || result == -kRestart;
  if (pending.descriptor >= 0 && goes_on) {
    if (pending.blocks && !set_nonblocking(pending.socket.get(), false)) {
      return answer(pending.id, -ENOBUFS);
    }
    if (const int error = put_in(pending); error < 0) {
      return answer(pending.id, error);
    }
  }
  answer(pending.id, result);
}

int NetworkMediator::put_in(const PendingConnect& pending) {
  const auto flags = descriptor_flags(pending.thread, pending.descriptor);
  if (!flags) {
    return -EBADF;
  }
  // Who waits in connect does not watch for it.
  const auto watches = pending.blocks ? std::vector<Watch>()
                                      : watches_on(pending.thread, pending.descriptor);
  // From here on, whatever comes of the call: it may have a socket that is outside.
  injected_ = true;
  const int result = listener_.replace_descriptor(pending.id, pending.socket.get(),
                                                  pending.descriptor, (*flags & O_CLOEXEC) != 0);
  if (result == 0) {
    carry_watches(pending.thread, watches, pending.socket.get(), pending.descriptor);
  }
  return result;
}

void NetworkMediator::listen(const seccomp_notif& call) {
  const OwnDuplicate own =
      duplicate(call, static_cast<int>(static_cast<std::uint32_t>(call.data.args[0])));
  if (own.errno_value != 0) {
    return refuse(call, own.errno_value);
  }
  const int socket = own.socket.get();
  if (is_injected(own)) {
    const auto cookie = sys::socket_cookie(socket);
    if (!cookie || published_cookies_.count(*cookie) == 0) {
      note_once("listen was refused: the socket is a client outside the sandbox", {});
      return refuse(call, EINVAL);
    }
  }
  // On the host's network a socket that was not bound, or to port 0, listens on any port.
  if (plan_.bind.limited && !plan_.own_network && is_internet_socket(socket)) {
    const auto bound = sys::local_address(socket);
    const auto place = bound ? bound_place(socket, *bound) : std::nullopt;
    if (!place) {
      return refuse(call, EINVAL);
    }
    if (plan::decide_bind(plan_.bind, *place) == nullptr && !may_use_port(call, *place)) {
      return;
    }
  }
  const int backlog = static_cast<int>(static_cast<std::uint32_t>(call.data.args[1]));
  answer(call.id, result_of(::listen(socket, backlog)));
}

// False when the call is answered: the policy lists other ports.
bool NetworkMediator::may_bind(const seccomp_notif& call, int socket,
                               const sys::SocketAddress& address) {
  if (!plan_.bind.limited || !is_internet_socket(socket)) {
    return true;
  }
  const auto place = bound_place(socket, address);
  if (!place) {
    refuse(call, EINVAL);
    return false;
  }
  const bool is_published = place->transport == plan::Transport::Tcp &&
                            std::any_of(plan_.publish.begin(), plan_.publish.end(),
                                        [&](const plan::Publish& publish) {
                                          return publish.inside_port == place->port;
                                        });
  return place->port == 0 || is_published ||
         plan::decide_bind(plan_.bind, *place) != nullptr || may_use_port(call, *place);
}

// A port that network.bind does not list: told; true if it may be had all the same (on-violation =
// "log"), else the call is answered.
bool NetworkMediator::may_use_port(const seccomp_notif& call, const plan::Destination& place) {
  const std::string entry =
      fmt::format("{}{}", place.port, place.transport == plan::Transport::Udp ? "/udp" : "");
  const plan::Answer answer =
      deny_(call, {plan_.bind, place, "network.bind", "--bind", entry, {}, EACCES, true});
  if (plan::is_granted(answer)) {
    return true;
  }
  if (answer.kind != plan::Answer::Kind::Kill) {
    refuse(call, EACCES);
  }
  return false;
}

}  // namespace sbx::supervise
