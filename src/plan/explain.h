// SPDX-License-Identifier: Apache-2.0
// Answers of `sbx explain`: what the sandboxee may do, which line decides, what would change it.
// Read off the LaunchPlan, which is what will be done; the Policy is asked only for what lost. Each
// kind of question has a file: explain_call, explain_path, explain_address, explain_setting.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "plan/host_facts.h"
#include "plan/launch_plan.h"
#include "plan/question.h"
#include "policy/policy.h"

namespace sbx::plan {

enum class Ruling : std::uint8_t { Allowed, Denied, Depends };

std::string_view word(Ruling ruling);  // "allowed"

// A line that would have decided otherwise.
struct Beaten {
  std::string text;
  Origin origin{};
  std::string why;
};

// One case of the answer.
struct Finding {
  Ruling ruling = Ruling::Denied;
  std::string subject;  // "when domain == AF_PACKET", "write"; empty if there is but one
  std::string reason;   // "seccomp.allow = @network-io"
  Origin origin{};      // of the reason
  std::string effect;   // "fails with EPERM, and sbx tells of it"
  std::string remedy;   // what would allow it; may be empty
  std::string warning;  // why one should hesitate
  std::vector<Beaten> beaten{};
};

struct Explanation {
  Ruling ruling = Ruling::Denied;
  std::string kind;      // "call", "group", "path", "address", "variable", "limit", "capability"
  std::string question;  // as it was understood: "socket(AF_PACKET, SOCK_RAW, 0) [41]"
  std::vector<Finding> findings;
  std::vector<std::string> notes{};
};

// Allowed or denied if all findings are, else it depends.
Ruling ruling_of(const std::vector<Finding>& findings);

Explanation explain_call(const policy::Policy& policy, const LaunchPlan& plan,
                         const CallQuestion& question);
Explanation explain_group(const policy::Policy& policy, const LaunchPlan& plan,
                          const GroupQuestion& question);

// Whether the caller's own rights to the host's file let it be read, written, executed; null: not
// to be told, since the sandboxee will be another user.
using PermissionProbe =
    std::function<bool(const std::string& host_path, PathQuestion::Intent intent)>;

// What explain_path and explain_address ask of the host.
struct HostView {
  const HostFacts& facts;
  const Probes& probes;
  PermissionProbe permits;
};

Explanation explain_path(const policy::Policy& policy, const LaunchPlan& plan, const HostView& host,
                         const PathQuestion& question);
Explanation explain_address(const policy::Policy& policy, const LaunchPlan& plan,
                            const HostView& host, const AddressQuestion& question);
Explanation explain_variable(const policy::Policy& policy, const LaunchPlan& plan,
                             const HostFacts& facts, const VariableQuestion& question);
Explanation explain_limit(const policy::Policy& policy, const LimitQuestion& question);
Explanation explain_capability(const policy::Policy& policy, const LaunchPlan& plan,
                               const CapabilityQuestion& question);

}  // namespace sbx::plan
