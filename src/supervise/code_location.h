// SPDX-License-Identifier: Apache-2.0
// From an instruction pointer to words: "probe+0x1139 main".
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "events/event.h"

namespace sbx::supervise {

// One line of /proc/PID/maps.
struct Mapping {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::uint64_t file_offset = 0;
  bool executable = false;
  std::string path;  // "/usr/lib/libc.so.6", "[vdso]", empty for anonymous memory
};

std::optional<Mapping> parse_mapping(std::string_view line);

// The mapping that holds an address.
std::optional<Mapping> find_mapping(pid_t thread, std::uint64_t address);

// Those that hold code, in order; none beyond the first thousand.
std::vector<Mapping> code_mappings(pid_t thread);

// For an address of that mapping which stands behind a call. The rest as code_place.
events::CodePlace place_in(pid_t thread, const Mapping& mapping, std::uint64_t return_address);

// `instruction_pointer` stands behind the system call instruction, as seccomp(2) gives it. Module
// and address are those of objdump and addr2line where the module is an ELF file that can be read.
// Empty if nothing is known.
events::CodePlace code_place(pid_t thread, std::uint64_t instruction_pointer);

}  // namespace sbx::supervise
