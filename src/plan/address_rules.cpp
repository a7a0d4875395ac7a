// SPDX-License-Identifier: Apache-2.0
#include "plan/address_rules.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "base/path.h"
#include "base/text.h"

namespace sbx::plan {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct Form {
  std::string_view key;      // "network.connect"
  std::string_view example;
  bool needs_address;
};

constexpr Form kConnect{"network.connect",
                        "write ADDRESS:PORT, as 127.0.0.1:5432, 10.0.0.0/8:443, [::1]:80, *:443, "
                        "udp:9.9.9.9:53, or unix:PATH",
                        true};
constexpr Form kBind{"network.bind",
                     "write [ADDRESS:]PORT, as 8080, 8000-8100, 127.0.0.1:8080, [::]:53/udp", false};

bool has_prefix(const std::array<std::uint8_t, 16>& address,
                const std::array<std::uint8_t, 16>& network, unsigned bits) {
  const std::size_t whole = bits / 8;
  if (!std::equal(network.begin(), network.begin() + static_cast<std::ptrdiff_t>(whole),
                  address.begin())) {
    return false;
  }
  const unsigned rest = bits % 8;
  const unsigned mask = 0xffu << (8 - rest) & 0xffu;
  return rest == 0 || ((address[whole] ^ network[whole]) & mask) == 0;
}

// A slip that would silently mean more or less than it says: 10.0.0.1/8.
bool has_host_bits(const AddressRule& rule) {
  AddressRule cut = rule;
  for (std::size_t bit = rule.prefix; bit < 128; ++bit) {
    cut.network[bit / 8] &= static_cast<std::uint8_t>(~(0x80u >> (bit % 8)));
  }
  return cut.network != rule.network;
}

class Parser {
 public:
  Parser(const Form& form, std::string_view entry, const Origin& origin)
      : form_(form), rest_(entry) {
    rule_.text = std::string(entry);
    rule_.origin = origin;
  }

  Result<AddressRule> parse() {
    if (rest_.starts_with("unix:")) {
      SBX_TRY(unix_path(rest_.substr(5)));
      return std::move(rule_);
    }
    transport();
    SBX_TRY(address());
    SBX_TRY(ports(rest_));
    return std::move(rule_);
  }

 private:
  Error bad(const std::string& what, std::string hint = {}) const {
    return Error{fmt::format("{}: {} {}", form_.key, quote(rule_.text), what), 0, rule_.origin,
                 hint.empty() ? std::string(form_.example) : std::move(hint)};
  }

  bool take_front(std::string_view word) {
    const bool found = rest_.starts_with(word);
    rest_.remove_prefix(found ? word.size() : 0);
    return found;
  }

  bool take_back(std::string_view word) {
    const bool found = rest_.ends_with(word);
    rest_.remove_suffix(found ? word.size() : 0);
    return found;
  }

  void transport() {
    if (take_front("udp:") || take_back("/udp")) {
      rule_.transport = Transport::Udp;
    } else if (!take_front("tcp:")) {
      take_back("/tcp");
    }
  }

  // Takes "ADDRESS:" off the front.
  Status address() {
    if (rest_.starts_with('[')) {
      const std::size_t close = rest_.find("]:");
      if (close == std::string_view::npos) {
        return bad(rest_.find(']') == std::string_view::npos ? "has no closing bracket"
                                                             : "has no port after the bracket");
      }
      const std::string_view text = rest_.substr(1, close - 1);
      rest_.remove_prefix(close + 2);
      return network(text, AddressRule::Kind::Ipv6);
    }
    const std::size_t colon = rest_.rfind(':');
    if (colon == std::string_view::npos) {
      return form_.needs_address ? Status(bad("has no port")) : Status();
    }
    const std::string_view text = rest_.substr(0, colon);
    rest_.remove_prefix(colon + 1);
    if (text == "*") {
      return {};
    }
    if (text.find(':') != std::string_view::npos) {
      return bad("has an IPv6 address without brackets",
                 "write [ADDRESS]:PORT, as [2001:db8::1]:443");
    }
    return network(text, AddressRule::Kind::Ipv4);
  }

  Status network(std::string_view text, AddressRule::Kind kind) {
    const bool v4 = kind == AddressRule::Kind::Ipv4;
    const unsigned most = v4 ? 32 : 128;
    const std::size_t slash = text.find('/');
    const std::string number(text.substr(0, slash));
    if (::inet_pton(v4 ? AF_INET : AF_INET6, number.c_str(), rule_.network.data()) != 1) {
      const bool is_name = std::any_of(number.begin(), number.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      });
      return is_name && v4
                 ? bad("names a host, but only numeric addresses can be decided about",
                       fmt::format("write its addresses, as `getent ahosts {}` lists them, or a "
                                   "network that holds them; *:PORT is every host",
                                   escape(number)))
                 : bad(fmt::format("has {}, which is no numeric address", quote(number)));
    }
    rule_.kind = kind;
    rule_.prefix = static_cast<std::uint8_t>(most);
    if (slash != std::string_view::npos) {
      const auto bits = parse_number(text.substr(slash + 1));
      if (!bits || *bits > most) {
        return bad(fmt::format("has a network of no {} bits", most),
                   fmt::format("write a number from 0 to {} after the slash", most));
      }
      rule_.prefix = static_cast<std::uint8_t>(*bits);
      if (has_host_bits(rule_)) {
        return bad(fmt::format("has bits set beyond the first {}", *bits),
                   "write the network's first address, as 10.0.0.0/8");
      }
    }
    const bool mapped = !v4 && std::equal(kMapped.begin(), kMapped.end(), rule_.network.begin());
    return mapped ? Status(bad("is an IPv4 address in IPv6", "write the IPv4 address itself"))
                  : Status();
  }

