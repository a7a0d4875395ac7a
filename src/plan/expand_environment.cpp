// SPDX-License-Identifier: Apache-2.0
// The environment inside: nothing of the caller's but what the policy passes.
#include <algorithm>
#include <array>
#include <string_view>

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

bool names(const std::vector<policy::Text>& list, std::string_view name) {
  return std::any_of(list.begin(), list.end(), [&](const auto& entry) { return entry.value == name; });
}

}  // namespace

std::vector<std::string> expand_environment(const policy::Policy& policy, const Identity& identity,
                                            const HostFacts& facts) {
  std::map<std::string, std::string> inside;
  for (const auto& [name, value] : facts.environment) {
    const bool passes = policy.env_pass.value == "all" ||
                        (policy.env_pass.value == "safe" && is_safe(name));
    if (passes || names(policy.env_keep, name)) {
      inside[name] = value;
    }
  }
  inside.emplace("PATH", kDefaultPath);
  inside["HOME"] = policy.home.value == "none" ? "/" : identity.home;
  inside["USER"] = inside["LOGNAME"] = identity.user_name;
  for (const policy::Text& unset : policy.env_unset) {
    inside.erase(unset.value);
  }
  for (const auto& [name, setting] : policy.env_set) {
    inside[name] = setting.value;
  }
  std::vector<std::string> list;
  list.reserve(inside.size());
  for (const auto& [name, value] : inside) {
    list.push_back(name + "=" + value);
  }
  return list;
}

}  // namespace sbx::plan
