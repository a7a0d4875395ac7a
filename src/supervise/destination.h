// SPDX-License-Identifier: Apache-2.0
// What an address that a caller gave means to the kernel for a socket of ours: the value that
// network.connect and network.bind are decided about. Nothing here decides.
#pragma once

#include <optional>

#include "plan/address_rules.h"
#include "sys/socket_options.h"

namespace sbx::supervise {

// AF_INET and AF_INET6, whatever the type.
bool is_internet_socket(int socket);

// Neither of the internet nor local: families that carry addresses of the internet in their own way
// (AF_SMC, AF_RDS) or lead to other networks.
bool leads_elsewhere(int socket);

// SO_DOMAIN, SO_TYPE, SO_PROTOCOL.
struct SocketForm {
  int domain = -1, type = 0, protocol = -1;
};

// The place that connect(2) or a send to this address reaches. Nothing for a socket that is neither
// TCP (nor multipath TCP) nor UDP, and for an address that such a socket does not take.
std::optional<plan::Destination> reached_destination(int socket, const sys::SocketAddress& address);
std::optional<plan::Destination> reached_destination(const SocketForm& socket,
                                                     const sys::SocketAddress& address);

// The same for a send, which takes AF_UNSPEC for AF_INET (udp_sendmsg).
std::optional<plan::Destination> sent_to(int socket, const sys::SocketAddress& address);

// The place that bind(2) would take; 0.0.0.0 and :: stay what they are. It takes AF_UNSPEC for
// AF_INET too.
std::optional<plan::Destination> bound_place(int socket, const sys::SocketAddress& address);
std::optional<plan::Destination> bound_place(const SocketForm& socket,
                                             const sys::SocketAddress& address);

// A flow label may carry a routing header (ipv6(7), IPV6_FLOWLABEL_MGR): none goes outside.
sys::SocketAddress without_flow_label(sys::SocketAddress address);

}  // namespace sbx::supervise
