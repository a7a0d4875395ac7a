// SPDX-License-Identifier: Apache-2.0
// A condition of which some arguments are known: what is left to ask.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "seccomp/filter_spec.h"

namespace sbx::seccomp {

// Nothing: any value. The instruction pointer counts as known: an ordinary address of the program.
using KnownArguments = std::array<std::optional<std::uint64_t>, 6>;

struct Residue {
  enum class Kind : std::uint8_t { Always, Never, Open };
  Kind kind = Kind::Always;
  Condition condition{};  // for Open: only tests of unknown arguments
};

Residue assume(const Condition& condition, const KnownArguments& known);

}  // namespace sbx::seccomp
