// SPDX-License-Identifier: Apache-2.0
// A policy weighed by what it comes to: its plan. The items are those of units, so that a service that
// moves from systemd to sbx, or back, keeps its measure. Where sbx closes a thing in another way (an
// own user namespace instead of a dropped capability) the item counts as shut.
#pragma once

#include "plan/launch_plan.h"
#include "policy/policy.h"
#include "score/items.h"

namespace sbx::score {

Facts facts_of_policy(const policy::Policy& policy, const plan::LaunchPlan& plan);

}  // namespace sbx::score
