// SPDX-License-Identifier: Apache-2.0
// The plan's cgroup, made before the clone and taken down after the end: cgroups(7), version 2.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "plan/launch_plan.h"
#include "supervise/errand.h"
#include "sys/unique_fd.h"

namespace sbx::supervise {

// A counter of the group that says how often a limit was hit. Its file becomes ready for EPOLLPRI
// when the kernel counts.
class LimitWatch {
 public:
  LimitWatch(sys::UniqueFd file, std::string counter, plan::CgroupSetting setting);

  int descriptor() const { return file_.get(); }
  const Origin& origin() const { return setting_.origin; }

  // Whether it counts processes that the kernel has killed for want of memory.
  bool counts_kills() const { return counter_ == "oom_kill"; }

  // What has happened since the last look, for people; nothing if nothing has.
  std::optional<std::string> look();

 private:
  sys::UniqueFd file_;
  std::string counter_;  // "oom_kill" of memory.events, "max" of pids.events
  plan::CgroupSetting setting_;
  std::uint64_t counted_ = 0;
  bool told_ = false;
};

class SandboxCgroup {
 public:
  // Nothing to do for a plan without one. What is set is read back. Groups that a killed sbx has
  // left beside it are removed.
  static Result<SandboxCgroup> make(const plan::LaunchPlan& plan);

  // Open for writing "0" to it: who does is in the group. -1: there is none.
  int processes() const { return processes_.get(); }

  std::vector<LimitWatch> take_watches() { return std::move(watches_); }

 private:
  Errand removal_;
  sys::UniqueFd processes_;
  std::vector<LimitWatch> watches_;
};

}  // namespace sbx::supervise
