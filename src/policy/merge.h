// SPDX-License-Identifier: Apache-2.0
// Layers to one Policy. Scalars: the later layer wins. Lists append, after `remove` of that layer
// has taken entries of earlier layers away; a later path entry for the same place inside replaces
// the earlier one. Precedence among system call rules is not decided here but kept: LayeredName and
// LayeredRule remember their layer (see plan/expand_filter.h).
#pragma once

#include <vector>

#include "policy/policy.h"

namespace sbx::policy {

// The layers in order, first the most general (base), last the command line.
// Errors: contradictory settings, with the later one's origin.
Result<Policy> merge(const std::vector<PolicyLayer>& layers);

}  // namespace sbx::policy
