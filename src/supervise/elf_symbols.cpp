// SPDX-License-Identifier: Apache-2.0
#include "supervise/elf_symbols.h"

#include <elf.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

namespace sbx::supervise {
namespace {

// Far beyond real files (a browser has 80 segments and 400,000 symbols), low enough that a forged
// header costs a few milliseconds at most.
constexpr std::size_t kMostHeaders = 512;
constexpr std::size_t kMostSymbols = 1u << 20;
constexpr std::size_t kMostNameLength = 256;
constexpr std::size_t kSymbolsAtOnce = 4096;
constexpr std::uint64_t kMostOffset = std::numeric_limits<std::int64_t>::max();

bool read_at(int file, std::uint64_t offset, void* into, std::size_t size) {
  if (offset > kMostOffset - size) {
    return false;
  }
  return ::pread(file, into, size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
}

std::optional<Elf64_Ehdr> read_header(int file) {
  Elf64_Ehdr header{};
  constexpr unsigned char kNativeOrder =
      std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
  if (!read_at(file, 0, &header, sizeof header) ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != kNativeOrder) {
    return std::nullopt;
  }
  return header;
}

template <typename T>
std::vector<T> read_table(int file, std::uint64_t offset, std::size_t count, std::size_t stride) {
  std::vector<T> table;
  if (stride == sizeof(T) && count <= kMostHeaders) {
    table.resize(count);
    if (!read_at(file, offset, table.data(), count * sizeof(T))) {
      table.clear();
    }
  }
  return table;
}

std::optional<std::uint64_t> address_of(const std::vector<Elf64_Phdr>& segments,
                                        std::uint64_t file_offset) {
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type == PT_LOAD && file_offset >= segment.p_offset &&
        file_offset - segment.p_offset < segment.p_filesz) {
      return file_offset - segment.p_offset + segment.p_vaddr;
    }
  }
  return std::nullopt;
}

// A name of a string table; empty if it is unreasonable. `size` bounds the table.
std::string read_name(int file, const Elf64_Shdr& strings, std::uint32_t index) {
  if (index >= strings.sh_size) {
    return {};
  }
  std::array<char, kMostNameLength> name{};
  const auto most = std::min<std::uint64_t>(name.size() - 1, strings.sh_size - index);
  if (strings.sh_offset > kMostOffset - index) {
    return {};
  }
  const ssize_t length = ::pread(file, name.data(), static_cast<std::size_t>(most),
                                 static_cast<off_t>(strings.sh_offset + index));
  return length > 0 ? std::string(name.data()) : std::string();
}

bool covers(const Elf64_Sym& symbol, std::uint64_t address) {
  const unsigned type = ELF64_ST_TYPE(symbol.st_info);
  return (type == STT_FUNC || type == STT_GNU_IFUNC) && symbol.st_shndx != SHN_UNDEF &&
         address >= symbol.st_value && address - symbol.st_value < symbol.st_size;
}

// Of several names for one function (getpid, __getpid) the one that a caller would have written: an
// exported one, without an underscore in front, the shortest.
struct Best {
  std::string name;
  std::tuple<bool, bool, std::size_t> rank{};  // the lower the better

  void offer(std::string candidate, bool exported) {
    const std::tuple<bool, bool, std::size_t> its_rank{!exported, candidate.starts_with('_'),
                                                       candidate.size()};
    if (!candidate.empty() && (name.empty() || its_rank < rank)) {
      name = std::move(candidate);
      rank = its_rank;
    }
  }
};

void search(int file, const Elf64_Shdr& table, const Elf64_Shdr& strings, std::uint64_t address,
            Best& best) {
  if (table.sh_entsize != sizeof(Elf64_Sym)) {
    return;
  }
  const std::size_t count =
      std::min<std::uint64_t>(table.sh_size / sizeof(Elf64_Sym), kMostSymbols);
  std::vector<Elf64_Sym> symbols(std::min(count, kSymbolsAtOnce));
  int names_read = 0;
  for (std::size_t first = 0; first < count; first += symbols.size()) {
    const std::size_t here = std::min(symbols.size(), count - first);
    if (!read_at(file, table.sh_offset + first * sizeof(Elf64_Sym), symbols.data(),
                 here * sizeof(Elf64_Sym))) {
      return;
    }
    for (const Elf64_Sym& symbol : std::span(symbols).first(here)) {
      // A forged table may say a million times that it covers the address: each costs a pread.
      if (covers(symbol, address) && ++names_read <= 16) {
        best.offer(read_name(file, strings, symbol.st_name),
                   ELF64_ST_BIND(symbol.st_info) != STB_LOCAL);
      }
    }
  }
}

}  // namespace

std::vector<std::byte> read_section(int file, std::string_view name, std::size_t most) {
  const auto header = read_header(file);
  if (!header) {
    return {};
  }
  const auto sections =
      read_table<Elf64_Shdr>(file, header->e_shoff, header->e_shnum, header->e_shentsize);
  for (const Elf64_Shdr& section : sections) {
    if (header->e_shstrndx >= sections.size() || section.sh_type != SHT_PROGBITS ||
        section.sh_size == 0 || section.sh_size > most || (section.sh_flags & SHF_COMPRESSED) != 0 ||
        read_name(file, sections[header->e_shstrndx], section.sh_name) != name) {
      continue;
    }
    // Not before the file is known to be as long: a forged size costs no memory.
    std::byte last{};
    if (section.sh_offset > kMostOffset - section.sh_size ||
        !read_at(file, section.sh_offset + section.sh_size - 1, &last, 1)) {
      return {};
    }
    std::vector<std::byte> bytes(section.sh_size);
    if (!read_at(file, section.sh_offset, bytes.data(), bytes.size())) {
      bytes.clear();
    }
    return bytes;
  }
  return {};
}

std::optional<CodeSymbol> find_symbol(int file, std::uint64_t file_offset) {
  const auto header = read_header(file);
  if (!header) {
    return std::nullopt;
  }
  const auto segments =
      read_table<Elf64_Phdr>(file, header->e_phoff, header->e_phnum, header->e_phentsize);
  const auto address = address_of(segments, file_offset);
  if (!address) {
    return std::nullopt;
  }
  const auto sections =
      read_table<Elf64_Shdr>(file, header->e_shoff, header->e_shnum, header->e_shentsize);
  Best best;
  // .symtab has every function; .dynsym, which is always there, only the exported ones.
  for (const std::uint32_t type : {std::uint32_t{SHT_SYMTAB}, std::uint32_t{SHT_DYNSYM}}) {
    for (const Elf64_Shdr& section : sections) {
      if (best.name.empty() && section.sh_type == type && section.sh_link < sections.size()) {
        search(file, section, sections[section.sh_link], *address, best);
      }
    }
  }
  return CodeSymbol{*address, std::move(best.name)};
}

}  // namespace sbx::supervise
