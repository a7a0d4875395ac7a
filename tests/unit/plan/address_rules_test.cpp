// SPDX-License-Identifier: Apache-2.0
#include "plan/address_rules.h"

#include <arpa/inet.h>

#include <catch2/catch.hpp>

#include <cstring>

using namespace sbx;
using namespace sbx::plan;

namespace {

AddressRules rules_of(std::initializer_list<const char*> entries, bool bind = false) {
  AddressRules rules;
  rules.limited = true;
  for (const char* entry : entries) {
    auto rule = bind ? parse_bind(entry, {}) : parse_connect(entry, {});
    INFO(entry << ": " << (rule ? "" : rule.error().action));
    REQUIRE(rule);
    rules.allowed.push_back(*std::move(rule));
  }
  return rules;
}

Destination place(const std::string& text, int port, Transport transport = Transport::Tcp) {
  std::array<std::uint8_t, 16> bytes{};
  const bool v6 = text.find(':') != std::string::npos;
  REQUIRE(::inet_pton(v6 ? AF_INET6 : AF_INET, text.c_str(), bytes.data()) == 1);
  return destination(transport, v6, bytes.data(), static_cast<std::uint16_t>(port));
}

bool connects(std::initializer_list<const char*> entries, const Destination& to) {
  return decide_connect(rules_of(entries), reached_by(to)) != nullptr;
}

}  // namespace

TEST_CASE("an address is decided by network, port and transport", "[connect]") {
  struct Row {
    const char* entry;
    const char* address;
    int port;
    bool allowed;
  };
  const auto row = GENERATE(
      // An address is itself, one bit beside is another.
      Row{"127.0.0.1:5432", "127.0.0.1", 5432, true}, Row{"127.0.0.1:5432", "127.0.0.2", 5432, false},
      Row{"127.0.0.1:5432", "127.0.0.1", 5431, false}, Row{"127.0.0.1:5432", "127.0.0.1", 5433, false},
      // Networks, at and around their ends; a prefix that is no whole byte.
      Row{"10.0.0.0/8:443", "10.255.255.255", 443, true}, Row{"10.0.0.0/8:443", "11.0.0.0", 443, false},
      Row{"10.0.0.0/8:443", "9.255.255.255", 443, false}, Row{"10.16.0.0/12:1", "10.31.255.255", 1, true},
      Row{"10.16.0.0/12:1", "10.32.0.0", 1, false}, Row{"1.2.3.4/31:1", "1.2.3.5", 1, true},
      Row{"1.2.3.4/31:1", "1.2.3.6", 1, false}, Row{"2001:db8::/32", "", 0, false},
      Row{"[2001:db8::/32]:443", "2001:db8:ffff::1", 443, true},
      Row{"[2001:db8::/32]:443", "2001:db9::", 443, false},
      // Ports.
      Row{"1.2.3.4:80-82", "1.2.3.4", 80, true}, Row{"1.2.3.4:80-82", "1.2.3.4", 82, true},
      Row{"1.2.3.4:80-82", "1.2.3.4", 79, false}, Row{"1.2.3.4:80-82", "1.2.3.4", 83, false},
      Row{"1.2.3.4:*", "1.2.3.4", 65535, true}, Row{"1.2.3.4:*", "1.2.3.4", 0, false},
      // Every address, but the host's own loopback must be named.
      Row{"*:443", "1.2.3.4", 443, true}, Row{"*:443", "2001:db8::1", 443, true},
      Row{"*:443", "127.0.0.1", 443, false}, Row{"*:443", "::1", 443, false},
      Row{"*:443", "0.0.0.0", 443, false}, Row{"*:443", "::", 443, false},
      Row{"0.0.0.0/0:443", "127.0.0.1", 443, false}, Row{"0.0.0.0/1:443", "127.0.0.1", 443, false},
      Row{"[::/0]:443", "::1", 443, false}, Row{"127.0.0.0/8:443", "127.1.2.3", 443, true},
      // The same host by another name.
      Row{"127.0.0.1:80", "::ffff:127.0.0.1", 80, true}, Row{"127.0.0.1:80", "0.0.0.0", 80, true},
      Row{"127.0.0.1:80", "::ffff:0.0.0.0", 80, true}, Row{"[::1]:80", "::", 80, true},
      Row{"[::1]:80", "127.0.0.1", 80, false}, Row{"1.2.3.4:80", "::1.2.3.4", 80, false},
      Row{"[::ffff:1.2.3.4]:80", "", 0, false});
  INFO(row.entry << " " << row.address << " " << row.port);
  if (*row.address == '\0') {
    CHECK_FALSE(parse_connect(row.entry, {}));  // no entry
    return;
  }
  CHECK(connects({row.entry}, place(row.address, row.port)) == row.allowed);
}

