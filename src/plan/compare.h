// SPDX-License-Identifier: Apache-2.0
// Two policies against each other, by what they come to: for system calls every call that their
// rules tell apart is evaluated under both, for files every place that either names, and so on.
// Nothing is compared as text. compare_filter.cpp has the calls, compare_files.cpp the files,
// compare_addresses.cpp what may be connected to and bound.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plan/launch_plan.h"
#include "policy/policy.h"

namespace sbx::plan {

// One side of the comparison.
struct Compared {
  const policy::Policy& policy;
  const LaunchPlan& plan;
};

struct Difference {
  // What one side says, and the line that says it.
  struct Side {
    std::string text;    // "allowed", "fails with EPERM"; "/srv/www, read-only"
    std::string reason;  // "seccomp.allow = @network-io"; may be empty
    Origin origin{};

    friend bool operator==(const Side&, const Side&) = default;
  };
  std::string area;     // "system calls", "files", "network" …
  std::string subject;  // "socket", "/etc/ssl", "mode"
  std::string when;     // of a call: which of them; empty: all
  bool more = false;    // B allows something that A does not
  bool less = false;    // A allows something that B does not
  Side a, b;
};

struct Comparison {
  std::vector<Difference> differences;  // by area, then subject
  std::vector<std::string> notes;       // what could not be compared to the last

  bool any_more() const;
  bool any_less() const;
};

Comparison compare(const Compared& a, const Compared& b);

// "equal", "wider": B allows more; "narrower"; "different": each allows something that the other
// does not, or neither does and yet they differ.
std::string_view verdict_of(const Comparison& comparison);

// The parts.
void compare_filters(const Compared& a, const Compared& b, Comparison& comparison);
void compare_addresses(const Compared& a, const Compared& b, Comparison& comparison);
void compare_files(const Compared& a, const Compared& b, Comparison& comparison);

}  // namespace sbx::plan
