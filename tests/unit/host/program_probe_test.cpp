// SPDX-License-Identifier: Apache-2.0
#include <elf.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "host/probe.h"

namespace {

// Writes the bytes to a file, and asks about it.
sbx::plan::ProgramFacts facts_of(const std::string& bytes) {
  char path[] = "/tmp/sbx-program-XXXXXX";
  const int fd = ::mkstemp(path);
  REQUIRE(fd >= 0);
  REQUIRE(::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  ::close(fd);
  int errno_value = -1;
  const auto facts = sbx::host::probe_program(path, errno_value);
  CHECK(errno_value == 0);
  ::unlink(path);
  return facts;
}

std::string elf(std::uint32_t stack_flags) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_phoff = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 2;
  const std::string loader = "/lib64/loader.so";
  Elf64_Phdr interpreter{}, stack{};
  interpreter.p_type = PT_INTERP;
  interpreter.p_offset = sizeof header + 2 * sizeof(Elf64_Phdr);
  interpreter.p_filesz = loader.size() + 1;
  stack.p_type = PT_GNU_STACK;
  stack.p_flags = stack_flags;
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  bytes.append(reinterpret_cast<const char*>(&interpreter), sizeof interpreter);
  bytes.append(reinterpret_cast<const char*>(&stack), sizeof stack);
  return bytes + loader + '\0';
}

}  // namespace

TEST_CASE("program probe: interpreter and stack") {
  CHECK(facts_of(elf(PF_R | PF_W)).interpreter == "/lib64/loader.so");
  CHECK_FALSE(facts_of(elf(PF_R | PF_W)).executable_stack);
  CHECK(facts_of(elf(PF_R | PF_W | PF_X)).executable_stack);
  CHECK(facts_of("#! /bin/sh -e\n").interpreter == "/bin/sh");
  CHECK(facts_of("#!/usr/bin/env").interpreter == "/usr/bin/env");
}

TEST_CASE("program probe: bytes are not trusted") {
  const std::string whole = elf(PF_X);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    facts_of(whole.substr(0, length));  // reads nothing beyond its end
  }
  std::string far = whole;
  std::memset(far.data() + offsetof(Elf64_Ehdr, e_phoff), 0xff, 8);
  CHECK(facts_of(far).interpreter.empty());
  CHECK(facts_of("").interpreter.empty());
  CHECK(facts_of("#!   \n").interpreter.empty());
  int errno_value = 0;
  CHECK(sbx::host::probe_program("/nothing/there", errno_value).interpreter.empty());
  CHECK(errno_value == ENOENT);
}
