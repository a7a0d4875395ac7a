// SPDX-License-Identifier: Apache-2.0
// The rules that sbx itself lays over a policy's: W^X, nested namespaces, the terminal, published
// sockets, pretended user ids. expand_filter.cpp applies them after the policy's own are in order.
#pragma once

#include <string_view>
#include <vector>

#include "plan/host_facts.h"
#include "policy/policy.h"
#include "seccomp/filter_spec.h"

namespace sbx::plan {

// How a rule of sbx and the policy's rules for the same call go together.
enum class Overlay : std::uint8_t {
  Before,   // before everything, for every policy
  First,    // before every rule of the policy; left out where the policy lets no such call run
  Forbid,   // in place of whatever lets the call run, or of the default
  Replace,  // in place of all the policy says
  Mediate,  // what lets the call run goes through the supervisor instead
  Default,  // after the policy's conditional rules, before the others: a policy may say otherwise
};

struct OverlayRule {
  std::string_view syscall;
  Overlay overlay = Overlay::First;
  seccomp::Rule rule;
};

std::vector<OverlayRule> overlay_rules(const policy::Policy& policy, const HostFacts& facts);

}  // namespace sbx::plan
