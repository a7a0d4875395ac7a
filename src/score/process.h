// SPDX-License-Identifier: Apache-2.0
// A process that runs, whoever started it, weighed by what procfs shows of it (proc(5)). Much of a
// confinement shows nowhere: what a seccomp filter says, cgroup BPF, PR_SET_MDWE, Landlock. Such items
// are Unseen, and say so; they count as open.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "plan/live_sandbox.h"
#include "score/items.h"

namespace sbx::score {

struct Look {
  plan::LiveProcess process;
  std::map<std::string, std::string> host;  // namespaces of the host: of pid 1 if it may be looked into, else the looker's
  std::string whose;                        // "pid 1's", "yours"
  // Whether a place is the same directory there as here: "/", "/tmp", "/home", "/root", "/dev";
  // nothing where it could not be looked at.
  std::map<std::string, bool> same;
  std::optional<bool> only_loopback;        // its network has no other interface; nothing: not seen
};

Facts facts_of_process(const Look& look);

}  // namespace sbx::score
