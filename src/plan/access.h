// SPDX-License-Identifier: Apache-2.0
// What the sandboxee may do at a path inside: what is mounted there, and Landlock over it. The
// host's own permissions of a file come on top, and are not asked here.
#pragma once

#include <string>

#include "plan/launch_plan.h"

namespace sbx::plan {

struct Access {
  enum class Kind : std::uint8_t {
    Nothing,  // not there; with `write`: can be made
    Hidden,   // something empty covers it
    Own,      // a directory or file that the plan makes, read-only
    Scratch,  // in memory, empty at first, gone afterwards
    System,   // procfs or devpts of its own
    Host,     // the host's file `host_path`
  };
  Kind kind = Kind::Nothing;
  std::string host_path;
  bool write = false;
  bool execute = false;
  bool writes_reach_host = false;
  bool landlock_decides = false;  // the mount would let it write or execute
  const MountOp* op = nullptr;    // the mount that decides; null: none reaches so far down
};

// `inside` as walked: the plan's own symbolic links are followed, the host's are not.
Access access_at(const LaunchPlan& plan, const std::string& inside);

// "/srv/www of the host, read-only"; `inside` is not repeated.
std::string to_text(const Access& access, const std::string& inside);

}  // namespace sbx::plan
