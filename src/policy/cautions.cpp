// SPDX-License-Identifier: Apache-2.0
#include "policy/cautions.h"

#include <algorithm>

namespace sbx::policy {
namespace {

// In the order of the enumeration, which is that of the names.
constexpr CautionInfo kCautions[] = {
    {Caution::BroadRead, "broad-read", "a path shows far more of the host than a program needs"},
    {Caution::BroadWrite, "broad-write", "a path makes the host's system or a whole home writable"},
    {Caution::ControlSocket, "control-socket",
     "a path leads to a service that acts outside of the sandbox for whoever reaches it"},
    {Caution::DangerousCall, "dangerous-call",
     "a system call is allowed that acts on the kernel, on other processes or past the filter"},
    {Caution::HiddenEntry, "hidden-entry", "an entry of allow or deny decides no system call"},
    {Caution::HostNetwork, "host-network",
     "the command shares the host's network, with every service that listens there"},
    {Caution::LogOnly, "log-only", "denied calls are let through, so the policy confines nothing"},
    {Caution::Memfd, "memfd", "anonymous files lead round the ban on writable and executable memory"},
    {Caution::NoEffect, "no-effect", "sbx itself decides the call, whatever the policy says"},
    {Caution::OwnPolicyWritable, "own-policy-writable",
     "a path grants sbx's own files to write, which sbx run refuses"},
    {Caution::RedundantAllow, "redundant-allow",
     "a name is allowed by a group of the same list already"},
    {Caution::RuleHidden, "rule-hidden", "the rules before it decide every call that a rule matches"},
    {Caution::RuleNeverMatches, "rule-never-matches", "no call can satisfy a rule's condition"},
    {Caution::RunsOutside, "runs-outside",
     "what is written to a path is run outside of any sandbox later"},
    {Caution::SecretPath, "secret-path", "a path shows keys, passwords or another program's secrets"},
    {Caution::SiblingAllowed, "sibling-allowed",
     "a call is denied, and another one that does the same is allowed"},
    {Caution::SiblingDenied, "sibling-denied",
     "a call is allowed, and the newer one that libraries use in its place is denied"},
    {Caution::UnusedAccept, "unused-accept", "policy.accept names a warning that does not arise"},
    {Caution::WholeEnvironment, "whole-environment",
     "every variable of the caller is passed on, with the secrets in them"},
    {Caution::WritableExecutable, "writable-executable",
     "a file can be written by one path and executed by another"},
    {Caution::WriteExecuteMemory, "write-execute-memory",
     "memory can be writable and executable, which most attacks on a program need"},
};

constexpr bool is_in_order() {
  for (std::size_t i = 0; i < std::size(kCautions); ++i) {
    if (static_cast<std::size_t>(kCautions[i].caution) != i ||
        (i > 0 && !(kCautions[i - 1].name < kCautions[i].name))) {
      return false;
    }
  }
  return std::size(kCautions) == static_cast<std::size_t>(Caution::WriteExecuteMemory) + 1;
}
static_assert(is_in_order(), "kCautions follows the enumeration");

}  // namespace

std::span<const CautionInfo> cautions() {
  return kCautions;
}

const CautionInfo& info(Caution caution) {
  return kCautions[static_cast<std::size_t>(caution)];
}

Acceptance split_acceptance(std::string_view entry) {
  const std::size_t colon = entry.find(':');
  if (colon == std::string_view::npos) {
    return {entry, {}};
  }
  std::string_view reason = entry.substr(colon + 1);
  reason.remove_prefix(std::min(reason.find_first_not_of(' '), reason.size()));
  return {entry.substr(0, colon), reason};
}

std::optional<Caution> find_caution(std::string_view name) {
  const auto* found = std::find_if(std::begin(kCautions), std::end(kCautions),
                                   [&](const CautionInfo& one) { return one.name == name; });
  return found == std::end(kCautions) ? std::nullopt : std::optional(found->caution);
}

}  // namespace sbx::policy
