// SPDX-License-Identifier: Apache-2.0
// The private directory of a launch without namespaces (plan.scratch). The supervisor's own filter lets
// it remove nothing (supervise/confine.cpp), and it may be killed: so a process forked off beforehand
// waits for its end, and removes the directory.
#pragma once

#include "base/result.h"
#include "plan/launch_plan.h"
#include "sys/unique_fd.h"

namespace sbx::launch {

class Scratch {
 public:
  // Makes the directory, before anything is confined. Nothing to do for a plan without one.
  static Result<Scratch> make(const plan::LaunchPlan& plan);

  Scratch(Scratch&&) = default;
  Scratch& operator=(Scratch&&) = delete;
  // Returns when the directory is gone.
  ~Scratch();

 private:
  Scratch() = default;

  sys::UniqueFd keeper_;  // pidfd
  sys::UniqueFd alive_;   // the only writing end of a pipe: closed, also by death, the keeper acts
};

}  // namespace sbx::launch