  std::optional<std::uint16_t> port(std::string_view text) const {
    const auto number = parse_number(text);
    return number && *number >= 1 && *number <= 65535
               ? std::optional(static_cast<std::uint16_t>(*number))
               : std::nullopt;
  }

  Status ports(std::string_view text) {
    if (text == "*") {
      rule_.first_port = 1;
      rule_.last_port = 65535;
      return {};
    }
    const std::size_t dash = text.find('-');
    const auto first = port(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : port(text.substr(dash + 1));
    if (!first || !last || *last < *first) {
      return bad(fmt::format("has no port from 1 to 65535 in {}", quote(text)));
    }
    rule_.first_port = *first;
    rule_.last_port = *last;
    return {};
  }

  Status unix_path(std::string_view path) {
    if (!form_.needs_address) {
      return bad("is about a local socket", "local sockets are bound where the files allow it");
    }
    rule_.kind = AddressRule::Kind::Unix;
    rule_.path = std::string(path);
    constexpr std::size_t kLongest = 107;  // sun_path, unix(7)
    const bool abstract = path.size() > 1 && path.front() == '@';
    if (path.size() > kLongest || (!abstract && (!path::is_absolute(path) ||
                                                 path::normalise(path) != path || path == "/"))) {
      return bad("has no plain absolute path of at most 107 bytes",
                 "write unix:/run/service/socket, or unix:@NAME for an abstract address");
    }
    return {};
  }

  const Form& form_;
  std::string_view rest_;
  AddressRule rule_;
};

bool covers(const AddressRule& rule, const Destination& place) {
  if (rule.kind == AddressRule::Kind::Unix || rule.transport != place.transport ||
      place.port < rule.first_port || place.port > rule.last_port) {
    return false;
  }
  if (rule.kind == AddressRule::Kind::Any) {
    return true;
  }
  const bool same_family = (rule.kind == AddressRule::Kind::Ipv6) == place.is_ipv6;
  return same_family && has_prefix(place.address, rule.network, rule.prefix);
}

const AddressRule* first_of(const AddressRules& rules, auto&& fits) {
  const auto found = std::find_if(rules.allowed.begin(), rules.allowed.end(), fits);
  return found == rules.allowed.end() ? nullptr : &*found;
}

}  // namespace

Destination destination(Transport transport, bool is_ipv6, const void* address,
                        std::uint16_t port) {
  Destination place{transport, is_ipv6, {}, port};
  std::memcpy(place.address.data(), address, is_ipv6 ? 16 : 4);
  if (is_ipv6 && std::equal(kMapped.begin(), kMapped.end(), place.address.begin())) {
    place.is_ipv6 = false;
    std::copy(place.address.begin() + 12, place.address.end(), place.address.begin());
    std::fill(place.address.begin() + 4, place.address.end(), std::uint8_t{0});
  }
  return place;
}

Destination reached_by(const Destination& destination) {
  Destination place = destination;
  const bool unspecified = std::all_of(place.address.begin(), place.address.end(),
                                       [](std::uint8_t byte) { return byte == 0; });
  if (unspecified && place.is_ipv6) {
    place.address[15] = 1;
  } else if (unspecified) {
    place.address = {127, 0, 0, 1};
  }
  return place;
}

bool is_loopback(const Destination& place) {
  if (!place.is_ipv6) {
    return place.address[0] == 127;
  }
  return std::all_of(place.address.begin(), place.address.end() - 1,
                     [](std::uint8_t byte) { return byte == 0; }) &&
         place.address[15] == 1;
}

Result<AddressRule> parse_connect(std::string_view entry, const Origin& origin) {
  return Parser(kConnect, entry, origin).parse();
}

Result<AddressRule> parse_bind(std::string_view entry, const Origin& origin) {
  return Parser(kBind, entry, origin).parse();
}

const AddressRule* decide_connect(const AddressRules& rules, const Destination& place) {
  const bool loopback = is_loopback(place);
  return first_of(rules, [&](const AddressRule& rule) {
    return covers(rule, place) &&
           (!loopback || (rule.kind != AddressRule::Kind::Any && rule.prefix >= 8));
  });
}

const AddressRule* decide_bind(const AddressRules& rules, const Destination& place) {
  return first_of(rules, [&](const AddressRule& rule) { return covers(rule, place); });
}

const AddressRule* decide_unix(const AddressRules& rules, std::string_view path) {
  return first_of(rules, [&](const AddressRule& rule) {
    return rule.kind == AddressRule::Kind::Unix && rule.path == path;
  });
}

std::string to_text(const Destination& place) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(place.is_ipv6 ? AF_INET6 : AF_INET, place.address.data(), text.data(), text.size());
  return fmt::format("{}{}{}{}:{}", place.transport == Transport::Udp ? "udp:" : "",
                     place.is_ipv6 ? "[" : "", text.data(), place.is_ipv6 ? "]" : "", place.port);
}

}  // namespace sbx::plan
