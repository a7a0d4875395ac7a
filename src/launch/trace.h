// SPDX-License-Identifier: Apache-2.0
// Time stamps of the steps, in memory shared with the supervisor; for --trace-launch only. Taking
// one is a vDSO read: no system call, nothing the filter could refuse.
#pragma once

#include <array>
#include <cstdint>

#include "launch/sequence.h"

namespace sbx::launch {

struct Trace {
  std::uint64_t before_clone = 0;              // CLOCK_MONOTONIC, nanoseconds
  std::uint64_t in_init = 0;                   // init's first instruction
  std::array<std::uint64_t, kStepCount> end{}; // of each step; Execute: stamped by init after exec
  std::uint64_t started = 0;                   // the supervisor has the listener
};

std::uint64_t monotonic_nanoseconds();

inline void mark(Trace* trace, Step step) {
  if (trace != nullptr) {
    trace->end[static_cast<std::size_t>(step)] = monotonic_nanoseconds();
  }
}

}  // namespace sbx::launch
