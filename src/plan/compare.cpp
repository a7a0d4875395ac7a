// SPDX-License-Identifier: Apache-2.0
#include "plan/compare.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include <fmt/format.h>

#include "plan/environment.h"
#include "policy/capabilities.h"
#include "policy/keys.h"

namespace sbx::plan {
namespace {

using Side = Difference::Side;

// Where a later word of the list allows more than an earlier one.
int rank(const std::string& word, const std::vector<std::string_view>& order) {
  return static_cast<int>(std::find(order.begin(), order.end(), word) - order.begin());
}

Side side(const policy::Text& setting) {
  return {setting.value, "", setting.origin};
}

// A setting that is one of a few words. Without an order neither allows more.
void compare_word(std::string_view area, std::string_view subject, const policy::Text& a,
                  const policy::Text& b, const std::vector<std::string_view>& order,
                  Comparison& comparison) {
  if (a.value != b.value) {
    const int by = order.empty() ? 0 : rank(b.value, order) - rank(a.value, order);
    comparison.differences.push_back(
        {std::string(area), std::string(subject), "", by > 0, by < 0, side(a), side(b)});
  }
}

// Things of which having one more allows more: published ports, kept capabilities.
using Things = std::map<std::string, Origin>;

void compare_things(std::string_view area, const Things& a, const Things& b,
                    Comparison& comparison) {
  for (const auto& [name, origin] : a) {
    if (!b.contains(name)) {
      comparison.differences.push_back(
          {std::string(area), name, "", false, true, {"yes", "", origin}, {"no", "", {}}});
    }
  }
  for (const auto& [name, origin] : b) {
    if (!a.contains(name)) {
      comparison.differences.push_back(
          {std::string(area), name, "", true, false, {"no", "", {}}, {"yes", "", origin}});
    }
  }
}

void compare_network(const Compared& a, const Compared& b, Comparison& comparison) {
  compare_word("network", "mode", a.policy.network_mode, b.policy.network_mode,
               {"none", "private", "pasta", "host"}, comparison);
  const auto published = [](const LaunchPlan& plan) {
    Things things;
    for (const Publish& entry : plan.publish) {
      things.emplace(fmt::format("publish {}{}{}:{} as {}", entry.is_ipv6 ? "[" : "", entry.address,
                                 entry.is_ipv6 ? "]" : "", entry.outside_port, entry.inside_port),
                     entry.origin);
    }
    return things;
  };
  compare_things("network", published(a.plan), published(b.plan), comparison);
  compare_addresses(a, b, comparison);
}

void compare_capabilities(const Compared& a, const Compared& b, Comparison& comparison) {
  const auto kept = [](const Compared& one) {
    Things things;
    const auto all = policy::capabilities();
    for (std::size_t i = 0; i < all.size(); ++i) {
      if ((one.plan.capabilities >> i & 1) != 0) {
        const auto& names = one.policy.capabilities;
        const auto named = std::find_if(names.begin(), names.end(), [&](const policy::Text& name) {
          return name.value == all[i].name;
        });
        things.emplace(all[i].name, named == names.end() ? Origin{} : named->origin);
      }
    }
    return things;
  };
  compare_things("capabilities", kept(a), kept(b), comparison);
}

void compare_namespaces(const Compared& a, const Compared& b, Comparison& comparison) {
  // network.mode says it of the network.
  for (const policy::KeyInfo& key : policy::keys()) {
    if (key.table != "namespaces" || key.name == "nested" || key.name == "net") {
      continue;
    }
    const auto setting = [&](const policy::Policy& policy) {
      const auto found = policy.namespaces.find(key.key);
      return found != policy.namespaces.end()
                 ? found->second
                 : policy::Flag{key.default_value == "true", {"built in", 0, 0}};
    };
    const policy::Flag in_a = setting(a.policy);
    const policy::Flag in_b = setting(b.policy);
    if (in_a.value != in_b.value) {
      comparison.differences.push_back({"namespaces",
                                        std::string(key.name),
                                        "",
                                        in_a.value,
                                        in_b.value,
                                        {in_a.value ? "own" : "the host's", "", in_a.origin},
                                        {in_b.value ? "own" : "the host's", "", in_b.origin}});
    }
  }
  const auto nested = [](const policy::Policy& policy) {
    Things things;
    for (const policy::LayeredName& name : policy.nested) {
      things.emplace("nested " + name.value, name.origin);
    }
    return things;
  };
  compare_things("namespaces", nested(a.policy), nested(b.policy), comparison);
}

void compare_identity(const Compared& a, const Compared& b, Comparison& comparison) {
  const auto compare_one = [&](std::string_view subject, const policy::Text& in_a,
                               const policy::Text& in_b) {
    compare_word("identity", subject, in_a, in_b, {}, comparison);
  };
  compare_one("user", a.policy.user, b.policy.user);
  compare_one("group", a.policy.group, b.policy.group);
  compare_one("single-uid", a.policy.single_uid, b.policy.single_uid);
  compare_one("hostname", a.policy.hostname, b.policy.hostname);
  compare_one("machine-id", a.policy.machine_id, b.policy.machine_id);
}

// No limit is the widest.
void compare_limits(const Compared& a, const Compared& b, Comparison& comparison) {
  std::set<policy::Key> keys;
  for (const auto* limits : {&a.policy.limits, &b.policy.limits}) {
    for (const auto& [key, value] : *limits) {
      keys.insert(key);
    }
  }
  for (const policy::Key key : keys) {
    const auto limit = [key](const policy::Policy& policy) {
      const auto found = policy.limits.find(key);
      return found == policy.limits.end() ? policy::Number{UINT64_MAX, {}} : found->second;
    };
    const auto shown = [](const policy::Number& number) {
      return Side{number.value == UINT64_MAX ? "no limit" : std::to_string(number.value), "",
                  number.origin};
    };
    const policy::Number in_a = limit(a.policy);
    const policy::Number in_b = limit(b.policy);
    if (in_a.value != in_b.value) {
      comparison.differences.push_back({"limits", std::string(policy::info(key).name), "",
                                        in_b.value > in_a.value, in_b.value < in_a.value,
                                        shown(in_a), shown(in_b)});
    }
  }
}

// Over every name that either policy treats in a way of its own, and one that neither knows.
void compare_environment(const Compared& a, const Compared& b, Comparison& comparison) {
  using Kind = VariableFate::Kind;
  std::set<std::string> names{"HOME", "PATH", "USER"};
  for (const policy::Policy* policy : {&a.policy, &b.policy}) {
    for (const auto* list : {&policy->env_keep, &policy->env_unset}) {
      for (const policy::Text& name : *list) {
        names.insert(name.value);
      }
    }
    for (const auto& [name, value] : policy->env_set) {
      names.insert(name);
    }
  }
  const auto shown = [](const VariableFate& fate) {
    return Side{fate.kind == Kind::LeftOut  ? "left out"
                : fate.kind == Kind::Passed ? "the caller's"
                                            : "set to \"" + fate.value + "\"",
                fate.reason, fate.origin};
  };
  for (const std::string& name : names) {
    const VariableFate in_a = fate_of(a.policy, a.plan.identity, name);
    const VariableFate in_b = fate_of(b.policy, b.plan.identity, name);
    if (in_a.kind != in_b.kind || in_a.value != in_b.value) {
      // Only what comes from the caller can tell what the sandboxee should not know.
      comparison.differences.push_back(
          {"environment", name, "", in_b.kind == Kind::Passed && in_a.kind != Kind::Passed,
           in_a.kind == Kind::Passed && in_b.kind != Kind::Passed, shown(in_a), shown(in_b)});
    }
  }
  compare_word("environment", "pass", a.policy.env_pass, b.policy.env_pass, {"none", "safe", "all"},
               comparison);
}

}  // namespace

bool Comparison::any_more() const {
  return std::any_of(differences.begin(), differences.end(),
                     [](const Difference& difference) { return difference.more; });
}

bool Comparison::any_less() const {
  return std::any_of(differences.begin(), differences.end(),
                     [](const Difference& difference) { return difference.less; });
}

std::string_view verdict_of(const Comparison& comparison) {
  if (comparison.differences.empty()) {
    return "equal";
  }
  return comparison.any_more() == comparison.any_less() ? "different"
         : comparison.any_more()                        ? "wider"
                                                        : "narrower";
}

Comparison compare(const Compared& a, const Compared& b) {
  Comparison comparison;
  compare_filters(a, b, comparison);
  compare_files(a, b, comparison);
  compare_network(a, b, comparison);
  compare_word("memory", "wx", a.policy.wx, b.policy.wx, {"deny", "allow"}, comparison);
  compare_word("memory", "memfd", a.policy.memfd, b.policy.memfd, {"deny", "allow"}, comparison);
  compare_capabilities(a, b, comparison);
  compare_namespaces(a, b, comparison);
  compare_identity(a, b, comparison);
  compare_limits(a, b, comparison);
  compare_environment(a, b, comparison);
  compare_word("terminal", "mode", a.policy.terminal_mode, b.policy.terminal_mode,
               {"never", "auto", "always", "inherit"}, comparison);
  if (a.policy.landlock_abi.value != b.policy.landlock_abi.value) {
    const auto shown = [](const policy::Number& abi) {
      return Side{std::to_string(abi.value), "", abi.origin};
    };
    comparison.differences.push_back({"landlock", "require", "", false, false,
                                      shown(a.policy.landlock_abi), shown(b.policy.landlock_abi)});
  }
  // What it lets run is among the calls; kill and errno allow the same.
  compare_word("report", "on-violation", a.policy.on_violation, b.policy.on_violation, {},
               comparison);
  return comparison;
}

}  // namespace sbx::plan
