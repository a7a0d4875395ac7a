// SPDX-License-Identifier: Apache-2.0
// One run of a plan with a recorder beside it, in a process of its own: the supervisor confines itself
// and could neither write a policy afterwards nor launch a second run. What it saw comes back over a
// pipe. Ctrl-C reaches the command, ends the run, and loses nothing.
#pragma once

#include <memory>

#include "base/result.h"
#include "cli/command.h"
#include "learn/ebpf_watch.h"
#include "learn/observations.h"
#include "plan/launch_plan.h"

namespace sbx::cli {

struct WatchedRun {
  learn::Observations seen;
  int status = 0;             // as `sbx run` would have ended
  bool interrupted = false;   // by a signal to sbx, which was passed on
};

// `kernel`: the eBPF engine, which has not started yet; null: the supervisor sees all there is.
Result<WatchedRun> run_watched(const plan::LaunchPlan& plan, const Command& command,
                               std::unique_ptr<learn::EbpfWatch> kernel = nullptr);

}  // namespace sbx::cli
