// SPDX-License-Identifier: Apache-2.0
// How long to wait before a command that has crashed is started again. Pure: times are CLOCK_MONOTONIC's
// differences.
#pragma once

#include <chrono>
#include <cstdint>

namespace sbx::supervise {

inline constexpr std::chrono::milliseconds kFirstPause{100};
inline constexpr std::chrono::milliseconds kLongestPause{60'000};
// A command that has run so long before it crashed is as good as new.
inline constexpr std::chrono::milliseconds kStableTime{10'000};
// So many crashes in a row, none of them after a stable time, are told as a restart storm, once.
inline constexpr std::uint64_t kStormCrashes = 5;

struct Pause {
  std::chrono::milliseconds time{0};
  std::uint64_t crashes = 0;  // in a row
  bool is_storm = false;      // the first of the storm
};

class Backoff {
 public:
  // After a crash of a command that has run for `lasted`. Each pause is twice the one before.
  Pause next(std::chrono::milliseconds lasted);

 private:
  std::uint64_t crashes_ = 0;
  std::chrono::milliseconds pause_{0};
};

}  // namespace sbx::supervise
