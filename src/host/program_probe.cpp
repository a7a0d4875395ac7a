// SPDX-License-Identifier: Apache-2.0
// What a program's file says about its start: elf(5), execve(2). The bytes are not trusted.
#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "host/probe.h"
#include "sys/unique_fd.h"

namespace sbx::host {
namespace {

// Headers and interpreter of every program that a linker makes lie within; the kernel itself reads
// 256 bytes for a #! line, and a page for the program headers.
constexpr std::size_t kRead = 4096;

plan::ProgramFacts read_script(std::string_view text) {
  text.remove_prefix(2);
  text = text.substr(0, text.find('\n'));
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return {};
  }
  text.remove_prefix(first);
  return {std::string(text.substr(0, text.find_first_of(" \t"))), false};
}

plan::ProgramFacts read_elf(std::string_view bytes) {
  plan::ProgramFacts facts;
  Elf64_Ehdr header{};
  if (bytes.size() < sizeof header) {
    return facts;
  }
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_phentsize != sizeof(Elf64_Phdr)) {
    return facts;  // another ABI: closed by the filter
  }
  for (std::size_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    const std::size_t at = i * sizeof segment;
    if (header.e_phoff > bytes.size() || at + sizeof segment > bytes.size() - header.e_phoff) {
      return facts;
    }
    std::memcpy(&segment, bytes.data() + header.e_phoff + at, sizeof segment);
    if (segment.p_type == PT_GNU_STACK) {
      facts.executable_stack = (segment.p_flags & PF_X) != 0;
    } else if (segment.p_type == PT_INTERP && segment.p_offset < bytes.size()) {
      const std::string_view name = bytes.substr(segment.p_offset, segment.p_filesz);
      facts.interpreter = std::string(name.substr(0, name.find('\0')));
    }
  }
  return facts;
}

}  // namespace

plan::ProgramFacts probe_program(const std::string& path, int& errno_value) {
  const sys::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  std::array<char, kRead> buffer{};
  const ssize_t length = file ? ::pread(file.get(), buffer.data(), buffer.size(), 0) : -1;
  errno_value = length < 0 ? errno : 0;
  if (length <= 0) {
    return {};
  }
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(length));
  return bytes.starts_with("#!")       ? read_script(bytes)
         : bytes.starts_with(ELFMAG) ? read_elf(bytes)
                                       : plan::ProgramFacts{};
}

}  // namespace sbx::host
