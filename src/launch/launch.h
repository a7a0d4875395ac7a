// SPDX-License-Identifier: Apache-2.0
// The launch as its callers see it: prepare (every open, every allocation), then start (clone, the
// child's steps, exec). The order of operations is in launch/sequence.cpp: read that first.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "launch/scratch.h"
#include "plan/launch_plan.h"
#include "sys/terminal.h"
#include "sys/unique_fd.h"

namespace sbx::launch {

struct PreparedLaunch;  // launch/prepared.h
struct PreparedLaunchDeleter {
  void operator()(PreparedLaunch* prepared) const;
};
using PreparedLaunchPtr = std::unique_ptr<PreparedLaunch, PreparedLaunchDeleter>;

// One step of the sequence, as --trace-launch prints it.
struct StepTiming {
  std::string_view process;   // "supervisor", "init", "sandboxee"
  std::string_view step;      // "pivot into the new root"
  double microseconds = 0;
};

struct StartOptions {
  bool trace = false;         // let release tell the timings
  int cgroup_processes = -1;  // cgroup.procs of the sandbox's group, open for writing; -1: none
  // Called once the sandbox's processes are cloned, and before any of them may run the command: the
  // supervisor's own confinement, which they must not inherit. An Error ends the launch.
  std::function<Status()> after_clone;
};

// What a started launch leaves in the supervisor's hands. The command waits to be released.
struct Started {
  sys::UniqueFd init;         // pidfd of pid 1 inside
  // init writes the sandboxee's wait status (int, as waitpid(2)), then ends; where there is a terminal
  // also, before, each time that it has stopped
  sys::UniqueFd status;
  sys::UniqueFd notify;       // the seccomp listener
  sys::UniqueFd terminal;     // the master of the sandbox's own terminal, if it has one
};

// How the sandbox's own terminal begins, where the plan has one.
struct TerminalStart {
  sys::TerminalState state;
  bool in_foreground = true;  // the command; else it is stopped when it reads or sets the terminal
};

// The plan must outlive the PreparedLaunch. Single-threaded callers only: a lock held by another
// thread would be held for ever in the clone.
Result<PreparedLaunchPtr> prepare(const plan::LaunchPlan& plan, const TerminalStart& terminal);

// Blocks all signals (the supervisor takes them by signalfd), leaves root where the plan says so,
// clones, and takes the listener. An Error means that the command has not run and that nothing is left
// behind.
Result<Started> start(PreparedLaunch& prepared, const StartOptions& options);

// Lets the command run, and returns when it has been exec'ed: the timings, if start was to trace them.
// The descriptors are those of Started. An Error leaves the sandbox to be killed.
Result<std::vector<StepTiming>> release(const PreparedLaunch& prepared, int init, int status, int listener);

// What the attempts of a plan's self-test came to, once everything inside has ended.
std::vector<std::int64_t> self_test_answers(const PreparedLaunch& prepared);

}  // namespace sbx::launch
