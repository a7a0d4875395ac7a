// SPDX-License-Identifier: Apache-2.0
// publish = ["127.0.0.1:8080:80", "[::1]:8443:443/tcp", "8080:80"]
#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "plan/expand.h"

namespace sbx::plan {
namespace {

Error bad(const policy::Text& entry, const std::string& what) {
  return Error{fmt::format("cannot publish {}: {}", quote(entry.value), what), 0, entry.origin,
               "write [ADDRESS:]OUTSIDE:INSIDE, as 127.0.0.1:8080:80 or [::1]:8080:80"};
}

std::optional<std::uint16_t> port(const std::string& text) {
  const auto number = parse_number(text);
  return number && *number >= 1 && *number <= 65535
             ? std::optional(static_cast<std::uint16_t>(*number))
             : std::nullopt;
}

// Takes the address off the front of "ADDRESS:OUTSIDE:INSIDE"; leaves "OUTSIDE:INSIDE".
Status take_address(std::string& rest, const policy::Text& entry, Publish& published) {
  if (rest.starts_with('[')) {
    const std::size_t close = rest.find("]:");
    if (close == std::string::npos) {
      return bad(entry, "the address has no closing bracket");
    }
    published.address = rest.substr(1, close - 1);
    published.is_ipv6 = true;
    rest.erase(0, close + 2);
  } else if (std::count(rest.begin(), rest.end(), ':') >= 2) {
    const std::size_t colon = rest.find(':');
    published.address = rest.substr(0, colon);
    rest.erase(0, colon + 1);
  } else {
    published.address = "127.0.0.1";
  }
  in6_addr ignored{};
  if (::inet_pton(published.is_ipv6 ? AF_INET6 : AF_INET, published.address.c_str(), &ignored) != 1) {
    return bad(entry, quote(published.address) + " is no numeric address");
  }
  return {};
}

}  // namespace

Result<std::vector<Publish>> expand_publish(const policy::Policy& policy) {
  std::vector<Publish> list;
  for (const policy::Text& entry : policy.publish) {
    if (policy.network_mode.value == "host") {
      return Error{fmt::format("cannot publish {}: the network is the host's own", quote(entry.value)), 0,
                   entry.origin, "leave publish out, or use network.mode = \"private\""};
    }
    Publish published;
    published.origin = entry.origin;
    std::string rest = entry.value;
    if (rest.ends_with("/udp")) {
      return bad(entry, "UDP ports cannot be published, only TCP ports");
    }
    if (rest.ends_with("/tcp")) {
      rest.resize(rest.size() - 4);
    }
    SBX_TRY(take_address(rest, entry, published));
    const std::vector<std::string> ports = split(rest, ':');
    const auto outside = ports.size() == 2 ? port(ports[0]) : std::nullopt;
    const auto inside = ports.size() == 2 ? port(ports[1]) : std::nullopt;
    if (!outside || !inside) {
      return bad(entry, "it needs two ports between 1 and 65535");
    }
    published.outside_port = *outside;
    published.inside_port = *inside;
    for (const Publish& other : list) {
      if (other.address == published.address && other.outside_port == published.outside_port) {
        return Error{fmt::format("{} port {} is published twice", published.address, published.outside_port),
                     0, entry.origin, "the other entry is at " + to_text(other.origin)};
      }
    }
    list.push_back(std::move(published));
  }
  return list;
}

}  // namespace sbx::plan
