// SPDX-License-Identifier: Apache-2.0
// --allow-degraded userns and notify: what a launch can still hold without user namespaces, or
// without a listener for the filter, and what it cannot. docs/degraded.md has the measured table.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "plan/host_facts.h"
#include "plan/launch_plan.h"
#include "plan/resolve.h"

namespace sbx::plan {

// What no layer makes up for where user namespaces are missing, each a short sentence.
std::span<const std::string_view> losses_on_host_tree();

// Turns a finished plan into one that needs no namespace: the mounts become Landlock rules on the
// host's own tree, with reading handled too; HOME and TMPDIR are a private directory. Errors: what
// only a namespace can give (network.publish, a path at another place, …), each by its name.
Status move_to_host_tree(const policy::Policy& policy, const HostFacts& facts, const Probes& probes,
                         LaunchPlan& plan);

// Turns every rule that asks the supervisor into what the kernel can answer alone. Errors: what
// only the supervisor can do.
Status do_without_listener(LaunchPlan& plan);

}  // namespace sbx::plan
