// SPDX-License-Identifier: Apache-2.0
// What a plan says of an address that a watched run has connected to or bound.
#pragma once

#include <string>

#include "learn/reduce.h"
#include "plan/launch_plan.h"

namespace sbx::cli {

// `address` as learn::AddressUse has it.
learn::AddressAnswer answer_address(const plan::LaunchPlan& plan, const std::string& address,
                                    bool is_bind);

}  // namespace sbx::cli
