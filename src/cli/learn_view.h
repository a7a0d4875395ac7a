// SPDX-License-Identifier: Apache-2.0
// What a program sees while it is learned: the files that a policy would have to name, without a
// policy that names them. The installed system and services' data read-only, the home directory and
// the current one through overlays, so that changes are seen inside and gone afterwards; keys and
// passwords stay covered. Sockets (/run) and other users' directories are not shown. BASE's own grants
// and the command line's come before it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/command.h"
#include "cli/policies.h"
#include "plan/host_facts.h"
#include "policy/policy.h"

namespace sbx::cli {

// `layers`: BASE's. The layer goes between them and the command line.
Result<policy::PolicyLayer> learning_view(const Command& command,
                                          const std::vector<policy::PolicyLayer>& layers,
                                          const plan::HostFacts& facts, const Library& library);

}  // namespace sbx::cli
