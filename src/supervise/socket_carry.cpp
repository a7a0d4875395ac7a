// SPDX-License-Identifier: Apache-2.0
#include "supervise/socket_carry.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <optional>
#include <span>

#include "sys/socket_options.h"

namespace sbx::supervise {
namespace {

struct Option {
  int level;
  int name;
};

// socket(7), ip(7), ipv6(7), tcp(7): whatever is an int, can be read back as it was set, and acts
// on a listener or is inherited by the connections that it accepts. Not SO_REUSEADDR: the outside
// socket needs it set. Not IPV6_V6ONLY: fixed by bind, so the right socket was chosen before.
constexpr Option kIntegers[] = {
    {SOL_SOCKET, SO_REUSEPORT},
    {SOL_SOCKET, SO_KEEPALIVE},
    {SOL_SOCKET, SO_OOBINLINE},
    {SOL_SOCKET, SO_PRIORITY},
    {SOL_SOCKET, SO_RCVLOWAT},
    {SOL_SOCKET, SO_BUSY_POLL},
    {SOL_SOCKET, SO_INCOMING_CPU},
    {SOL_SOCKET, SO_ZEROCOPY},
    {SOL_SOCKET, SO_TIMESTAMP},
    {SOL_SOCKET, SO_TIMESTAMPNS},
    {SOL_SOCKET, SO_BROADCAST},
    {SOL_SOCKET, SO_RXQ_OVFL},
    {IPPROTO_IP, IP_TOS},
    {IPPROTO_IP, IP_TTL},
    {IPPROTO_IP, IP_MTU_DISCOVER},
    {IPPROTO_IP, IP_RECVERR},
    {IPPROTO_IP, IP_PKTINFO},
    {IPPROTO_IP, IP_RECVTOS},
    {IPPROTO_IP, IP_RECVTTL},
    {IPPROTO_IPV6, IPV6_RECVPKTINFO},
    {IPPROTO_IPV6, IPV6_RECVTCLASS},
    {IPPROTO_IPV6, IPV6_RECVHOPLIMIT},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER},
    {IPPROTO_IPV6, IPV6_DONTFRAG},
    {IPPROTO_IPV6, IPV6_TCLASS},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS},
    {IPPROTO_IPV6, IPV6_RECVERR},
    {IPPROTO_TCP, TCP_NODELAY},
    {IPPROTO_TCP, TCP_CORK},
    {IPPROTO_TCP, TCP_KEEPIDLE},
    {IPPROTO_TCP, TCP_KEEPINTVL},
    {IPPROTO_TCP, TCP_KEEPCNT},
    {IPPROTO_TCP, TCP_SYNCNT},
    {IPPROTO_TCP, TCP_LINGER2},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT},
    {IPPROTO_TCP, TCP_WINDOW_CLAMP},
    {IPPROTO_TCP, TCP_USER_TIMEOUT},
    {IPPROTO_TCP, TCP_FASTOPEN},
    {IPPROTO_TCP, TCP_SAVE_SYN},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT},
    {IPPROTO_TCP, TCP_MAXSEG},
};

// struct linger, struct timeval, a name.
constexpr Option kBytes[] = {
    {SOL_SOCKET, SO_LINGER},
    {SOL_SOCKET, SO_RCVTIMEO},
    {SOL_SOCKET, SO_SNDTIMEO},
    {IPPROTO_TCP, TCP_CONGESTION},
};

void carry_bytes(int from, int to, const Option& option) {
  std::array<std::byte, 64> old_value{};
  std::array<std::byte, 64> new_value{};
  const auto old_size = sys::get_option(from, option.level, option.name, old_value);
  const auto new_size = sys::get_option(to, option.level, option.name, new_value);
  if (old_size > 0 && (old_size != new_size || old_value != new_value)) {
    sys::set_option(
        to, option.level, option.name,
        std::span<const std::byte>(old_value).first(static_cast<std::size_t>(old_size)));
  }
}

// Setting a size ends the kernel's own tuning of it, so only what the program had set is set again.
void carry_buffer_sizes(int from, int to) {
  constexpr int kBufferLock = 72;  // SO_BUF_LOCK, Linux 5.14: 1 for the send buffer, 2 for receive
  const int locked = sys::get_option(from, SOL_SOCKET, kBufferLock).value_or(0);
  for (const auto& [bit, name] : {std::pair{1, SO_SNDBUF}, std::pair{2, SO_RCVBUF}}) {
    const std::optional<int> size = sys::get_option(from, SOL_SOCKET, name);
    if ((locked & bit) != 0 && size) {
      sys::set_option(to, SOL_SOCKET, name, *size / 2);  // socket(7): the kernel doubled it
    }
  }
}

}  // namespace

void carry_options(int from, int to) {
  for (const Option& option : kIntegers) {
    const std::optional<int> old_value = sys::get_option(from, option.level, option.name);
    // Only what differs: setting an option to its default may still pin it (IP_TTL, TCP_MAXSEG).
    if (old_value && old_value != sys::get_option(to, option.level, option.name)) {
      sys::set_option(to, option.level, option.name, *old_value);
    }
  }
  for (const Option& option : kBytes) {
    carry_bytes(from, to, option);
  }
  carry_buffer_sizes(from, to);
  constexpr int kCarriedFlags = O_NONBLOCK;
  const int old_flags = ::fcntl(from, F_GETFL);
  const int new_flags = ::fcntl(to, F_GETFL);
  if (old_flags >= 0 && new_flags >= 0) {
    ::fcntl(to, F_SETFL, (new_flags & ~kCarriedFlags) | (old_flags & kCarriedFlags));
  }
}

}  // namespace sbx::supervise
