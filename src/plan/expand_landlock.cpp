// SPDX-License-Identifier: Apache-2.0
// The mounts once more, as Landlock rules: an independent second layer from the same list.
#include <fmt/format.h>
#include <linux/sched.h>

#include <algorithm>

#include "base/path.h"
#include "plan/expand.h"
#include "plan/view.h"

namespace sbx::plan {
namespace {

LandlockRule rule_for(const MountOp& op) {
  LandlockRule rule;
  rule.path = destination_of(op);
  if (const auto* bind = std::get_if<Bind>(&op.what); bind != nullptr && !bind->device) {
    rule.execute = !bind->no_exec && !bind->libraries_only;
    rule.write = !bind->read_only;
    rule.read = true;
  } else if (const auto* tmpfs = std::get_if<Tmpfs>(&op.what)) {
    rule.read = rule.write = !tmpfs->read_only;
  } else if (std::holds_alternative<OverlayMount>(op.what)) {
    rule.read = rule.write = true;
  } else if (const auto* proc = std::get_if<Proc>(&op.what)) {
    rule.read = proc->show != Proc::Show::Nothing;
    rule.write = rule.read && !proc->read_only;
  } else if (const auto* file = std::get_if<MakeFile>(&op.what)) {
    rule.read = !file->contents.empty();
  }
  return rule;
}

Status check_abi(const policy::Policy& policy, const HostFacts& facts) {
  if (facts.landlock_abi == 0) {
    return Error{"this kernel has no Landlock, the second layer over the mounts", 0,
                 policy.landlock_abi.origin,
                 "enable it at boot (lsm=landlock,…), or run without: --allow-degraded landlock"};
  }
  const auto needed = policy.landlock_abi.value;
  if (static_cast<std::uint64_t>(facts.landlock_abi) < needed) {
    return Error{fmt::format("this kernel's Landlock has ABI {}, and the policy requires {}",
                             facts.landlock_abi, needed),
                 0, policy.landlock_abi.origin,
                 "boot a newer kernel, or run with less: --allow-degraded landlock"};
  }
  return {};
}

}  // namespace

Result<Landlock> expand_landlock(const std::vector<MountOp>& mounts, const Namespaces& namespaces,
                                 const policy::Policy& policy, const Request& request,
                                 const HostFacts& facts) {
  Landlock landlock;
  landlock.abi = facts.landlock_abi;
  const auto& allowed = request.allow_degraded;
  if (std::find(allowed.begin(), allowed.end(), "landlock") == allowed.end()) {
    SBX_TRY(check_abi(policy, facts));
  }
  if (landlock.abi == 0) {
    return landlock;
  }
  // mount(2) is refused to everybody under a ruleset that handles paths (landlock(7), "Filesystem
  // topology modification"). Scopes stay.
  if ((namespaces.nested & CLONE_NEWNS) != 0) {
    landlock.paths = false;
    return landlock;
  }
  landlock.reads = policy.landlock_reads.value == "rules";
  landlock.no_reading_back = policy.wx.value == "deny";
  if (policy.network_mode.value == "none") {
    landlock.tcp_bind.emplace();
    landlock.tcp_connect.emplace();
  }
  // One rule for all of /dev: null, zero, the terminals and shared memory.
  landlock.rules.push_back({"/dev", false, true, true, true});
  for (const MountOp& op : mounts) {
    LandlockRule rule = rule_for(op);
    const bool counts = rule.execute || rule.write || (landlock.reads && rule.read);
    if (counts && !path::is_below(rule.path, "/dev")) {
      landlock.rules.push_back(std::move(rule));
    }
  }
  return landlock;
}

}  // namespace sbx::plan
