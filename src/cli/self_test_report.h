// SPDX-License-Identifier: Apache-2.0
// What sbx run --self-test prints.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "plan/launch_plan.h"

namespace sbx::cli {

// Prints what became of each attempt. 0 if none is open, else 1. `answers` as launch gives them.
Result<int> report_self_test(const plan::LaunchPlan& plan, const std::vector<std::int64_t>& answers,
                             bool as_json);

}  // namespace sbx::cli
