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

// A place of sbx's own on the host, by which a later run could be influenced: its policies, their
// directories whether they exist or not, its state, the program itself.
struct OwnPath {
  std::string path;         // absolute; symbolic links on the way are part of what is held
  bool is_file = false;     // else a directory
  bool is_secret = false;   // not to be seen inside unless granted by its own name

  friend bool operator==(const OwnPath&, const OwnPath&) = default;
};

// What the command line asks beside the policy, and what cli knows of sbx's own files.
struct Request {
  std::vector<std::string> command;  // program and arguments; empty: not even a program (dry-run of a policy)
  std::vector<int> keep_fds;
  std::vector<std::string> allow_degraded;
  std::vector<OwnPath> own_paths;
};

Result<LaunchPlan> resolve(const policy::Policy& policy, const Request& request,
                           const HostFacts& facts, const Probes& probes);

}  // namespace sbx::plan
