// SPDX-License-Identifier: Apache-2.0
#include "supervise/publish.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <cerrno>

#include <fmt/format.h>

#include "supervise/published_port.h"

namespace sbx::supervise {
namespace {

constexpr int kFirstUnprivilegedPort = 1024;  // ip_unprivileged_port_start's default (ip(7))

std::string shown_address(const plan::Publish& publish) {
  return publish.is_ipv6 ? fmt::format("[{}]", publish.address) : publish.address;
}

std::string place(const plan::Publish& publish) {
  return fmt::format("{}:{}", shown_address(publish), publish.outside_port);
}

std::string hint_for(const plan::Publish& publish, int errno_value) {
  switch (errno_value) {
    case EADDRINUSE:
      return fmt::format("another program listens there; choose another port with -P {}:PORT:{}",
                         shown_address(publish), publish.inside_port);
    case EACCES:
    case EPERM:
      return publish.outside_port < kFirstUnprivilegedPort
                 ? fmt::format(
                       "ports below net.ipv4.ip_unprivileged_port_start (sysctl, normally {}) need "
                       "privilege; choose a higher one with -P",
                       kFirstUnprivilegedPort)
                 : "a security module of this host refuses it";
    case EADDRNOTAVAIL:
      return "the address is none of this host's (ip address shows them); 0.0.0.0 means all of "
             "them";
    case EAFNOSUPPORT:
      return "this host has no IPv6; publish an IPv4 address";
    default:
      return {};
  }
}

// The dual-stack socket is the second choice: without it the port is still published to the others.
// For an IPv4 address it is missing where IPv6 is off (sysctl, or the kernel); for [::] where
// another program listens on the IPv4 port of that number, which nobody asked to publish.
bool may_be_missing(const plan::Publish& publish, SocketKind kind, int errno_value) {
  return kind == SocketKind::DualStack &&
         (publish.is_ipv6 ? errno_value == EADDRINUSE
                          : errno_value == EAFNOSUPPORT || errno_value == EADDRNOTAVAIL);
}

Result<sys::UniqueFd> open_one(const plan::Publish& publish, SocketKind kind) {
  const int fd = bind_outside(publish, kind, false);
  if (fd >= 0 || may_be_missing(publish, kind, -fd)) {
    return fd >= 0 ? sys::UniqueFd(fd) : sys::UniqueFd();
  }
  return Error{"cannot publish " + place(publish), -fd, publish.origin, hint_for(publish, -fd)};
}

}  // namespace

sys::SocketAddress outside_address(const plan::Publish& publish, SocketKind kind) {
  if (!publish.is_ipv6 && kind == SocketKind::Ipv4) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(publish.outside_port);
    ::inet_pton(AF_INET, publish.address.c_str(), &address.sin_addr);
    return sys::address_of(address);
  }
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(publish.outside_port);
  const std::string text = publish.is_ipv6 ? publish.address : "::ffff:" + publish.address;
  ::inet_pton(AF_INET6, text.c_str(), &address.sin6_addr);
  return sys::address_of(address);
}

int bind_outside(const plan::Publish& publish, SocketKind kind, bool share) {
  const bool v4 = kind == SocketKind::Ipv4;
  sys::UniqueFd socket(::socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!socket) {
    return -errno;
  }
  // SO_REUSEADDR: the sockets of one port stand side by side as long as at most one listens
  // (socket(7)), and a restart need not wait for old connections' TIME_WAIT. A listener of another
  // program still makes bind fail.
  int result = sys::set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (result == 0 && share) {
    result = sys::set_option(socket.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  }
  if (result == 0 && !v4) {
    result = sys::set_option(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY,
                             kind == SocketKind::Ipv6Only ? 1 : 0);
  }
  if (result != 0) {
    return result;
  }
  const sys::SocketAddress address = outside_address(publish, kind);
  return ::bind(socket.get(), address.data(), address.length) == 0 ? socket.release() : -errno;
}

Result<std::vector<PublishedSocket>> open_published(const std::vector<plan::Publish>& publish) {
  std::vector<PublishedSocket> sockets;
  for (const plan::Publish& entry : publish) {
    PublishedSocket socket;
    auto first = open_one(entry, entry.is_ipv6 ? SocketKind::Ipv6Only : SocketKind::Ipv4);
    if (!first) {
      return std::move(first).error();
    }
    auto dual = open_one(entry, SocketKind::DualStack);
    if (!dual) {
      return std::move(dual).error();
    }
    (entry.is_ipv6 ? socket.ipv6_only : socket.ipv4) = *std::move(first);
    socket.ipv6 = *std::move(dual);
    sockets.push_back(std::move(socket));
  }
  return sockets;
}

}  // namespace sbx::supervise
