// SPDX-License-Identifier: Apache-2.0
// A sandbox for the supervisor's tests without the launcher: own user, pid and network namespace,
// an init, one process that installs a filter and runs a function. No mounts, no confinement: what
// is tested is the other side.
#pragma once

#include <array>
#include <functional>
#include <initializer_list>
#include <vector>

#include "supervise/supervise.h"

namespace sbx::live {

// Memory that the sandboxed function shares with the test.
struct Shared {
  std::array<int, 64> numbers;
  std::array<char, 256> text;
};

struct Run {
  Result<supervise::Outcome> outcome = Error{};
  std::vector<events::Event> events;
};

// A plan whose filter asks about these calls, each with one unconditional rule, and nothing else.
plan::LaunchPlan plan_asking(std::initializer_list<int> numbers, seccomp::Mediation mediation);
void add_call(plan::LaunchPlan& plan, int number, seccomp::Mediation mediation);

Shared& shared();

struct Options {
  std::vector<supervise::PublishedSocket> published;
  std::function<void(const events::Event&, int init_pidfd)> on_event;
  std::function<void()> outside;  // runs in a process of its own, outside, meanwhile
};

// Starts `inside` under the plan and supervises it to its end. Signals are blocked meanwhile.
Run run(const plan::LaunchPlan& plan, const std::function<int()>& inside, Options options = {});

}  // namespace sbx::live
