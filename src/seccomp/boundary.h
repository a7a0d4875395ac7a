// SPDX-License-Identifier: Apache-2.0
// Calls near the borders of a rule's tests: where a miscompiled filter would show (verify.cpp), and
// where two specs that differ do (call_classes.h).
#pragma once

#include <array>
#include <vector>

#include "seccomp/filter_spec.h"

namespace sbx::seccomp {

// Appends the condition's tests, in order.
void collect_tests(const Condition& condition, std::vector<const ArgumentTest*>& tests);

// An argument whose masked bits are those of `value`, the others left as they are.
std::uint64_t with_masked(std::uint64_t argument, const ArgumentTest& test, std::uint64_t value);

// Values beside which a wrong comparison, mask or half shows.
struct Boundary {
  std::array<std::uint64_t, 13> values{};
  std::size_t count = 0;
};
Boundary boundary_of(const ArgumentTest& test);

// Sets the arguments so that the tests hold, as far as they do not contradict each other.
void satisfy(const std::vector<const ArgumentTest*>& tests, seccomp_data& call);

}  // namespace sbx::seccomp
