// SPDX-License-Identifier: Apache-2.0
// Policy × HostFacts × Probes → LaunchPlan. Pure: all it learns of the machine comes through its
// parameters. One expander for each feature (expand_*.h) fills its part of the plan.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "plan/host_facts.h"
#include "plan/launch_plan.h"
#include "policy/policy.h"

namespace sbx::plan {

// What the command line asks beside the policy.
struct Request {
  std::vector<std::string> command;  // program and arguments; empty: not even a program (dry-run of a policy)
  std::vector<int> keep_fds;
  std::vector<std::string> allow_degraded;
};

Result<LaunchPlan> resolve(const policy::Policy& policy, const Request& request,
                           const HostFacts& facts, const Probes& probes);

}  // namespace sbx::plan
