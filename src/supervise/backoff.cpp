// SPDX-License-Identifier: Apache-2.0
#include "supervise/backoff.h"

#include <algorithm>

namespace sbx::supervise {

Pause Backoff::next(std::chrono::milliseconds lasted) {
  if (lasted >= kStableTime) {
    crashes_ = 0;
    pause_ = {};
  }
  ++crashes_;
  pause_ = pause_.count() == 0 ? kFirstPause : std::min(2 * pause_, kLongestPause);
  return {pause_, crashes_, crashes_ == kStormCrashes};
}

}  // namespace sbx::supervise
