// SPDX-License-Identifier: Apache-2.0
// System calls that no policy should allow without a reason: they act on the kernel, on other
// processes or past the filter. `sbx check` warns of them; a test holds the shipped policies to the
// list.
#pragma once

#include <span>
#include <string_view>

namespace sbx::seccomp {

struct DangerousCall {
  std::string_view name;
  std::string_view reason;  // "reads and changes other processes"
};

// Sorted by name.
std::span<const DangerousCall> dangerous_calls();

}  // namespace sbx::seccomp
