// SPDX-License-Identifier: Apache-2.0
// What the supervisor takes from itself before the command's first instruction: it is the only part
// of sbx that reads hostile bytes afterwards. confine.cpp has the list of the calls it keeps, and
// says what a supervisor that was taken over could still do.
#pragma once

#include <vector>

#include "base/result.h"
#include "plan/launch_plan.h"
#include "seccomp/closed_list.h"

namespace sbx::supervise {

// Before the clone: no_new_privs.
Status confine_before_clone();

// Right after the clone, while the child builds its root: what the sandbox must not inherit.
// Descriptors that the caller left open, capabilities, core dumps, limits, and the filter, last.
Status confine_after_clone(const plan::LaunchPlan& plan);

// The rows of the filter for this plan; confine_after_clone puts them in force.
std::vector<seccomp::ListedCalls> allowed_calls(const plan::LaunchPlan& plan, int own_pid);

}  // namespace sbx::supervise
