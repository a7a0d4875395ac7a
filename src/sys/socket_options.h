// SPDX-License-Identifier: Apache-2.0
// socket(7), tcp(7), ipv6(7): options of a socket, addresses by value, and the cookie of the
// network namespace that a socket belongs to. Not called socket.h: that would hide the C library's
// header of that name. Functions return 0 or a descriptor, or a negative errno.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "sys/unique_fd.h"

namespace sbx::sys {

// An address by value: as bind(2) takes it, `length` bytes of it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  sa_family_t family() const {
    return length >= sizeof(sa_family_t) ? storage.ss_family : sa_family_t{AF_UNSPEC};
  }
  const sockaddr* data() const;
  sockaddr* data();
  // For AF_INET and AF_INET6; nothing for an address that is too short for its family.
  std::optional<sockaddr_in> ipv4() const;
  std::optional<sockaddr_in6> ipv6() const;
  std::optional<std::uint16_t> port() const;
};

SocketAddress address_of(const sockaddr_in& address);
SocketAddress address_of(const sockaddr_in6& address);

std::optional<int> get_option(int socket, int level, int name);
int set_option(int socket, int level, int name, int value);
// Options that are no int: struct linger, struct timeval, a name.
std::ptrdiff_t get_option(int socket, int level, int name, std::span<std::byte> value);
int set_option(int socket, int level, int name, std::span<const std::byte> value);

// Which network namespace a socket belongs to (SO_NETNS_COOKIE, Linux 5.14): unique until reboot.
std::optional<std::uint64_t> namespace_cookie(int socket);

// Which socket it is, whatever descriptor names it (SO_COOKIE): unique until reboot.
std::optional<std::uint64_t> socket_cookie(int socket);

std::optional<SocketAddress> local_address(int socket);
std::optional<SocketAddress> peer_address(int socket);

}  // namespace sbx::sys
