// SPDX-License-Identifier: Apache-2.0
#include "supervise/destination.h"

#include <arpa/inet.h>

#include <cstring>

namespace sbx::supervise {
namespace {

constexpr int kMptcp = 262;  // IPPROTO_MPTCP

std::optional<plan::Transport> transport_of(const SocketForm& socket) {
  if (socket.type == SOCK_STREAM && (socket.protocol == IPPROTO_TCP || socket.protocol == kMptcp)) {
    return plan::Transport::Tcp;
  }
  return socket.type == SOCK_DGRAM && socket.protocol == IPPROTO_UDP
             ? std::optional(plan::Transport::Udp)
             : std::nullopt;
}

SocketForm form_of(int socket) {
  return {sys::get_option(socket, SOL_SOCKET, SO_DOMAIN).value_or(-1),
          sys::get_option(socket, SOL_SOCKET, SO_TYPE).value_or(0),
          sys::get_option(socket, SOL_SOCKET, SO_PROTOCOL).value_or(-1)};
}

std::optional<plan::Destination> place_of(const SocketForm& socket, sys::SocketAddress address,
                                          bool takes_unspecified) {
  const auto transport = transport_of(socket);
  if (!transport || (socket.domain != AF_INET && socket.domain != AF_INET6)) {
    return std::nullopt;
  }
  if (takes_unspecified && socket.domain == AF_INET && address.family() == AF_UNSPEC) {
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
  return reached_destination(form_of(socket), address);
}

std::optional<plan::Destination> reached_destination(const SocketForm& socket,
                                                     const sys::SocketAddress& address) {
  return reached(place_of(socket, address, false));
}

std::optional<plan::Destination> sent_to(int socket, const sys::SocketAddress& address) {
  return reached(place_of(form_of(socket), address, true));
}

std::optional<plan::Destination> bound_place(int socket, const sys::SocketAddress& address) {
  return bound_place(form_of(socket), address);
}

std::optional<plan::Destination> bound_place(const SocketForm& socket,
                                             const sys::SocketAddress& address) {
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
