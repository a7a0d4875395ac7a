// SPDX-License-Identifier: Apache-2.0
// The order of operations as a value. sequence.cpp holds the two tables and the reasons; the same
// tables drive execution, --dry-run, --trace-launch and the texts of errors.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "plan/launch_plan.h"

namespace sbx::launch {

struct PreparedLaunch;

// In order of execution. The values travel in a ChildReport.
enum class Step : std::int32_t {
  DieWithSupervisor,
  AdoptOrphans,
  MapIds,
  JoinCgroup,
  OwnSession,
  OwnClocks,
  LoopbackUp,
  MountsPrivate,
  BuildRoot,
  PivotRoot,
  SetHostname,
  ForbidNamespaces,
  OpenLowPorts,
  SealRoot,
  DropCapabilities,
  SetNoNewPrivs,
  OpenTerminal,
  ForkSandboxee,
  // from here on in the sandboxee
  DieWithInit,
  OwnProcessGroup,
  TakeForeground,
  SetLimits,
  ChangeDirectory,
  CloseDescriptors,
  RefuseExecGain,
  RestrictPaths,
  ResetSignals,
  InstallFilter,
  AwaitSupervisor,
  Execute,
};
inline constexpr std::size_t kStepCount = static_cast<std::size_t>(Step::Execute) + 1;

// How a step ended: an errno (0: well), and which item of the plan it was at (an index into
// plan.mounts for BuildRoot, into plan.limits for SetLimits, into
// plan.landlock.rules for RestrictPaths; else 0).
struct StepResult {
  int errno_value = 0;
  std::int32_t item = 0;
};

// What the steps of one launch hand on to the next. Lives on init's stack; the sandboxee shares
// init's memory until exec, so init sees how its steps went without a system call, which the
// filter might refuse.
struct ChildState {
  int root = -1;               // the new root's mount
  int proc = -1;               // the new procfs's mount, writable until SealRoot
  int terminal = -1;           // init's descriptor of the sandbox's own terminal
  bool proc_goes = false;      // the uppermost mount at /proc is for the launch alone
  int listener = -1;           // the seccomp listener, in the descriptor table shared with init
  int sandboxee = -1;          // pid, in init's namespace
  Step failed_step = Step::Execute;
  StepResult failure{};        // of the sandboxee
};

struct ChildStep {
  Step step;
  std::string_view name;       // completes "cannot …"
  StepResult (*run)(const PreparedLaunch&, ChildState&) noexcept;
};

// The tables for this plan: with namespaces, or without (--allow-degraded userns).
std::span<const ChildStep> init_sequence(const plan::LaunchPlan& plan);
std::span<const ChildStep> sandboxee_sequence(const plan::LaunchPlan& plan);
std::string_view name_of(Step step);

// Runs the steps of one table; on failure stops there, and the step is stored in *failed.
StepResult run_steps(std::span<const ChildStep> steps, const PreparedLaunch& prepared,
                     ChildState& state, Step* failed) noexcept;

}  // namespace sbx::launch
