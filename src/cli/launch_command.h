// SPDX-License-Identifier: Apache-2.0
// The acting half of `sbx run`: a plan becomes a running command, and an exit status. What `sbx learn`
// watches is launched by the same.
#pragma once

#include <time.h>

#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/command.h"
#include "launch/launch.h"
#include "plan/launch_plan.h"
#include "supervise/supervise.h"

namespace sbx::cli {

// The time of each stage, for --trace-launch.
class Stopwatch {
 public:
  Stopwatch() : last_(now()) {}
  void lap(std::string_view stage) {
    const double time = now();
    stages_.push_back({"supervisor", stage, time - last_});
    last_ = time;
  }
  const std::vector<launch::StepTiming>& stages() const { return stages_; }

 private:
  static double now() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
  }

  double last_;
  std::vector<launch::StepTiming> stages_;
};

// `by_default`: no policy is made for this program, so a hint says how to write one. This process is
// confined afterwards (supervise/confine.h) and can launch nothing more.
Result<int> launch_and_supervise(const plan::LaunchPlan& plan, const Command& command,
                                 bool by_default, Stopwatch& stopwatch,
                                 const supervise::Observer& observe);

}  // namespace sbx::cli