TEST_CASE("TCP and UDP are told apart", "[connect]") {
  CHECK(connects({"udp:9.9.9.9:53"}, place("9.9.9.9", 53, Transport::Udp)));
  CHECK(connects({"9.9.9.9:53/udp"}, place("9.9.9.9", 53, Transport::Udp)));
  CHECK_FALSE(connects({"udp:9.9.9.9:53"}, place("9.9.9.9", 53)));
  CHECK_FALSE(connects({"9.9.9.9:53"}, place("9.9.9.9", 53, Transport::Udp)));
  CHECK(connects({"tcp:9.9.9.9:53"}, place("9.9.9.9", 53)));
}

TEST_CASE("a port is bound at the address that is named", "[connect]") {
  const auto binds = [](const char* entry, const Destination& to) {
    return decide_bind(rules_of({entry}, true), to) != nullptr;
  };
  CHECK(binds("8080", place("0.0.0.0", 8080)));
  CHECK(binds("8080", place("127.0.0.1", 8080)));
  CHECK(binds("8080", place("::", 8080)));
  CHECK_FALSE(binds("8080", place("::", 8081)));
  CHECK_FALSE(binds("8080", place("::", 8080, Transport::Udp)));
  CHECK(binds("[::]:53/udp", place("::", 53, Transport::Udp)));
  // All addresses are more than the loopback one.
  CHECK_FALSE(binds("127.0.0.1:8080", place("0.0.0.0", 8080)));
}

TEST_CASE("local sockets are decided by their path", "[connect]") {
  const auto rules = rules_of({"unix:/run/db/socket", "unix:@bus", "*:*"});
  CHECK(decide_unix(rules, "/run/db/socket") != nullptr);
  CHECK(decide_unix(rules, "/run/db/socket2") == nullptr);
  CHECK(decide_unix(rules, "run/db/socket") == nullptr);
  CHECK(decide_unix(rules, "@bus") != nullptr);
  CHECK(decide_unix(rules, "bus") == nullptr);
  CHECK_FALSE(connects({"unix:/run/db/socket"}, place("1.2.3.4", 1)));
}

TEST_CASE("an entry that says something else is an error with a remedy", "[connect]") {
  struct Row {
    const char* entry;
    const char* what;
  };
  const auto row = GENERATE(
      Row{"", "no port"}, Row{"1.2.3.4", "no port"}, Row{"1.2.3.4:0", "no port from 1"},
      Row{"1.2.3.4:65536", "no port from 1"}, Row{"1.2.3.4:9-8", "no port from 1"},
      Row{"1.2.3.4:http", "no port from 1"}, Row{"1.2.3:80", "no numeric address"},
      Row{"256.1.1.1:80", "no numeric address"}, Row{"example.org:443", "names a host"},
      Row{"::1:80", "without brackets"}, Row{"[::1:80", "no closing bracket"},
      Row{"[::1]80", "no port after the bracket"}, Row{"10.0.0.1/8:80", "beyond the first 8"},
      Row{"10.0.0.0/33:80", "no 32 bits"}, Row{"[2001:db8::1/32]:80", "beyond the first 32"},
      Row{"unix:run/x", "absolute path"}, Row{"unix:/run/../x", "absolute path"},
      Row{"unix:@", "absolute path"}, Row{"*", "no port"});
  const auto rule = parse_connect(row.entry, {"a.toml", 3, 1});
  REQUIRE_FALSE(rule);
  CHECK(rule.error().action.find(row.what) != std::string::npos);
  CHECK_FALSE(rule.error().hint.empty());
  CHECK(rule.error().origin.line == 3);
}

TEST_CASE("a destination is shown as network.connect takes it", "[connect]") {
  for (const char* entry : {"1.2.3.4:443", "udp:[2001:db8::1]:53", "[::1]:1", "udp:127.0.0.1:65535"}) {
    const auto rule = parse_connect(entry, {});
    REQUIRE(rule);
    Destination to{rule->transport, rule->kind == AddressRule::Kind::Ipv6, rule->network,
                   rule->first_port};
    CHECK(to_text(to) == entry);
  }
}
