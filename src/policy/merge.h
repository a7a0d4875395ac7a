// SPDX-License-Identifier: Apache-2.0
// Layers to one Policy. Scalars and command.args: the later layer wins. Lists append, after
// `remove` of that layer has taken entries of earlier layers away:
//   - an entry by its text; a path by its place inside; a variable of environment.set by its name;
//   - a call from the [[seccomp.rule]]s that name it (a rule without calls goes).
// What cannot both hold is replaced by the later layer: a path entry for the same place inside
// (whichever of the five lists it is in), published ports for the same inside port, keep, set and
// unset of the same variable. Within one layer that is an error, but for ports: a server may bind
// one several times (for both families). Precedence among system call rules is not decided here but
// kept: LayeredName and LayeredRule remember their layer (see plan/expand.h).
#pragma once

#include <vector>

#include "policy/policy.h"

namespace sbx::policy {

// The layers in order, first the most general (base), last the command line.
// Errors: a value that its key does not take; contradictory settings within a layer, with the later
// one's origin; a removal of what is not there (a slip would leave a grant in place, silently).
Result<Policy> merge(const std::vector<PolicyLayer>& layers);

// Two layers as one: merging it is merging both, but for layer numbers. The layers must be good
// ones (merge says whether they are). Merging is associative because this is.
PolicyLayer combine(const PolicyLayer& earlier, const PolicyLayer& later);

}  // namespace sbx::policy
