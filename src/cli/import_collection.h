// SPDX-License-Identifier: Apache-2.0
// sbx import --outdir: every file of a collection as a policy of its own, and one report of all.
#pragma once

#include "base/result.h"
#include "cli/command.h"

namespace sbx::cli {

// The exit status. A file that cannot be imported is told of, and does not keep the others from it;
// the status is then 125.
Result<int> import_collection(const Command& command);

}  // namespace sbx::cli
