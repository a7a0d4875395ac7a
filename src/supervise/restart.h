// SPDX-License-Identifier: Apache-2.0
// sbx run --restart on-crash: starts the command again after a crash. A supervisor that has confined
// itself can start nothing (confine.cpp), so each start has a supervisor of its own, a child of this
// process, which reads nothing of the sandboxee's but how it ended.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "base/result.h"
#include "supervise/backoff.h"
#include "supervise/supervise.h"

namespace sbx::supervise {

// Ended by a defect: a signal that says so, SIGKILL that was not asked for (want of memory), or a
// kill for a denied call. Not an exit status, whatever it is, nor the time limit, nor another signal,
// which somebody has sent.
bool is_crash(const Outcome& outcome);

struct Restarts {
  // One start, in the child, whose exit status the result becomes; `left` is what is left of the time
  // limit. It calls `tell` with the outcome; one that tells none has failed and is not repeated.
  std::function<Result<int>(std::optional<std::uint64_t> left,
                            const std::function<void(const Outcome&)>& tell)>
      start;
  // Before each pause, in this process.
  std::function<void(const Pause&)> tell_pause;
  // The time limit, of all starts and pauses together; 124 is returned when it ends in a pause.
  std::optional<std::uint64_t> limit_seconds;
};

// The exit status: in the child that of the start, here that of the last one. A signal that ends the
// command ends this too, also in a pause: then 128 and its number.
Result<int> run_with_restarts(const Restarts& restarts);

// Once more after the ids have changed, which the kernel takes as a reason to forget it
// (PR_SET_PDEATHSIG): the child ends when its parent has.
Status end_with_parent();

}  // namespace sbx::supervise
