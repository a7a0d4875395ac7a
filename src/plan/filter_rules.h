// SPDX-License-Identifier: Apache-2.0
// The rules that sbx itself lays over a policy's: W^X, nested namespaces, the terminal, published
// sockets, pretended user ids. expand_filter.cpp applies them after the policy's own are in order.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
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
  Mediate,  // what lets the call run goes through the supervisor, where the condition holds
  Default,  // after the policy's conditional rules, before the others: a policy may say otherwise
};

struct OverlayRule {
  std::string_view syscall;
  Overlay overlay = Overlay::First;
  seccomp::Rule rule;
};

std::vector<OverlayRule> overlay_rules(const policy::Policy& policy, const HostFacts& facts);

// The rule of network.families; nothing if the policy has none. An Error for an unknown family.
Result<std::optional<OverlayRule>> family_rule(const policy::Policy& policy);

// True if a datagram socket can lead out, so that each send that may name an address is made by the
// supervisor: the network is not the sandbox's own, or network.connect has UDP.
bool mediates_sends(const policy::Policy& policy);

}  // namespace sbx::plan
