// SPDX-License-Identifier: Apache-2.0
// Finds running sandboxes in procfs and reads them. Needs no privilege for one's own: an ordinary
// user owns the user namespaces that they made.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "plan/live_sandbox.h"

namespace sbx::host {

// A running sandbox: its supervisor's and its init's pids, and how it was called.
struct RunningSandbox {
  int supervisor = 0;
  int init = 0;
  std::vector<std::string> arguments;  // of the supervisor, argv[0] first
};

// All that this user can see, by the supervisor's pid.
std::vector<RunningSandbox> running_sandboxes();

// Errors: it has ended meanwhile; it belongs to another user.
Result<plan::LiveSandbox> read_live_sandbox(const RunningSandbox& sandbox);

// Pids of everything whose line of parents leads to `ancestor`, which is not among them.
std::vector<int> descendants_of(int ancestor);

// Where that process stands, as it sees it itself; empty if it cannot be seen.
std::string directory_of(int pid);

}  // namespace sbx::host
