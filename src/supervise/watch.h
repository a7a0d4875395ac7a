// SPDX-License-Identifier: Apache-2.0
// The looking of `sbx run --explain`: a watched call's path or address, copied once, is looked up
// as the caller would find it and as this user would find it on the host. All of it is for a
// message: the call runs whatever is seen, and the kernel reads its arguments again.
#pragma once

#include <linux/seccomp.h>

#include <optional>

#include "events/event.h"
#include "plan/launch_plan.h"
#include "plan/watch.h"
#include "supervise/denial_log.h"
#include "supervise/process_facts.h"

namespace sbx::supervise {

// Nothing for a call that does not fail because of the policy, as far as can be seen. The caller
// asks the listener afterwards whether the call still waits.
std::optional<plan::Refusal> find_refusal(const plan::LaunchPlan& plan,
                                          const seccomp_notif& notification);

// Equal for one call to one object.
DenialKey refusal_key(const plan::Refusal& refusal, const seccomp_data& call);

events::Denied describe(const plan::Refusal& refusal, const seccomp::FilterSpec& spec,
                        const seccomp_notif& notification, const ProcessFacts& process);

}  // namespace sbx::supervise
