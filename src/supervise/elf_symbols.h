// SPDX-License-Identifier: Apache-2.0
// Which function a place in an ELF file belongs to. The file is the sandboxee's and hostile: our
// own bounded reader with pread(2), since a mapped file can be truncated under its reader (SIGBUS),
// and a general ELF library is far more code in the one process that must not fall.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sbx::supervise {

struct CodeSymbol {
  std::uint64_t address = 0;  // as in the file's symbol table, objdump and addr2line
  std::string function;       // empty: no symbol covers it
};

// For the byte at `file_offset` of an open regular file; nothing if it is no 64-bit ELF file of
// this byte order with a loaded segment there.
std::optional<CodeSymbol> find_symbol(int file, std::uint64_t file_offset);

// A section by its name, whole; empty if there is none, or it is compressed or larger than `most`.
std::vector<std::byte> read_section(int file, std::string_view name, std::size_t most);

}  // namespace sbx::supervise
