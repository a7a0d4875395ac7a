// SPDX-License-Identifier: Apache-2.0
// Which arguments of a call name files, and what the call does to them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace sbx::learn {

struct PathArgument {
  std::int8_t path = 0;          // the argument with the path
  std::int8_t directory = -1;    // with the descriptor that it is relative to; -1: the working one
  std::uint8_t doings = 0;       // Doing (observations.h)
  std::int8_t open_flags = -1;   // with open(2)'s flags, which say more than `doings`
  bool empty_is_none = true;     // "" means the descriptor itself, which was opened before
};

// At most two.
std::span<const PathArgument> path_arguments(std::string_view call);

// What opening with these flags does.
std::uint8_t doings_of_open(std::uint64_t flags);

}  // namespace sbx::learn
