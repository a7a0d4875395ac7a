// SPDX-License-Identifier: Apache-2.0
#include "supervise/code_location.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cstring>
#include <random>

#include <catch2/catch.hpp>

#include "supervise/elf_symbols.h"
#include "sys/unique_fd.h"

using sbx::supervise::find_symbol;
using sbx::supervise::parse_mapping;

extern "C" {
__attribute__((noinline)) int sbx_test_landmark() {
  return 17;
}
}

namespace {

sbx::sys::UniqueFd file_of(const std::string& bytes) {
  sbx::sys::UniqueFd file(::memfd_create("elf", MFD_CLOEXEC));
  REQUIRE(::write(file.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  return file;
}

// A minimal ELF file: one segment over everything, one function "one" at 0x1100, 16 bytes long.
struct SmallElf {
  Elf64_Ehdr header{};
  Elf64_Phdr segment{};
  Elf64_Shdr sections[3]{};  // none, .symtab, .strtab
  Elf64_Sym symbols[2]{};
  char strings[8] = "\0one\0tw";

  SmallElf() {
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] =
        std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
    header.e_phoff = offsetof(SmallElf, segment);
    header.e_phnum = 1;
    header.e_phentsize = sizeof segment;
    header.e_shoff = offsetof(SmallElf, sections);
    header.e_shnum = 3;
    header.e_shentsize = sizeof sections[0];
    segment = {PT_LOAD, PF_R | PF_X, 0, 0x1000, 0x1000, 0x4000, 0x4000, 0x1000};
    sections[1].sh_type = SHT_SYMTAB;
    sections[1].sh_link = 2;
    sections[1].sh_offset = offsetof(SmallElf, symbols);
    sections[1].sh_size = sizeof symbols;
    sections[1].sh_entsize = sizeof symbols[0];
    sections[2].sh_type = SHT_STRTAB;
    sections[2].sh_offset = offsetof(SmallElf, strings);
    sections[2].sh_size = sizeof strings;
    symbols[1] = {1, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 0, 1, 0x1100, 16};
  }

  std::string bytes() const {
    return {static_cast<const char*>(static_cast<const void*>(this)), sizeof *this};
  }
};

}  // namespace

TEST_CASE("lines of /proc/PID/maps") {
  struct Row {
    const char* line;
    const char* path;
  };
  const auto row = GENERATE(values<Row>({
      {"401000-402000 r-xp 00001000 fe:00 1234                       /usr/bin/probe",
       "/usr/bin/probe"},
      {"401000-402000 r-xp 00001000 fe:00 1234                       /a b/c (deleted)",
       "/a b/c (deleted)"},
      {"401000-402000 r-xp 00001000 00:00 0 ", ""},
      {"401000-402000 r-xp 00001000 00:00 0                          [vdso]", "[vdso]"},
  }));
  const auto mapping = parse_mapping(row.line);
  REQUIRE(mapping);
  CHECK(mapping->start == 0x401000);
  CHECK(mapping->end == 0x402000);
  CHECK(mapping->file_offset == 0x1000);
  CHECK(mapping->path == row.path);
}

TEST_CASE("lines that are no mapping") {
  const auto* const line =
      GENERATE("", "-", "401000", "401000-", "401000-402000", "401000-402000 r-xp",
               "401000-402000 r-xp zz fe:00 1 /x", "x-y r-xp 0 0 0", "1-2 r-xp 3 ");
  CHECK_FALSE(parse_mapping(line));
}

namespace {

std::string location_of(pid_t thread, std::uint64_t address) {
  return to_text(sbx::supervise::code_place(thread, address));
}

}  // namespace

TEST_CASE("a place in this program has its name") {
  const auto address = std::bit_cast<std::uintptr_t>(&sbx_test_landmark);
  const std::string location = location_of(::getpid(), address + 2);
  INFO(location);
  CHECK(location.find("+0x") != std::string::npos);
  CHECK(location.find(" sbx_test_landmark") != std::string::npos);
}

TEST_CASE("memory without a file, and none at all") {
  void* const page = ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const auto address = std::bit_cast<std::uintptr_t>(page);
  CHECK(location_of(::getpid(), address + 8).find("anonymous memory") == 0);
  ::munmap(page, 4096);
  CHECK(location_of(::getpid(), 8).empty());
  CHECK(location_of(0x7ffffff0, 8).empty());
}

TEST_CASE("a symbol covers its bytes and no more") {
  struct Row {
    std::uint64_t offset;
    const char* function;
  };
  const auto row = GENERATE(values<Row>({{0x100, "one"}, {0x10f, "one"}, {0xff, ""}, {0x110, ""}}));
  const auto file = file_of(SmallElf().bytes());
  const auto symbol = find_symbol(file.get(), row.offset);
  REQUIRE(symbol);
  CHECK(symbol->address == 0x1000 + row.offset);
  CHECK(symbol->function == row.function);
}

TEST_CASE("of several names the one that a caller would write") {
  SmallElf elf;
  std::memcpy(elf.strings, "\0__a\0ab", 8);
  elf.symbols[0] = {5, ELF64_ST_INFO(STB_WEAK, STT_FUNC), 0, 1, 0x1100, 16};
  CHECK(find_symbol(file_of(elf.bytes()).get(), 0x100)->function == "ab");
  elf.symbols[0].st_info = ELF64_ST_INFO(STB_LOCAL, STT_FUNC);
  CHECK(find_symbol(file_of(elf.bytes()).get(), 0x100)->function == "__a");
}

TEST_CASE("a place outside every segment has no address") {
  const auto file = file_of(SmallElf().bytes());
  CHECK_FALSE(find_symbol(file.get(), 0x4000));
  CHECK_FALSE(find_symbol(file.get(), ~0ull));
}

TEST_CASE("ELF files that lie are read without harm") {
  SmallElf elf;
  SECTION("symbol table beyond the file") {
    elf.sections[1].sh_offset = 1ull << 40;
  }
  SECTION("symbol table at the end of the number range") {
    elf.sections[1].sh_offset = ~0ull - 8;
  }
  SECTION("endless symbol table") {
    elf.sections[1].sh_size = ~0ull;
  }
  SECTION("entries of no size") {
    elf.sections[1].sh_entsize = 0;
  }
  SECTION("strings beyond the file") {
    elf.sections[2].sh_offset = ~0ull - 1;
  }
  SECTION("no strings") {
    elf.sections[2].sh_size = 0;
  }
  SECTION("link to a section that is not there") {
    elf.sections[1].sh_link = 0xffffffff;
  }
  SECTION("a name outside the strings") {
    elf.symbols[1].st_name = 0xffffffff;
  }
  const auto file = file_of(elf.bytes());
  const auto symbol = find_symbol(file.get(), 0x100);
  REQUIRE(symbol);
  CHECK((symbol->function.empty() || symbol->function == "one"));
}

TEST_CASE("headers that lie give nothing") {
  SmallElf elf;
  SECTION("no magic") {
    elf.header.e_ident[0] = 0;
  }
  SECTION("32 bits") {
    elf.header.e_ident[EI_CLASS] = ELFCLASS32;
  }
  SECTION("segments beyond the file") {
    elf.header.e_phoff = ~0ull;
  }
  SECTION("segments of another size") {
    elf.header.e_phentsize = 1;
  }
  SECTION("far too many segments") {
    elf.header.e_phnum = 0xffff;
  }
  CHECK_FALSE(find_symbol(file_of(elf.bytes()).get(), 0x100));
}

TEST_CASE("random damage to an ELF file never ends the reader") {
  std::mt19937 random(20260101);  // NOLINT(cert-msc51-cpp): the same damage on every run
  const std::string whole = SmallElf().bytes();
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = whole;
    for (int i = 0; i < 4; ++i) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    bytes.resize(random() % 4 == 0 ? random() % whole.size() : whole.size());
    const auto symbol = find_symbol(file_of(bytes).get(), 0x100);
    CHECK((!symbol || symbol->function.size() < 256));
  }
}
