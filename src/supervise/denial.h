// SPDX-License-Identifier: Apache-2.0
// A notified call in words: who called what from where, which rule refused it, what would allow it.
// Nothing here decides.
#pragma once

#include <linux/seccomp.h>

#include <string>

#include "events/event.h"
#include "seccomp/filter_spec.h"
#include "supervise/process_facts.h"

namespace sbx::supervise {

// The call's arguments as its prototype has them; strings and addresses are copied, bounded, from
// the caller's memory. Without a caller (thread 0) pointers stay numbers.
std::string arguments_text(const seccomp::FilterSpec& spec, const seccomp_data& call, pid_t thread);

events::Actor actor_of(pid_t thread, const ProcessFacts& process);

// Everything but `answer` and what the log adds: id, count, times.
events::Denied describe(const seccomp::FilterSpec& spec, const seccomp::Rule& rule,
                            const seccomp_notif& notification, const ProcessFacts& process);

}  // namespace sbx::supervise
