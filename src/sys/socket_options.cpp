// SPDX-License-Identifier: Apache-2.0
#include "sys/socket_options.h"

#include <arpa/inet.h>

#include <cerrno>
#include <cstring>

namespace sbx::sys {
namespace {

constexpr int kNamespaceCookie = 71;  // SO_NETNS_COOKIE

template <typename T>
SocketAddress copy_of(const T& address) {
  SocketAddress copy;
  std::memcpy(&copy.storage, &address, sizeof address);
  copy.length = sizeof address;
  return copy;
}

template <typename T>
std::optional<T> as(const SocketAddress& address, sa_family_t family, std::size_t least) {
  if (address.family() != family || address.length < least) {
    return std::nullopt;
  }
  T value{};
  std::memcpy(&value, &address.storage, sizeof value);
  return value;
}

std::optional<std::uint64_t> cookie(int socket, int name) {
  std::uint64_t value = 0;
  socklen_t length = sizeof value;
  if (::getsockopt(socket, SOL_SOCKET, name, &value, &length) != 0 || length != sizeof value) {
    return std::nullopt;
  }
  return value;
}

std::optional<SocketAddress> name_of(int socket, int (*ask)(int, sockaddr*, socklen_t*)) {
  SocketAddress address;
  address.length = sizeof address.storage;
  if (ask(socket, address.data(), &address.length) != 0 ||
      address.length > sizeof address.storage) {
    return std::nullopt;
  }
  return address;
}

}  // namespace

const sockaddr* SocketAddress::data() const {
  return static_cast<const sockaddr*>(static_cast<const void*>(&storage));
}

sockaddr* SocketAddress::data() {
  return static_cast<sockaddr*>(static_cast<void*>(&storage));
}

std::optional<sockaddr_in> SocketAddress::ipv4() const {
  return as<sockaddr_in>(*this, AF_INET, sizeof(sockaddr_in));
}

std::optional<sockaddr_in6> SocketAddress::ipv6() const {
  // ipv6(7): RFC 2133's shorter form, without a scope, is still taken (SIN6_LEN_RFC2133).
  return as<sockaddr_in6>(*this, AF_INET6, 24);
}

std::optional<std::uint16_t> SocketAddress::port() const {
  if (const auto v4 = ipv4()) {
    return ntohs(v4->sin_port);
  }
  if (const auto v6 = ipv6()) {
    return ntohs(v6->sin6_port);
  }
  return std::nullopt;
}

SocketAddress address_of(const sockaddr_in& address) {
  return copy_of(address);
}
SocketAddress address_of(const sockaddr_in6& address) {
  return copy_of(address);
}

std::optional<int> get_option(int socket, int level, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  if (::getsockopt(socket, level, name, &value, &length) != 0 || length != sizeof value) {
    return std::nullopt;
  }
  return value;
}

int set_option(int socket, int level, int name, int value) {
  return ::setsockopt(socket, level, name, &value, sizeof value) == 0 ? 0 : -errno;
}

std::ptrdiff_t get_option(int socket, int level, int name, std::span<std::byte> value) {
  auto length = static_cast<socklen_t>(value.size());
  if (::getsockopt(socket, level, name, value.data(), &length) != 0) {
    return -errno;
  }
  return static_cast<std::ptrdiff_t>(length);
}

int set_option(int socket, int level, int name, std::span<const std::byte> value) {
  return ::setsockopt(socket, level, name, value.data(), static_cast<socklen_t>(value.size())) == 0
             ? 0
             : -errno;
}

std::optional<std::uint64_t> namespace_cookie(int socket) {
  return cookie(socket, kNamespaceCookie);
}

std::optional<std::uint64_t> socket_cookie(int socket) {
  return cookie(socket, SO_COOKIE);
}

std::optional<SocketAddress> local_address(int socket) {
  return name_of(socket, ::getsockname);
}

std::optional<SocketAddress> peer_address(int socket) {
  return name_of(socket, ::getpeername);
}

}  // namespace sbx::sys
