// SPDX-License-Identifier: Apache-2.0
// sbx learn --pid, --unit: what runs already, on the host and unconfined, watched for a while by
// the eBPF engine. It is neither stopped nor changed, and notices nothing but the time.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/command.h"
#include "learn/observations.h"
#include "seccomp/filter_spec.h"

namespace sbx::cli {

struct RunningProgram {
  std::string what;                  // "process 4711", "unit nginx.service"
  std::vector<pid_t> processes;      // of a unit those that are in it now, the oldest first
  std::string cgroup;                // the unit's directory; empty: a process
  std::vector<std::string> command;  // the first one's, by its executable
  std::string program, cwd;          // absolute, as it sees them itself
};

// Errors: no such process or unit, a kernel thread, one of another user without privilege.
Result<RunningProgram> find_running(const Command& command);

// Until --for is over, a signal comes, or nothing of it is left.
Result<learn::Observations> watch_running(const RunningProgram& running, const Command& command,
                                          seccomp::Arch arch);

}  // namespace sbx::cli
