// SPDX-License-Identifier: Apache-2.0
// The kernel's named constants, by family, and the decoding of an argument into them. Values are
// those of the architecture sbx is built for; they differ in four open flags only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "seccomp/syscall_table.h"

namespace sbx::seccomp {

// The value of "SOCK_RAW"; a negative one (AT_FDCWD) is sign-extended.
std::optional<std::uint64_t> constant_value(std::string_view name);

// The names of one family ("AF"), or of all for an empty family; sorted.
std::vector<std::string_view> constants_of(std::string_view family);

// An argument for people, read at its width: descriptors and counts in decimal, pointers in
// hexadecimal, modes in octal, constants by name: "SOCK_STREAM|SOCK_CLOEXEC", "AT_FDCWD".
std::string decode_argument(const ArgumentInfo& info, std::uint64_t value);

// A mask over that argument: "O_CREAT|O_EXCL", with no word for the bits that are not in it.
std::string decode_mask(const ArgumentInfo& info, std::uint64_t mask);

}  // namespace sbx::seccomp
