// SPDX-License-Identifier: Apache-2.0
#include "plan/claims.h"

#include <algorithm>

#include <fmt/format.h>

#include "seccomp/groups.h"

namespace sbx::plan {
namespace {

bool means(std::string_view word, std::string_view call) {
  if (const seccomp::Group* group = seccomp::find_group(word)) {
    const auto members = seccomp::members_of(*group);
    return std::find(members.begin(), members.end(), call) != members.end();
  }
  return word == call;
}

void add_list(std::string_view list, const std::vector<policy::LayeredName>& entries,
              std::string_view call, std::vector<Claim>& claims) {
  for (const policy::LayeredName& entry : entries) {
    if (means(entry.value, call)) {
      claims.push_back({fmt::format("seccomp.{} = {}", list, entry.value), entry.origin, "",
                        list == "allow", entry.value == call, entry.layer});
    }
  }
}

}  // namespace

std::vector<Claim> claims_about(const policy::Policy& policy, std::string_view call) {
  std::vector<Claim> claims;
  add_list("allow", policy.allow, call, claims);
  add_list("deny", policy.deny, call, claims);
  for (const auto& [rule, layer] : policy.rules) {
    for (const policy::Text& word : rule.syscalls) {
      if (!means(word.value, call)) {
        continue;
      }
      const std::string& action = rule.action.value;
      const bool is_conditional = !rule.when.value.empty();
      claims.push_back({is_conditional
                            ? fmt::format("seccomp.rule: {} when {}", action, rule.when.value)
                            : fmt::format("seccomp.rule: {} = {}", action, word.value),
                        is_conditional ? rule.origin : word.origin, rule.when.value,
                        action == "allow" || action == "log", word.value == call, layer});
    }
  }
  return claims;
}

std::string why_beaten(const Claim& loser, const Claim& winner) {
  if (winner.when.empty() != loser.when.empty()) {
    return winner.when.empty() ? "" : "a rule with a condition that holds comes first";
  }
  if (winner.when.empty() && winner.by_name != loser.by_name) {
    return winner.by_name ? "the call's own name beats a group" : "";
  }
  if (winner.layer != loser.layer) {
    return winner.layer > loser.layer ? "the later layer wins" : "";
  }
  return winner.grants ? "" : "within one layer the stricter wins";
}

}  // namespace sbx::plan
