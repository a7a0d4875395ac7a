// SPDX-License-Identifier: Apache-2.0
// The deciding half of `sbx run`: which policy, what it is after merging, and what that comes to on
// this host. `sbx verify` decides the same again for a sandbox that runs.
#pragma once

#include <functional>
#include <string_view>

#include "base/result.h"
#include "cli/command.h"
#include "plan/launch_plan.h"

namespace sbx::plan {
struct HostFacts;
}

namespace sbx::cli {

struct Planned {
  plan::LaunchPlan plan;
  bool by_default = false;  // no policy is made for this program
};

// `lap` hears the name of each stage at its end, for --trace-launch.
Result<Planned> plan_run(const Command& command, const plan::HostFacts& facts,
                         const std::function<void(std::string_view stage)>& lap);

}  // namespace sbx::cli
