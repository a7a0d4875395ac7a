// SPDX-License-Identifier: Apache-2.0
// Sets of calls of one number as unions of cubes: for each argument some bits that are fixed and the
// others free. That is what SCMP_CMP_MASKED_EQ can say, and every condition of a FilterSpec comes down
// to it exactly: 32-bit comparisons, signed ones, their negations. An argument stands once in a cube,
// so that no reader has to decide what two tests of one argument mean.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "seccomp/filter_spec.h"

namespace sbx::interop {

struct Cube {
  struct Bits {
    std::uint64_t mask = 0, value = 0;  // (argument & mask) == value; value has no bits outside

    friend bool operator==(const Bits&, const Bits&) = default;
  };
  std::array<Bits, 6> arguments{};
};

using Cubes = std::vector<Cube>;  // their union; none is within another

// The calls for which the condition holds, or with `negated` does not; nothing if that takes more than
// `most` cubes. The command's own calls come from no special place: tests of the instruction pointer
// are taken not to hold.
std::optional<Cubes> cubes_of(const seccomp::Condition& condition, bool negated, std::size_t most);

std::optional<Cubes> intersection(const Cubes& one, const Cubes& other, std::size_t most);

}  // namespace sbx::interop
