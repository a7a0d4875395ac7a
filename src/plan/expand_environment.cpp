// SPDX-License-Identifier: Apache-2.0
// The environment inside: nothing of the caller's but what the policy passes.
#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>

#include "plan/environment.h"
#include "plan/expand.h"

namespace sbx::plan {
namespace {

constexpr std::string_view kDefaultPath = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

// What "safe" passes: how to show text, and in which language. Nothing here names a socket, a file or a secret.
constexpr std::array<std::string_view, 12> kSafe{
    "PATH", "TERM", "COLORTERM", "NO_COLOR", "LANG", "LANGUAGE", "TZ",
    "COLUMNS", "LINES", "PAGER", "EDITOR", "SHELL"};

bool is_safe(std::string_view name) {
  return name.starts_with("LC_") || std::find(kSafe.begin(), kSafe.end(), name) != kSafe.end();
}

const policy::Text* find(const std::vector<policy::Text>& list, std::string_view name) {
  const auto found = std::find_if(list.begin(), list.end(),
                                  [&](const auto& entry) { return entry.value == name; });
  return found == list.end() ? nullptr : &*found;
}

// What sbx itself says inside, whatever the caller has.
std::optional<std::string> own_value(const policy::Policy& policy, const Identity& identity,
                                     std::string_view name) {
  if (name == "HOME") {
    return policy.home.value == "none" ? "/" : identity.home;
  }
  if (name == "USER" || name == "LOGNAME") {
    return identity.user_name;
  }
  return std::nullopt;
}

}  // namespace

VariableFate fate_of(const policy::Policy& policy, const Identity& identity,
                     std::string_view name) {
  using Kind = VariableFate::Kind;
  if (const auto set = policy.env_set.find(std::string(name)); set != policy.env_set.end()) {
    return {Kind::Set, set->second.value, "environment.set", set->second.origin};
  }
  if (const policy::Text* unset = find(policy.env_unset, name)) {
    return {Kind::LeftOut, "", "environment.unset", unset->origin};
  }
  if (auto own = own_value(policy, identity, name)) {
    const bool is_home = name == "HOME";
    return {Kind::Set, *std::move(own), is_home ? "filesystem.home = " + policy.home.value : "the user inside",
            is_home ? policy.home.origin : identity.origin};
  }
  const std::string fallback = name == "PATH" ? std::string(kDefaultPath) : "";
  if (const policy::Text* kept = find(policy.env_keep, name)) {
    return {Kind::Passed, fallback, "environment.keep", kept->origin};
  }
  const std::string& pass = policy.env_pass.value;
  const std::string reason = "environment.pass = " + pass;
  if (pass == "all" || (pass == "safe" && is_safe(name))) {
    return {Kind::Passed, fallback, reason, policy.env_pass.origin};
  }
  return {fallback.empty() ? Kind::LeftOut : Kind::Set, fallback, reason, policy.env_pass.origin};
}

std::vector<std::string> expand_environment(const policy::Policy& policy, const Identity& identity,
                                            const HostFacts& facts) {
  std::set<std::string> names{"PATH", "HOME", "USER", "LOGNAME"};
  for (const auto& [name, value] : facts.environment) {
    names.insert(name);
  }
  for (const auto& [name, setting] : policy.env_set) {
    names.insert(name);
  }
  std::vector<std::string> list;
  list.reserve(names.size());
  for (const std::string& name : names) {
    const VariableFate fate = fate_of(policy, identity, name);
    const auto callers = facts.environment.find(name);
    if (fate.kind == VariableFate::Kind::Passed && callers != facts.environment.end()) {
      list.push_back(name + "=" + callers->second);
    } else if (fate.kind == VariableFate::Kind::Set ||
               (fate.kind == VariableFate::Kind::Passed && !fate.value.empty())) {
      list.push_back(name + "=" + fate.value);
    }
  }
  return list;
}

}  // namespace sbx::plan
