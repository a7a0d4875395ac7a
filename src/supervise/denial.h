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

// "getpid"; "i386 call 20" for a foreign ABI; "call 470" for a number without a name.
std::string call_name(const seccomp::FilterSpec& spec, const seccomp_data& call);

// The call's arguments as its prototype has them; strings and addresses are copied, bounded, from
// the caller's memory. Without a caller (thread 0) pointers stay numbers.
std::string arguments_text(const seccomp::FilterSpec& spec, const seccomp_data& call, pid_t thread);

// What would allow the call, and why one should hesitate. Both may be empty.
struct Remedy {
  std::string text;
  std::string warning;
};
Remedy remedy_for(const seccomp::FilterSpec& spec, const seccomp_data& call,
                  const seccomp::Rule& rule);

// Everything but `answer`.
events::DeniedCall describe(const seccomp::FilterSpec& spec, const seccomp::Rule& rule,
                            const seccomp_notif& notification, const ProcessFacts& process);

}  // namespace sbx::supervise
