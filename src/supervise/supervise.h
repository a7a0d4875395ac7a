// SPDX-License-Identifier: Apache-2.0
// The supervisor after exec: one epoll loop over init's pidfd, a signalfd, the seccomp notify fd,
// init's status pipe, a timer and a terminal. Every byte that comes from the sandboxee is hostile:
// arguments are copied once, decisions are made on the copy.
#pragma once

#include <cstdint>
#include <functional>
#include <variant>
#include <vector>

#include "base/result.h"
#include "events/event.h"
#include "plan/launch_plan.h"
#include "supervise/publish.h"
#include "supervise/sandbox_cgroup.h"
#include "supervise/terminal_relay.h"
#include "sys/seccomp_notify.h"
#include "sys/unique_fd.h"

namespace sbx::supervise {

// Hears every call that comes to the supervisor, before it is answered, with the rule that decides
// it. It may look at the caller, which waits; nothing that it finds decides.
using Observer = std::function<void(const seccomp_notif& call, const seccomp::Rule& rule,
                                    const sys::SeccompListener& listener)>;

// A started launch, as launch/ hands it over.
struct Running {
  sys::UniqueFd init;  // pidfd of pid 1 inside
  // Pipe: init writes the sandboxee's wait status (int, waitpid(2)), then ends; where there is a
  // terminal also, before, each time that it has stopped.
  sys::UniqueFd status;
  sys::UniqueFd notify;  // seccomp listener
  // Sockets already bound outside, parallel to plan.publish (see publish.h).
  std::vector<PublishedSocket> published;
  TerminalRelay* terminal = nullptr;  // the sandbox's own terminal, if it has one
  std::vector<LimitWatch> limits;  // of the sandbox's cgroup
  Observer observe = {};           // sbx learn; none: nobody listens
};

struct Exited {
  int code = 0;
};
struct Killed {
  int signal = 0;
};
struct Violation {
  int signal = 0;
};  // killed because of a denied call
struct TimedOut {};
using Outcome = std::variant<Exited, Killed, Violation, TimedOut>;

// The exit status that DESIGN §4 gives an outcome.
int exit_code(const Outcome& outcome);

using EventSink = std::function<void(const events::Event&)>;
// Lets the command run, which waits until everything that could fail here has not.
using Release = std::function<Status(const Running&)>;

// Runs until everything inside is dead. Signals must be blocked already (they are, since before the
// clone). Errors are failures of the supervisor itself; the sandboxee is dead by then.
Result<Outcome> supervise(const plan::LaunchPlan& plan, Running running, const EventSink& sink,
                          const Release& release);

}  // namespace sbx::supervise
