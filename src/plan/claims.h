// SPDX-License-Identifier: Apache-2.0
// All that a policy says about one system call, also what does not count in the end: for telling a
// reader which of the lines they see was beaten by which other, and why.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.h"

namespace sbx::plan {

struct Claim {
  std::string text;  // "seccomp.allow = @basic-io"
  Origin origin{};
  std::string when;      // of a [[seccomp.rule]]; empty: always
  bool grants = false;   // allow or log
  bool by_name = false;  // names the call itself, not a group with it
  int layer = 0;
};

// In the order of the policy: allow, deny, rules.
std::vector<Claim> claims_about(const policy::Policy& policy, std::string_view call);

// Why `winner` comes before `loser`, both without a condition or both with one that holds, or only
// the winner with one. Empty if it does not.
std::string why_beaten(const Claim& loser, const Claim& winner);

}  // namespace sbx::plan
