// SPDX-License-Identifier: Apache-2.0
// What the policies that came with sbx say about a system call, read off their finished filters.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/policies.h"
#include "seccomp/filter_spec.h"

namespace sbx::cli {

struct ShippedFilter {
  std::string policy;
  seccomp::FilterSpec filter;
};

// Without the user's own policies and .local layers.
Result<std::vector<ShippedFilter>> shipped_filters(const Library& library);

enum class Stance : std::uint8_t { Allowed, Conditional, Denied };

// Whether calls of this number run: all, some by their arguments, or none.
Stance stance_on(const seccomp::FilterSpec& filter, int number);

}  // namespace sbx::cli
