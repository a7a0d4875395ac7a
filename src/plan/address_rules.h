// SPDX-License-Identifier: Apache-2.0
// Which addresses may be connected to and which ports may be bound: network.connect and
// network.bind as values, and the decision about one address as a pure function. The supervisor
// asks it with an address that it has copied from the caller.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/origin.h"
#include "base/result.h"

namespace sbx::plan {

enum class Transport : std::uint8_t { Tcp, Udp };

// An address and a port as a program names them. IPv4 addresses stand in the first four bytes; an
// IPv4 address mapped into IPv6 is that IPv4 address (see destination()).
struct Destination {
  Transport transport = Transport::Tcp;
  bool is_ipv6 = false;
  std::array<std::uint8_t, 16> address{};  // network byte order
  std::uint16_t port = 0;                  // host byte order

  friend bool operator==(const Destination&, const Destination&) = default;
};

// From the bytes of a sockaddr, 4 or 16 of them; ::ffff:1.2.3.4 becomes 1.2.3.4.
Destination destination(Transport transport, bool is_ipv6, const void* address,
                        std::uint16_t port);

// What connect(2) and sendto(2) take it for: 0.0.0.0 and :: are the loopback address.
Destination reached_by(const Destination& destination);

// 127.0.0.0/8 and ::1.
bool is_loopback(const Destination& destination);

// One entry of network.connect or network.bind.
struct AddressRule {
  enum class Kind : std::uint8_t { Any, Ipv4, Ipv6, Unix };
  Kind kind = Kind::Any;
  Transport transport = Transport::Tcp;
  std::array<std::uint8_t, 16> network{};
  std::uint8_t prefix = 0;        // leading bits of `network` that count
  std::uint16_t first_port = 0;   // both ends belong to it
  std::uint16_t last_port = 0;
  std::string path;               // Unix: a path on the host; "@name" for an abstract address
  std::string text;               // as written
  Origin origin{};

  friend bool operator==(const AddressRule&, const AddressRule&) = default;
};

struct AddressRules {
  bool limited = false;  // false: the policy says nothing, and nothing is asked about
  std::vector<AddressRule> allowed;
  Origin origin{};       // where a reader would add one: the last entry

  friend bool operator==(const AddressRules&, const AddressRules&) = default;
};

// The grammar of an entry of network.connect:
//
//   entry     = [ "tcp:" | "udp:" ] address ":" ports [ "/tcp" | "/udp" ]   (TCP if not said)
//             | "unix:" path | "unix:@" name
//             | "none"                                nothing; makes the list one that limits
//   address   = "*" | ipv4 [ "/" bits ] | "[" ipv6 [ "/" bits ] "]"
//   ports     = "*" | port | port "-" port            1 to 65535
//
// and of network.bind: the same, the address may be left out ("8080", "53/udp").
Result<AddressRule> parse_connect(std::string_view entry, const Origin& origin);
Result<AddressRule> parse_bind(std::string_view entry, const Origin& origin);

// The rule that allows it, or null. Ask about reached_by(). "*" and a network of no bits are every address but loopback:
// who means the host's own services must name 127.0.0.1 or [::1].
const AddressRule* decide_connect(const AddressRules& rules, const Destination& destination);
// The same for a port to be bound; here "*" is every address.
const AddressRule* decide_bind(const AddressRules& rules, const Destination& place);
// `path` as connect(2) was given it; "@name" for an abstract address.
const AddressRule* decide_unix(const AddressRules& rules, std::string_view path);

// "1.2.3.4:443", "udp:[2001:db8::1]:53": as network.connect takes it.
std::string to_text(const Destination& destination);

}  // namespace sbx::plan
