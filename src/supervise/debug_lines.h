// SPDX-License-Identifier: Apache-2.0
// Which source line a place in an ELF file belongs to, from its DWARF line table (.debug_line,
// versions 2 to 5, not compressed). As elf_symbols.h: the file is the sandboxee's and hostile, so
// our own bounded reader, where a DWARF library is tens of thousands of lines that were never meant
// to meet an enemy, in the process that must not fall.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace sbx::supervise {

struct SourceLine {
  std::string file;  // as the table names it, without its directory
  int line = 0;
};

// For an address as in the file's symbol table.
std::optional<SourceLine> find_source_line(int file, std::uint64_t address);

// The part of it that reads the two sections.
std::optional<SourceLine> find_source_line(std::span<const std::byte> debug_line,
                                           std::span<const std::byte> debug_line_str,
                                           std::uint64_t address);

}  // namespace sbx::supervise
