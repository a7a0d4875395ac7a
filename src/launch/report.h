// SPDX-License-Identifier: Apache-2.0
// What the child tells the supervisor before the command runs: 12 bytes through a pipe. The child
// never formats a text; the supervisor owns the plan and makes the sentence of it.
#pragma once

#include <type_traits>

#include "base/result.h"
#include "launch/sequence.h"
#include "plan/launch_plan.h"

namespace sbx::launch {

struct ChildReport {
  enum class Kind : std::int32_t {
    Failed,          // step, errno_value, item
    TerminalOpened,  // the sandbox's terminal: its master is descriptor `item` of init
    FilterIsNext,    // the listener will be descriptor `item` of init
    Started,         // the command runs
  };
  Kind kind = Kind::Failed;
  std::int16_t step = 0;
  std::int16_t errno_value = 0;
  std::int32_t item = 0;
};
static_assert(std::is_trivially_copyable_v<ChildReport> && sizeof(ChildReport) == 12);

// The sentence for a failed step, with the plan's item, its Origin, and what to do about it.
Error to_error(const plan::LaunchPlan& plan, const ChildReport& report);

// The sentence for a failed clone of the namespaces.
Error clone_error(int errno_value);

}  // namespace sbx::launch
