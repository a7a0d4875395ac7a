// SPDX-License-Identifier: Apache-2.0
// network.connect, network.bind and network.dns as values.
#include <arpa/inet.h>
#include <fmt/format.h>

#include "base/text.h"
#include "plan/expand.h"

namespace sbx::plan {
namespace {

using Parse = Result<AddressRule> (*)(std::string_view, const Origin&);

Result<AddressRules> expand(const std::vector<policy::Text>& entries, Parse parse) {
  AddressRules rules;
  for (const policy::Text& entry : entries) {
    rules.limited = true;
    rules.origin = entry.origin;
    if (entry.value == "none") {
      continue;
    }
    auto rule = parse(entry.value, entry.origin);
    if (!rule) {
      return std::move(rule).error();
    }
    rules.allowed.push_back(*std::move(rule));
  }
  return rules;
}

bool is_numeric(const std::string& address) {
  in6_addr ignored{};
  return ::inet_pton(AF_INET, address.c_str(), &ignored) == 1 ||
         ::inet_pton(AF_INET6, address.c_str(), &ignored) == 1;
}

Error no_network(const policy::Policy& policy, const policy::Text& entry, const std::string& what) {
  return Error{fmt::format("cannot {} {}: there is no network", what, quote(entry.value)), 0,
               entry.origin,
               fmt::format("network.mode is \"none\" [{}]; use \"private\"",
                           to_text(policy.network_mode.origin))};
}

Status add_name_servers(const policy::Policy& policy, const HostFacts& facts, AddressRules& rules) {
  auto servers = expand_dns(policy, facts);
  if (!servers) {
    return std::move(servers).error();
  }
  for (const policy::Text& server : *servers) {
    const bool v6 = server.value.find(':') != std::string::npos;
    for (const std::string_view transport : {"udp:", "tcp:"}) {
      auto rule = parse_connect(
          fmt::format("{}{}{}{}:53", transport, v6 ? "[" : "", server.value, v6 ? "]" : ""),
          server.origin);
      if (!rule) {
        return std::move(rule).error();
      }
      rules.limited = true;
      rules.origin = rules.allowed.empty() ? server.origin : rules.origin;
      rules.allowed.push_back(*std::move(rule));
    }
  }
  return {};
}

}  // namespace

Result<std::vector<policy::Text>> expand_dns(const policy::Policy& policy, const HostFacts& facts) {
  constexpr std::size_t kMost = 3;
  std::vector<policy::Text> servers;
  for (const policy::Text& entry : policy.dns) {
    if (entry.value == "none") {
      if (policy.dns.size() > 1) {
        return Error{"network.dns names \"none\" beside others", 0, entry.origin,
                     "keep \"none\" or the others"};
      }
      continue;
    }
    if (policy.network_mode.value == "none") {
      return no_network(policy, entry, "ask the name server");
    }
    if (entry.value == "host") {
      if (facts.name_servers.empty()) {
        return Error{"network.dns: this host's /etc/resolv.conf names no server", 0, entry.origin,
                     "write the server's address: dns = [\"192.0.2.53\"]"};
      }
      for (const std::string& server : facts.name_servers) {
        servers.push_back({server, entry.origin});
      }
    } else if (is_numeric(entry.value)) {
      servers.push_back(entry);
    } else {
      return Error{fmt::format("network.dns: {} is no numeric address", quote(entry.value)), 0,
                   entry.origin, "write \"host\", \"none\" or addresses as 9.9.9.9"};
    }
  }
  if (servers.size() > kMost) {
    if (policy.dns.size() > kMost) {
      return Error{"network.dns names more than three servers", 0, policy.dns[kMost].origin,
                   "name servers beyond the third are never asked (resolv.conf(5))"};
    }
    servers.resize(kMost);
  }
  return servers;
}

Result<AddressRules> expand_connect(const policy::Policy& policy, const HostFacts& facts) {
  if (policy.network_mode.value == "none" && !policy.connect.empty()) {
    return no_network(policy, policy.connect.front(), "connect to");
  }
  auto rules = expand(policy.connect, parse_connect);
  // The host's own network reaches every server unless connect limits it.
  const bool has_all = policy.network_mode.value == "host";
  if (rules && (!has_all || rules->limited)) {
    SBX_TRY(add_name_servers(policy, facts, *rules));
  }
  return rules;
}

Result<AddressRules> expand_bind(const policy::Policy& policy) {
  return expand(policy.bind, parse_bind);
}

}  // namespace sbx::plan
