// SPDX-License-Identifier: Apache-2.0
// The deciding half of `sbx run`: which policy, what it is after merging, and what that comes to on
// this host. `sbx verify` decides the same again for a sandbox that runs.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/command.h"
#include "plan/launch_plan.h"
#include "policy/library.h"

namespace sbx::plan {
struct HostFacts;
}

namespace sbx::cli {

struct Planned {
  plan::LaunchPlan plan;
  bool by_default = false;  // no policy is made for this program
  policy::PolicyFile file;  // the policy
  std::vector<policy::PolicyLayer> layers;  // base first, the command line last
};

// What replaces the search for a policy, and lies between it and the command line (sbx learn).
struct Instead {
  std::optional<policy::PolicyFile> file = std::nullopt;
  std::optional<policy::PolicyLayer> between = std::nullopt;
  std::optional<policy::PolicyLayer> below = std::nullopt;  // all others
  bool command_may_be_hidden = false;  // plan without it
};

// `lap` hears the name of each stage at its end, for --trace-launch.
Result<Planned> plan_run(const Command& command, const plan::HostFacts& facts,
                         const std::function<void(std::string_view stage)>& lap,
                         const Instead& instead = {});

}  // namespace sbx::cli
