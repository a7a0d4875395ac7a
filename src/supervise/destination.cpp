// SPDX-License-Identifier: Apache-2.0
#include "supervise/destination.h"

#include <arpa/inet.h>

#include <cstring>

namespace sbx::supervise {
namespace {

constexpr int kMptcp = 262;  // IPPROTO_MPTCP

std::optional<plan::Transport> transport_of(int socket) {
  const int type = sys::get_option(socket, SOL_SOCKET, SO_TYPE).value_or(0);
  const int protocol = sys::get_option(socket, SOL_SOCKET, SO_PROTOCOL).value_or(-1);
  if (type == SOCK_STREAM && (protocol == IPPROTO_TCP || protocol == kMptcp)) {
    return plan::Transport::Tcp;
  }
  return type == SOCK_DGRAM && protocol == IPPROTO_UDP ? std::optional(plan::Transport::Udp)
                                                       : std::nullopt;
}

std::optional<plan::Destination> place_of(int socket, sys::SocketAddress address,
                                          bool takes_unspecified) {
  const auto transport = transport_of(socket);
  const int domain = sys::get_option(socket, SOL_SOCKET, SO_DOMAIN).value_or(-1);
  if (!transport || (domain != AF_INET && domain != AF_INET6)) {
    return std::nullopt;
  }
  if (takes_unspecified && domain == AF_INET && address.family() == AF_UNSPEC) {
    address.storage.ss_family = AF_INET;
  }
  if (const auto v4 = address.ipv4()) {
    return plan::destination(*transport, false, &v4->sin_addr, ntohs(v4->sin_port));
  }
  if (const auto v6 = address.ipv6()) {
    return plan::destination(*transport, true, &v6->sin6_addr, ntohs(v6->sin6_port));
  }
  return std::nullopt;
}

std::optional<plan::Destination> reached(std::optional<plan::Destination> place) {
  return place ? std::optional(plan::reached_by(*place)) : std::nullopt;
}

}  // namespace

bool is_internet_socket(int socket) {
  const int domain = sys::get_option(socket, SOL_SOCKET, SO_DOMAIN).value_or(AF_INET);
  return domain == AF_INET || domain == AF_INET6;
}

bool leads_elsewhere(int socket) {
  const int domain = sys::get_option(socket, SOL_SOCKET, SO_DOMAIN).value_or(-1);
  return domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX && domain != AF_NETLINK;
}

std::optional<plan::Destination> reached_destination(int socket,
                                                     const sys::SocketAddress& address) {
  return reached(place_of(socket, address, false));
}

std::optional<plan::Destination> sent_to(int socket, const sys::SocketAddress& address) {
  return reached(place_of(socket, address, true));
}

std::optional<plan::Destination> bound_place(int socket, const sys::SocketAddress& address) {
  return place_of(socket, address, true);
}

sys::SocketAddress without_flow_label(sys::SocketAddress address) {
  if (auto v6 = address.ipv6()) {
    v6->sin6_flowinfo = 0;
    const socklen_t length = address.length;
    address = sys::address_of(*v6);
    address.length = length;
  }
  return address;
}

}  // namespace sbx::supervise
