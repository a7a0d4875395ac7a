// SPDX-License-Identifier: Apache-2.0
// The mounts once more, as Landlock rules: an independent second layer from the same list.
#include <algorithm>

#include "plan/expand.h"
#include "plan/view.h"

namespace sbx::plan {
namespace {

LandlockRule rule_for(const MountOp& op) {
  LandlockRule rule;
  rule.path = destination_of(op);
  if (const auto* bind = std::get_if<Bind>(&op.what); bind != nullptr && !bind->device) {
    rule.execute = !bind->no_exec;
    rule.write = !bind->read_only;
  } else if (const auto* tmpfs = std::get_if<Tmpfs>(&op.what)) {
    rule.write = !tmpfs->read_only;
  } else if (const auto* proc = std::get_if<Proc>(&op.what)) {
    rule.write = !proc->read_only;
  }
  return rule;
}

}  // namespace

Result<Landlock> expand_landlock(const std::vector<MountOp>& mounts, const Request& request,
                                 const HostFacts& facts) {
  Landlock landlock;
  landlock.abi = facts.landlock_abi;
  if (landlock.abi == 0) {
    const auto& allowed = request.allow_degraded;
    if (std::find(allowed.begin(), allowed.end(), "landlock") == allowed.end()) {
      return Error{"this kernel has no Landlock, the second layer over the mounts", 0, {},
                   "enable it at boot (lsm=landlock,…), or run without: --allow-degraded landlock"};
    }
    return landlock;
  }
  // One rule for all of /dev: null, zero, the terminals and shared memory.
  landlock.rules.push_back({"/dev", false, true, true});
  for (const MountOp& op : mounts) {
    LandlockRule rule = rule_for(op);
    if ((rule.execute || rule.write) && !rule.path.starts_with("/dev/shm")) {
      landlock.rules.push_back(std::move(rule));
    }
  }
  return landlock;
}

}  // namespace sbx::plan
