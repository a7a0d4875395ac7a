// SPDX-License-Identifier: Apache-2.0
// One run of a plan with a recorder beside it, in a process of its own: the supervisor confines itself
// and could neither write a policy afterwards nor launch a second run. What it saw comes back over a
// pipe. Ctrl-C reaches the command, ends the run, and loses nothing.
#pragma once

#include "base/result.h"
#include "cli/command.h"
#include "learn/observations.h"
#include "plan/launch_plan.h"

namespace sbx::cli {

struct WatchedRun {
  learn::Observations seen;
  int status = 0;             // as `sbx run` would have ended
  bool interrupted = false;   // by a signal to sbx, which was passed on
};

Result<WatchedRun> run_watched(const plan::LaunchPlan& plan, const Command& command);

}  // namespace sbx::cli
