// SPDX-License-Identifier: Apache-2.0
#include "plan/access.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/path.h"
#include "plan/view.h"

namespace sbx::plan {
namespace {

using Kind = Access::Kind;

constexpr int kMaxLinks = 40;  // as the kernel (path_resolution(7))

bool landlock_allows(const Landlock& landlock, const std::string& place,
                     bool LandlockRule::*right) {
  return landlock.abi == 0 || !landlock.paths ||
         std::any_of(landlock.rules.begin(), landlock.rules.end(), [&](const LandlockRule& rule) {
           return rule.*right && path::is_below(place, rule.path);
         });
}

// By the mount alone. `rest` is what of the path lies below the mount.
Access mounted(const MountOp& op, const std::string& rest) {
  Access access;
  access.op = &op;
  if (const auto* bind = std::get_if<Bind>(&op.what)) {
    const bool is_cover = bind->source == "/dev/null" && bind->destination != "/dev/null";
    access.kind = is_cover ? Kind::Hidden : Kind::Host;
    access.host_path = path::normalise(bind->source + rest);
    access.write = access.writes_reach_host = !bind->read_only && !is_cover;
    access.execute = !bind->no_exec;
  } else if (const auto* tmpfs = std::get_if<Tmpfs>(&op.what)) {
    const bool is_cover = tmpfs->read_only || tmpfs->mode == 0;
    access.kind = is_cover ? Kind::Hidden : rest.empty() ? Kind::Scratch : Kind::Nothing;
    access.write = !is_cover;
  } else if (const auto* overlay = std::get_if<OverlayMount>(&op.what)) {
    access.kind = Kind::Host;
    access.host_path = path::normalise(overlay->source + rest);
    access.write = true;
  } else if (const auto* proc = std::get_if<Proc>(&op.what);
             proc != nullptr && proc->show != Proc::Show::Nothing) {
    access.kind = Kind::System;
    access.write = !proc->read_only;
  } else if (std::holds_alternative<Devpts>(op.what)) {
    access.kind = Kind::System;
    access.write = true;
  } else {
    access.kind = rest.empty() ? Kind::Own : Kind::Nothing;
    access.op = rest.empty() ? &op : nullptr;  // a directory on the way to something else
  }
  return access;
}

}  // namespace

Access access_at(const LaunchPlan& plan, const std::string& inside) {
  std::string at = inside;
  for (int links = 0; links < kMaxLinks; ++links) {
    const MountOp* op = deciding(plan.mounts, at);
    if (op == nullptr) {
      Access root;
      root.kind = at == "/" ? Kind::Own : Kind::Nothing;
      return root;
    }
    const std::string& destination = destination_of(*op);
    const std::string rest = at.substr(destination == "/" ? 0 : destination.size());
    if (const auto* link = std::get_if<MakeSymlink>(&op->what)) {
      at = path::normalise(link->target + rest, path::parent(destination));
      continue;
    }
    Access access = mounted(*op, rest);
    const bool write = access.write && landlock_allows(plan.landlock, at, &LandlockRule::write);
    const bool execute =
        access.execute && landlock_allows(plan.landlock, at, &LandlockRule::execute);
    access.landlock_decides = write != access.write || execute != access.execute;
    access.write = write;
    access.execute = execute;
    return access;
  }
  return {};
}

std::string to_text(const Access& access, const std::string& inside) {
  const std::string_view writing = !access.write ? "read-only"
                                   : access.kind == Kind::Host && !access.writes_reach_host
                                       ? "changes stay in memory"
                                       : "writable";
  switch (access.kind) {
    case Kind::Nothing:
      return access.write ? "not there, but can be made, in memory" : "not there";
    case Kind::Hidden:
      return "hidden: something empty covers it";
    case Kind::Own:
      return "an empty place that sbx makes, read-only";
    case Kind::Scratch:
      return "in memory, writable, gone afterwards";
    case Kind::System:
      return fmt::format("the sandbox's own, {}", writing);
    case Kind::Host:
      return fmt::format(
          "{}, {}{}", access.host_path == inside ? "the host's" : "the host's " + access.host_path,
          writing, access.execute ? "" : ", nothing runs from it");
  }
  return "";
}

}  // namespace sbx::plan
