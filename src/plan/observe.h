// SPDX-License-Identifier: Apache-2.0
// A plan whose run is watched, for sbx learn: calls go to the supervisor, which records them and
// lets them run as they are. Nothing else of the plan changes: namespaces, W^X, capabilities, mounts
// and limits stay the policy's, and so do refusals that the policy or sbx states. Only a call that no
// rule names runs although the policy lacks it; but never a dangerous one (seccomp/dangerous_calls.h).
//
// Nothing is decided on what is recorded, so that a program which changes its arguments while they
// are read gains nothing: it spoils its own policy, which is then proven without any of this.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "plan/host_facts.h"
#include "plan/launch_plan.h"
#include "policy/policy.h"

namespace sbx::plan {

enum class Watching : std::uint8_t {
  Notable,  // not what every learned policy grants anyway (seccomp/everyday.h): those keep their speed
  Exact,    // every call
};

// To lie below all other layers of the policy whose plan is observed: with it every call has its rules,
// sbx's own among them (W^X, namespaces, the terminal), also those that the policy itself lacks.
policy::PolicyLayer unnamed_calls();

// Who hears of the calls that run as the policy grants them.
enum class Granted : std::uint8_t {
  ToSupervisor,
  Elsewhere,  // the kernel counts them (learn/ebpf_watch.h): they keep their speed
};

// Error: a filter that is too large.
Status observe(LaunchPlan& plan, Watching watching, Granted granted = Granted::ToSupervisor);

// What is granted writable becomes an overlay where it is a directory, so that a second run of the
// same command changes nothing. False if a file is left that can be written.
bool keep_changes_in_memory(LaunchPlan& plan, const PathProbe& probe);

}  // namespace sbx::plan
