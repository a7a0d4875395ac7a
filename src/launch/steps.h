// SPDX-License-Identifier: Apache-2.0
// The child's steps. Each only makes system calls: no allocation, no formatting, no lookup; what a
// step needs, prepare has put into the PreparedLaunch. A step that the plan does not ask for says so
// in its first line. Defined in identity_steps, mount_steps, confine_steps, terminal_steps and
// process_steps.
#pragma once

#include "launch/sequence.h"

namespace sbx::launch {

StepResult die_with_supervisor(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult adopt_orphans(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult map_ids(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult own_clocks(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult join_cgroup(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult loopback_up(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult mounts_private(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult build_root(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult pivot_root(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult set_hostname(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult forbid_namespaces(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult open_low_ports(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult seal_root(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult drop_capabilities(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult drop_own_capabilities(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult set_no_new_privs(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult open_terminal(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult fork_sandboxee(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult die_with_init(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult own_process_group(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult take_foreground(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult own_session(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult set_limits(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult change_directory(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult close_descriptors(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult refuse_exec_gain(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult restrict_paths(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult reset_signals(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult install_filter(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult await_supervisor(const PreparedLaunch& prepared, ChildState& state) noexcept;
StepResult execute(const PreparedLaunch& prepared, ChildState& state) noexcept;

// A wrapper of sys/ answers 0 or a negative errno.
inline StepResult result_of(int answer) { return {answer < 0 ? -answer : 0, 0}; }

}  // namespace sbx::launch
