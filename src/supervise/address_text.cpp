// SPDX-License-Identifier: Apache-2.0
#include "supervise/address_text.h"

#include <arpa/inet.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "sys/process_memory.h"

namespace sbx::supervise {
namespace {

// sun_path's bytes, as many as the length says.
std::string_view unix_name(const sys::SocketAddress& address) {
  constexpr std::size_t kStart = offsetof(sockaddr_un, sun_path);
  if (address.family() != AF_UNIX || address.length <= kStart) {
    return {};
  }
  const auto* bytes = static_cast<const char*>(static_cast<const void*>(&address.storage));
  return {bytes + kStart, std::min<std::size_t>(address.length, sizeof(sockaddr_un)) - kStart};
}

}  // namespace

int copy_address(pid_t thread, std::uint64_t pointer, std::uint64_t length,
                 sys::SocketAddress& address) {
  // move_addr_to_kernel: a negative length or one above sockaddr_storage is EINVAL, before any
  // read.
  const auto size = static_cast<std::uint32_t>(length);
  if (size > sizeof address.storage) {
    return EINVAL;
  }
  address = {};
  address.length = size;
  if (size == 0) {
    return 0;
  }
  const std::span<std::byte> bytes(static_cast<std::byte*>(static_cast<void*>(&address.storage)),
                                   size);
  const std::int64_t copied = sys::copy_memory(thread, pointer, bytes);
  if (copied < 0) {
    return static_cast<int>(-copied);
  }
  return copied == static_cast<std::int64_t>(size) ? 0 : EFAULT;
}

std::string address_text(const sys::SocketAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (const auto v4 = address.ipv4()) {
    ::inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
    return fmt::format("{}:{}", text.data(), ntohs(v4->sin_port));
  }
  if (const auto v6 = address.ipv6()) {
    ::inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
    return fmt::format("[{}]:{}", text.data(), ntohs(v6->sin6_port));
  }
  if (const std::string_view name = unix_name(address); !name.empty()) {
    return name.front() == '\0' ? fmt::format("unix:@{}", escape(name.substr(1)))
                                : fmt::format("unix:{}", escape(unix_path(address)));
  }
  constexpr std::pair<int, std::string_view> kNames[] = {
      {AF_UNSPEC, "AF_UNSPEC"}, {AF_UNIX, "AF_UNIX"},   {AF_NETLINK, "AF_NETLINK"},
      {AF_PACKET, "AF_PACKET"}, {AF_VSOCK, "AF_VSOCK"}, {AF_ALG, "AF_ALG"}};
  for (const auto& [family, name] : kNames) {
    if (family == address.family()) {
      return fmt::format("an {} address", name);
    }
  }
  return fmt::format("an address of family {}", address.family());
}

std::string unix_path(const sys::SocketAddress& address) {
  const std::string_view name = unix_name(address);
  // Ends at the first NUL, or where the length says (unix(7), "pathname").
  return std::string(name.substr(0, name.find('\0')));
}

std::string unix_abstract(const sys::SocketAddress& address) {
  const std::string_view name = unix_name(address);
  return name.empty() || name.front() != '\0' ? std::string() : std::string(name.substr(1));
}

sys::SocketAddress unix_address(const std::string& path) {
  sockaddr_un own{};
  own.sun_family = AF_UNIX;
  std::memcpy(own.sun_path, path.data(), std::min(path.size(), sizeof own.sun_path - 1));
  sys::SocketAddress address;
  std::memcpy(&address.storage, &own, sizeof own);
  address.length = sizeof own;
  return address;
}

}  // namespace sbx::supervise
