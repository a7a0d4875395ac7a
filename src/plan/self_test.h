// SPDX-License-Identifier: Apache-2.0
// sbx run --self-test: what a sandboxee would try, as bare system calls. The process that would have
// become the command makes them in its place, under everything that the command would be under.
// Each is harmless where it succeeds.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/origin.h"
#include "plan/launch_plan.h"

namespace sbx::plan {

// Aims every attempt at this plan, whose command is not run. Denied calls fail instead of killing,
// so that the next can be tried.
void make_self_test(LaunchPlan& plan);

struct SelfTestResult {
  enum class State : std::uint8_t {
    Refused,
    Allowed,  // the policy says so
    Open,     // promised, and not kept
  };
  State state = State::Refused;
  std::string text;    // "memory that is writable and executable"
  std::string detail;  // "EPERM"; the rule that allows it
  Origin origin{};
};

// `answers`: of each attempt, in the order of plan.self_test: a value or a negative errno.
std::vector<SelfTestResult> judge_self_test(const LaunchPlan& plan,
                                            const std::vector<std::int64_t>& answers);

}  // namespace sbx::plan
