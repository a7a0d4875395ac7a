// SPDX-License-Identifier: Apache-2.0
// Which arguments of a call say what it is for: families, options, requests, signals. Descriptors,
// process ids, addresses, sizes and counts never do; a policy made of them would fit one run.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "seccomp/filter_spec.h"

namespace sbx::learn {

struct ClassArgument {
  std::uint8_t argument = 0;
  std::uint64_t mask = ~0ull;    // the bits that count
  bool presence_only = false;    // 0 or not
};

// At most three; empty: the call is one class.
std::span<const ClassArgument> class_arguments(std::string_view call);

// The class of a call's arguments.
std::array<std::uint64_t, 3> class_of(std::string_view call, const std::array<unsigned long long, 6>& arguments);

// The condition, in the language of seccomp/when.h, that holds for these classes and no others;
// empty: for all calls, where the call has no class arguments or every class was seen.
std::string when_of(std::string_view call, std::vector<std::array<std::uint64_t, 3>> classes);

}  // namespace sbx::learn
