// SPDX-License-Identifier: Apache-2.0
// A LaunchPlan for people (--dry-run) and programs (--dry-run --json): everything that will be
// done, in the order in which it will be done, each line with its Origin.
#pragma once

#include <string>
#include <string_view>

#include "plan/launch_plan.h"

namespace sbx::plan {

std::string to_text(const LaunchPlan& plan);
std::string to_json(const LaunchPlan& plan);

// "bind /usr read-only", "tmpfs /tmp": for a line of --dry-run and for the error of a failed step.
std::string describe(const MountOp& op);

// What the kernel counts, and the resource that makes it: "each process (RLIMIT_NOFILE)".
std::string_view mechanism(const ResourceLimit& limit);

}  // namespace sbx::plan
