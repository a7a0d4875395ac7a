// SPDX-License-Identifier: Apache-2.0
// W^X for descriptors that the caller hands on: 0, 1, 2 and those of --keep-fd. A file of the host's
// that a shell opened ("> out") lies on a mount from which it can be mapped executable, unlike all
// that is writable inside. Private to launch/.
#pragma once

#include "launch/prepared.h"

namespace sbx::launch {

// A regular file that may be written, on a mount that is not noexec. Only system calls.
bool is_written_file(int descriptor);

// Calls `function` with each descriptor that is handed on until it answers other than 0.
template <typename Function>
int for_each_handed_on(const plan::LaunchPlan& plan, Function function) {
  constexpr int kStandard = 3;
  int answer = 0;
  for (int descriptor = 0; descriptor < kStandard && answer == 0; ++descriptor) {
    answer = function(descriptor);
  }
  for (std::size_t i = 0; i < plan.keep_fds.size() && answer == 0; ++i) {
    answer = function(plan.keep_fds[i]);
  }
  return answer;
}

// In the parent: a file that is open for reading and writing becomes one for reading (0) or for
// writing (1, 2), at the same position. A file to read that can be written inside by its name is
// noted in `prepared`, to be opened again there. Errors: one file handed on for both.
Status narrow_handed_on(const plan::LaunchPlan& plan, PreparedLaunch& prepared);

// In the child, once the new root stands: opens again what was noted, by its name inside and so on a
// noexec mount. 0 or a negative errno, and which.
int reopen_inside(const PreparedLaunch& prepared, int root, std::size_t* failed);

}  // namespace sbx::launch
