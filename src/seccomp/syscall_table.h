// SPDX-License-Identifier: Apache-2.0
// Numbers, names and prototypes of system calls, up to Linux 6.18. From 424 on the numbers are the
// same on every architecture. The host's headers and libseccomp lag behind (2.5.4 cannot name 15
// calls of 6.18), so this table is our own; tests hold it against libseccomp's where both know a call.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "seccomp/filter_spec.h"

namespace sbx::seccomp {

// The highest number of the table; anything above is unknown.
int highest_number(Arch arch);

std::optional<int> number_of(Arch arch, std::string_view name);
std::string_view name_of(Arch arch, int number);  // empty if unknown

// Known on some architecture (also i386's and arm's): a policy may name it on every one.
bool is_syscall_name(std::string_view name);
std::vector<std::string_view> all_names(Arch arch);
std::vector<std::string_view> all_names();  // of every architecture

// How the kernel reads an argument.
struct ArgumentInfo {
  std::string_view name;     // "domain"
  std::uint8_t width = 64;   // 32 for int, unsigned and the like; 64 for long, size_t, pointers
  bool is_signed = false;
  bool is_pointer = false;   // a filter cannot read what it points to
  std::string_view constants = {};  // family of constants that name its values: "AF", "PROT"; may be empty
  std::uint64_t mask = ~0ull;  // the bits that the kernel reads: 0xffff for umode_t
};

// In order; empty if the call has no arguments or its prototype is not known. The span stays valid.
// Not for several threads at once.
std::span<const ArgumentInfo> arguments_of(std::string_view name);

}  // namespace sbx::seccomp
