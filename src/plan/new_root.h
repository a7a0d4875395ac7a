// SPDX-License-Identifier: Apache-2.0
// The new root while it is being decided: what lies where, before it becomes the list of MountOps.
// Private to the expanders of the file system.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "plan/host_facts.h"
#include "plan/mount_op.h"
#include "policy/policy.h"

namespace sbx::plan {

// What will lie at one place.
struct Item {
  MountOp op;
  bool is_directory = true;   // what it is mounted upon
  int layer = 0;              // a later layer's wish replaces an earlier one's
  bool may_execute = false;   // named by filesystem.exec
};

using Items = std::map<std::string, Item>;  // by destination: "/usr" sorts before "/usr/lib"

// The item that decides about what lies above `place`, or null; shown_at: at it or above it.
const Item* nearest_above(const Items& items, const std::string& place);
const Item* shown_at(const Items& items, const std::string& place);

// filesystem.exec: nothing but what it names, and what starts that, may be executed.
Status limit_execution(const policy::Policy& policy, const HostFacts& facts, const Probes& probes,
                       Items& items);

// W^X between two grants of one tree: what can be written by one name is noexec by the other.
void close_aliases(Items& items);

}  // namespace sbx::plan
