// SPDX-License-Identifier: Apache-2.0
// Finds running sandboxes in procfs and reads them. Needs no privilege for one's own: an ordinary
// user owns the user namespaces that they made.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
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

// One process, whoever started it. Errors: there is none of that number.
Result<plan::LiveProcess> read_live_process(int pid);

// Links of /proc/PID/ns; empty where it may not be looked into. "self" is whoever asks.
std::map<std::string, std::string> namespaces_of_process(const std::string& pid);

// Whether `place` is the same directory for that process as for whoever asks. Nothing: it may not be
// looked into. A place that is missing there is another.
std::optional<bool> sees_same_directory(int pid, const std::string& place);

// Interfaces of its network beside the loopback; nothing: it may not be looked into.
std::optional<std::size_t> count_interfaces(int pid);

// Pids of everything whose line of parents leads to `ancestor`, which is not among them.
std::vector<int> descendants_of(int ancestor);

// Where that process stands, as it sees it itself; empty if it cannot be seen.
std::string directory_of(int pid);

}  // namespace sbx::host
