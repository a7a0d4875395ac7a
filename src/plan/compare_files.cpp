// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "base/path.h"
#include "plan/access.h"
#include "plan/compare.h"
#include "plan/view.h"

namespace sbx::plan {
namespace {

using Kind = Access::Kind;

int read_level(const Access& access) {
  switch (access.kind) {
    case Kind::Nothing:
      return access.write ? 1 : 0;  // can be made
    case Kind::Hidden:
    case Kind::Own:  // nothing is in it
      return 0;
    case Kind::Scratch:
      return 1;
    case Kind::System:
    case Kind::Host:
      return 2;
  }
  return 0;
}

int write_level(const Access& access) {
  return !access.write ? 0 : access.kind == Kind::Host && access.writes_reach_host ? 2 : 1;
}

// Empty directories are made on the way to something; only one at the end of its way was asked for.
bool is_asked_for(const Access& access, const LaunchPlan& plan, const std::string& place) {
  return access.kind == Kind::Own && access.op != nullptr &&
         std::none_of(plan.mounts.begin(), plan.mounts.end(), [&](const MountOp& op) {
           return destination_of(op) != place && path::is_below(destination_of(op), place);
         });
}

Origin origin_of(const Access& access) {
  return access.op == nullptr ? Origin{} : access.op->origin;
}

}  // namespace

void compare_files(const Compared& a, const Compared& b, Comparison& comparison) {
  std::set<std::string> places;
  for (const LaunchPlan* plan : {&a.plan, &b.plan}) {
    for (const MountOp& op : plan->mounts) {
      places.insert(destination_of(op));
    }
  }
  for (const std::string& place : places) {
    const Access in_a = access_at(a.plan, place);
    const Access in_b = access_at(b.plan, place);
    const int read = read_level(in_b) - read_level(in_a);
    const int write = write_level(in_b) - write_level(in_a);
    const int execute = int{in_b.execute} - int{in_a.execute};
    const bool is_other_file =
        in_a.kind == Kind::Host && in_b.kind == Kind::Host && in_a.host_path != in_b.host_path;
    const bool is_empty_place =
        is_asked_for(in_a, a.plan, place) != is_asked_for(in_b, b.plan, place) && read == 0;
    if (read == 0 && write == 0 && execute == 0 && !is_other_file && !is_empty_place) {
      continue;
    }
    comparison.differences.push_back({"files",
                                      place,
                                      "",
                                      is_other_file || read > 0 || write > 0 || execute > 0,
                                      is_other_file || read < 0 || write < 0 || execute < 0,
                                      {to_text(in_a, place), "", origin_of(in_a)},
                                      {to_text(in_b, place), "", origin_of(in_b)}});
  }
}

}  // namespace sbx::plan
