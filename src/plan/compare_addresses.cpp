// SPDX-License-Identifier: Apache-2.0
// network.connect and network.bind of two policies, by asking both about the addresses and ports
// that their rules tell apart.
#include <algorithm>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "plan/compare.h"

namespace sbx::plan {
namespace {

using Side = Difference::Side;
using Bytes = std::array<std::uint8_t, 16>;
using Rules = std::vector<const AddressRule*>;
using Decide = const AddressRule* (*)(const AddressRules&, const Destination&);

// What a program gets; a later one is more.
enum class Reach : std::uint8_t { Refused, Inside, Outside };

struct Answer {
  Reach reach = Reach::Refused;
  Side side;
};

Answer refused(const LaunchPlan& plan, const AddressRules& rules, const policy::Text& mode) {
  const bool is_limit = rules.limited && (!plan.own_network || !rules.allowed.empty());
  return {Reach::Refused,
          {"refused", is_limit ? "not listed" : "network.mode = " + mode.value,
           is_limit ? rules.origin : mode.origin}};
}

Answer ask_connect(const Compared& one, const Destination& place) {
  const LaunchPlan& plan = one.plan;
  const policy::Text& mode = one.policy.network_mode;
  if (const AddressRule* rule = decide_connect(plan.connect, place)) {
    return {Reach::Outside, {"reached", "network.connect = " + rule->text, rule->origin}};
  }
  if (!plan.own_network && !plan.connect.limited) {
    return {Reach::Outside, {"reached", "network.mode = " + mode.value, mode.origin}};
  }
  if (plan.own_network && plan.loopback && is_loopback(place)) {
    return {Reach::Inside,
            {"only what listens inside", "network.mode = " + mode.value, mode.origin}};
  }
  return refused(plan, plan.connect, mode);
}

Answer ask_bind(const Compared& one, const Destination& place) {
  const LaunchPlan& plan = one.plan;
  const policy::Text& mode = one.policy.network_mode;
  const AddressRule* rule = decide_bind(plan.bind, place);
  if ((plan.bind.limited && rule == nullptr) || (plan.own_network && !plan.loopback)) {
    return refused(plan, plan.bind, mode);
  }
  const Reach reach = plan.own_network ? Reach::Inside : Reach::Outside;
  return {reach,
          {plan.own_network ? "bound inside" : "bound",
           rule == nullptr ? "network.mode = " + mode.value : "network.bind = " + rule->text,
           rule == nullptr ? mode.origin : rule->origin}};
}

// The first or the last address of a rule's network.
Bytes edge_of(const AddressRule& rule, bool last) {
  Bytes address = rule.network;
  const std::size_t size = rule.kind == AddressRule::Kind::Ipv6 ? 16 : 4;
  for (std::size_t bit = rule.prefix; bit < size * 8; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80u >> bit % 8);
    address[bit / 8] = static_cast<std::uint8_t>(last ? address[bit / 8] | mask : address[bit / 8] & ~mask);
  }
  return address;
}

// The address after (or before) this one; around at the end.
Bytes neighbour_of(Bytes address, std::size_t size, bool after) {
  for (std::size_t i = size; i-- > 0;) {
    address[i] = static_cast<std::uint8_t>(address[i] + (after ? 1 : 0xff));
    if (address[i] != (after ? 0 : 0xff)) {
      break;
    }
  }
  return address;
}

std::set<std::uint16_t> ports_of(const AddressRule& rule, const Rules& all) {
  std::set<std::uint16_t> ports{rule.first_port, rule.last_port};
  for (const AddressRule* other : all) {
    for (const int port : {other->first_port - 1, int{other->first_port}, int{other->last_port},
                           other->last_port + 1}) {
      if (port >= rule.first_port && port <= rule.last_port) {
        ports.insert(static_cast<std::uint16_t>(port));
      }
    }
  }
  return ports;
}

// Both families have one that no rule is likely to name (RFC 5737, RFC 3849): it stands for the rest.
std::vector<Destination> places_of(const AddressRule& rule, const Rules& all) {
  std::set<std::pair<bool, Bytes>> addresses{{false, {203, 0, 113, 7}},
                                             {true, {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 7}}};
  for (const AddressRule* other : all) {
    const bool is_ipv6 = other->kind == AddressRule::Kind::Ipv6;
    if (is_ipv6 || other->kind == AddressRule::Kind::Ipv4) {
      const std::size_t size = is_ipv6 ? 16 : 4;
      const Bytes first = edge_of(*other, false);
      const Bytes last = edge_of(*other, true);
      addresses.insert({{is_ipv6, first}, {is_ipv6, last}, {is_ipv6, neighbour_of(first, size, false)},
                        {is_ipv6, neighbour_of(last, size, true)}});
    }
  }
  const AddressRules alone{true, {rule}, {}};
  std::vector<Destination> places;
  for (const std::uint16_t port : ports_of(rule, all)) {
    for (const auto& [is_ipv6, address] : addresses) {
      const Destination place{rule.transport, is_ipv6, address, port};
      if (decide_bind(alone, place) != nullptr) {
        places.push_back(place);
      }
    }
  }
  return places;
}

std::vector<AddressRule> rest_of_the_world() {
  std::vector<AddressRule> rest(2);
  for (AddressRule& rule : rest) {
    rule.first_port = 1;
    rule.last_port = UINT16_MAX;
    rule.text = "any other by TCP";
  }
  rest[1].transport = Transport::Udp;
  rest[1].text = "any other by UDP";
  return rest;
}

// Every rule of either is asked about, each once, and what is left beside them.
void compare_rules(const Compared& a, const Compared& b, const AddressRules& rules_a,
                   const AddressRules& rules_b, bool binds, Comparison& comparison) {
  if (!rules_a.limited && !rules_b.limited) {
    return;
  }
  const std::vector<AddressRule> rest = rest_of_the_world();
  Rules all;
  for (const auto* rules : {&rules_a.allowed, &rules_b.allowed, &rest}) {
    for (const AddressRule& rule : *rules) {
      if (rule.kind != AddressRule::Kind::Unix) {
        all.push_back(&rule);
      }
    }
  }
  // A difference is told of by the narrowest rule.
  std::stable_sort(all.begin(), all.end(), [](const AddressRule* one, const AddressRule* other) {
    const auto width = [](const AddressRule* rule) {
      return std::tuple(rule->kind == AddressRule::Kind::Any, 128 - rule->prefix,
                        rule->last_port - rule->first_port);
    };
    return width(one) < width(other);
  });
  std::set<std::string> seen;
  std::set<std::pair<bool, std::string>> told;  // a place that another rule's line has told of
  for (const AddressRule* rule : all) {
    if (!seen.insert(rule->text).second) {
      continue;
    }
    Difference difference{"network", (binds ? "bind " : "connect to ") + rule->text, "", false, false, {}, {}};
    bool is_whole = true;
    std::string example;
    for (const Destination& place : places_of(*rule, all)) {
      const Answer in_a = binds ? ask_bind(a, place) : ask_connect(a, place);
      const Answer in_b = binds ? ask_bind(b, place) : ask_connect(b, place);
      const bool more = in_b.reach > in_a.reach;
      if (in_a.reach == in_b.reach || !told.insert({more, to_text(place)}).second) {
        is_whole = false;
        continue;
      }
      (more ? difference.more : difference.less) = true;
      example = example.empty() ? to_text(place) : example;
      difference.a = difference.a.text.empty() ? in_a.side : difference.a;
      difference.b = difference.b.text.empty() ? in_b.side : difference.b;
    }
    if (difference.more || difference.less) {
      difference.when = is_whole ? "" : "it is " + example;
      comparison.differences.push_back(std::move(difference));
    }
  }
}

// Of the host's sockets by name, each list says which.
void compare_unix(const AddressRules& a, const AddressRules& b, bool more, Comparison& comparison) {
  for (const AddressRule& rule : b.allowed) {
    if (rule.kind == AddressRule::Kind::Unix && decide_unix(a, rule.path) == nullptr) {
      const Side has{"reached", "network.connect = " + rule.text, rule.origin};
      const Side lacks{"refused", "not listed", a.origin};
      comparison.differences.push_back({"network", "connect to " + rule.text, "", more, !more,
                                        more ? lacks : has, more ? has : lacks});
    }
  }
}

}  // namespace

void compare_addresses(const Compared& a, const Compared& b, Comparison& comparison) {
  compare_rules(a, b, a.plan.connect, b.plan.connect, false, comparison);
  compare_unix(a.plan.connect, b.plan.connect, true, comparison);
  compare_unix(b.plan.connect, a.plan.connect, false, comparison);
  compare_rules(a, b, a.plan.bind, b.plan.bind, true, comparison);
}

}  // namespace sbx::plan
