// SPDX-License-Identifier: Apache-2.0
// Everything the child needs, made by the supervisor before the clone: NUL-terminated arrays,
// texts, open pipes. Read-only in the child. Private to launch/.
#pragma once

#include <csignal>
#include <string>
#include <vector>

#include "launch/launch.h"
#include "launch/trace.h"
#include "plan/launch_plan.h"
#include "sys/unique_fd.h"

namespace sbx::launch {

// mount(8)-style option values of a tmpfs, as fsconfig(2) wants them.
struct TmpfsOptions {
  std::string mode;   // "0755"
  std::string size;   // "33554432"; empty: the kernel's default
};

// A descriptor whose file is opened again by its name inside.
struct Reopen {
  int descriptor = -1;
  std::string inside;
};

struct PreparedLaunch {
  PreparedLaunch(const plan::LaunchPlan& the_plan, const TerminalStart& the_terminal)
      : plan(the_plan), terminal(the_terminal) {}

  const plan::LaunchPlan& plan;
  const TerminalStart terminal;

  std::string uid_map, gid_map;             // "0 1000 1\n"
  std::string time_offsets;                 // for /proc/self/timens_offsets; empty: the host's clocks
  std::vector<TmpfsOptions> tmpfs;          // parallel to plan.mounts
  std::vector<Reopen> reopen;               // launch/handed_on.h
  std::vector<char*> argv, environment;     // into plan's strings, null-terminated
  sock_fprog filter{};                      // into plan.filter_program
  sigset_t signals_outside{};               // the mask sbx was started with: the sandboxee gets it back

  seccomp::FilterProgram init_filter;       // of init itself, once the command runs
  int supervisor = 0;                       // pid, as init sees it where both are in one pid namespace

  sys::UniqueFd status_read, status_write;  // init → supervisor: ChildReports, then the wait status

  std::vector<std::byte> stack;             // the sandboxee's until exec
  int cgroup_processes = -1;                // StartOptions::cgroup_processes
  std::int64_t* self_test = nullptr;        // shared with the supervisor: an answer to each attempt
  Trace* trace = nullptr;                   // shared mapping; null: not asked for
};

inline constexpr std::size_t kSandboxeeStack = 64 * 1024;

// init, after the namespaces are made: the steps, then reaping. Never returns.
[[noreturn]] void run_init(PreparedLaunch& prepared) noexcept;

// The sandboxee's side of fork_sandboxee: its steps up to exec. Ends the process on failure.
struct SandboxeeStart {
  const PreparedLaunch* prepared;
  ChildState* state;
};
int run_sandboxee(void* sandboxee_start);

}  // namespace sbx::launch
