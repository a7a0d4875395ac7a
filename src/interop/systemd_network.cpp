// SPDX-License-Identifier: Apache-2.0
#include "interop/systemd_network.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "interop/layer_draft.h"

namespace sbx::interop {
namespace {

// Words of systemd's for networks, as network.connect writes those. "*" leaves the host's own loopback
// out, so it comes with it.
struct NetworkWord {
  std::string_view word, networks;  // separated by blanks
};
constexpr std::array kNetworkWords = {
    NetworkWord{"any", "* 127.0.0.0/8 [::1/128]"},
    NetworkWord{"localhost", "127.0.0.0/8 [::1/128]"},
    NetworkWord{"link-local", "169.254.0.0/16 [fe80::/64]"},
    NetworkWord{"multicast", "224.0.0.0/4 [ff00::/8]"},
};

std::vector<std::string> networks_of(const std::string& address) {
  const auto* found = std::find_if(kNetworkWords.begin(), kNetworkWords.end(), [&](const auto& one) { return one.word == address; });
  if (found != kNetworkWords.end()) {
    return split(found->networks, ' ');
  }
  return {address.find(':') == std::string::npos ? address : "[" + address + "]"};
}

// "ipv4:tcp:8080-8090", "udp:53", "any" (systemd.resource-control(5)) as entries of network.bind.
std::vector<std::string> ports_of(const std::string& rule) {
  std::string address, transport, ports = "*";
  for (const std::string& part : split(rule, ':')) {
    if (part == "ipv4" || part == "ipv6") {
      address = part == "ipv4" ? "0.0.0.0/0:" : "[::/0]:";
    } else if (part == "tcp" || part == "udp") {
      transport = part;
    } else if (part != "any") {
      ports = part;
    }
  }
  std::vector<std::string> entries;
  for (const char* one : {"tcp", "udp"}) {
    if (transport.empty() || transport == one) {
      entries.push_back((address.empty() && ports == "*" ? "*:" : address) + ports + "/" + one);
    }
  }
  return entries;
}

}  // namespace

UnitNetwork network_of(const std::vector<UnitLine>& lines) {
  UnitNetwork network;
  bool denies_ipv4 = false, denies_ipv6 = false;
  for (const UnitLine& line : lines) {
    if (line.section != "Service") {
      continue;
    }
    const auto listed = words(line.value, " \t");
    const auto has = [&](std::string_view word) { return std::find(listed.begin(), listed.end(), word) != listed.end(); };
    if (line.name == "PrivateNetwork") {
      network.is_private = unit_boolean(line.value).value_or(network.is_private);
    } else if (line.name == "IPAddressDeny") {
      denies_ipv4 = !listed.empty() && (denies_ipv4 || has("any") || has("0.0.0.0/0"));
      denies_ipv6 = !listed.empty() && (denies_ipv6 || has("any") || has("::/0"));
    } else if (line.name == "SocketBindDeny") {
      network.denies_ports = !listed.empty() && (network.denies_ports || has("any"));
    } else if (line.name == "IPAddressAllow") {
      for (const std::string& address : listed) {
        for (const std::string& one : networks_of(address)) {
          network.connect.push_back(one + ":*");
          network.connect.push_back("udp:" + one + ":*");
        }
      }
      if (listed.empty()) {
        network.connect.clear();
      }
    } else if (line.name == "SocketBindAllow") {
      for (const std::string& rule : listed) {
        const auto entries = ports_of(rule);
        network.bind.insert(network.bind.end(), entries.begin(), entries.end());
      }
      if (listed.empty()) {
        network.bind.clear();
      }
    }
  }
  network.denies_addresses = denies_ipv4 && denies_ipv6;
  return network;
}

}  // namespace sbx::interop
