// SPDX-License-Identifier: Apache-2.0
#include "supervise/code_location.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "base/path.h"
#include "supervise/debug_lines.h"
#include "supervise/elf_symbols.h"
#include "supervise/process_facts.h"
#include "sys/open_in_root.h"
#include "sys/unique_fd.h"

namespace sbx::supervise {
namespace {

// 65,530 mappings (vm.max_map_count) of ordinary lines; a sandboxee that makes more or longer ones
// hides its own location and nothing else.
constexpr std::size_t kMostMapsBytes = 8u << 20;
constexpr std::size_t kMostLine = 8192;

// Takes a hexadecimal number and the one character that ends it off the front.
std::optional<std::uint64_t> take_hex(std::string_view& text, char terminator) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  const auto length = static_cast<std::size_t>(end - text.data());
  if (error != std::errc() || length >= text.size() || text[length] != terminator) {
    return std::nullopt;
  }
  text.remove_prefix(length + 1);
  return value;
}

// Skips one blank-separated word.
bool skip_word(std::string_view& text) {
  const std::size_t blank = text.find(' ');
  if (blank == std::string_view::npos) {
    return false;
  }
  text.remove_prefix(blank + 1);
  return true;
}

sys::UniqueFd open_module(pid_t thread, const std::string& path) {
  const sys::UniqueFd place(open_as_seen_by(thread, path));
  return place ? sys::UniqueFd(sys::open_regular(place.get())) : sys::UniqueFd();
}

}  // namespace

std::optional<Mapping> parse_mapping(std::string_view line) {
  Mapping mapping;
  const auto start = take_hex(line, '-');
  const auto end = start ? take_hex(line, ' ') : std::nullopt;
  mapping.executable = line.size() > 2 && line[2] == 'x';  // "r-xp"
  if (!end || !skip_word(line)) {  // permissions
    return std::nullopt;
  }
  const auto offset = take_hex(line, ' ');
  if (!offset || !skip_word(line)) {  // device
    return std::nullopt;
  }
  mapping.start = *start;
  mapping.end = *end;
  mapping.file_offset = *offset;
  const std::size_t path = line.find_first_not_of(" 0123456789");  // after the inode's number
  mapping.path = path == std::string_view::npos ? std::string() : std::string(line.substr(path));
  return mapping;
}

namespace {

void each_mapping(pid_t thread, const std::function<bool(Mapping&&)>& take) {
  const sys::UniqueFd file(
      ::open(fmt::format("/proc/{}/maps", thread).c_str(), O_RDONLY | O_CLOEXEC));
  std::string pending;
  std::array<char, 16384> chunk{};
  for (std::size_t total = 0; file && total < kMostMapsBytes;) {
    const ssize_t length = ::read(file.get(), chunk.data(), chunk.size());
    if (length <= 0) {
      return;
    }
    total += static_cast<std::size_t>(length);
    pending.append(chunk.data(), static_cast<std::size_t>(length));
    std::size_t start = 0;
    for (std::size_t end = 0; (end = pending.find('\n', start)) != std::string::npos;
         start = end + 1) {
      auto mapping = parse_mapping(std::string_view(pending).substr(start, end - start));
      if (mapping && !take(*std::move(mapping))) {
        return;
      }
    }
    pending.erase(0, start);
    if (pending.size() > kMostLine) {
      return;
    }
  }
}

}  // namespace

std::optional<Mapping> find_mapping(pid_t thread, std::uint64_t address) {
  std::optional<Mapping> found;
  each_mapping(thread, [&](Mapping&& mapping) {
    if (address >= mapping.start && address < mapping.end) {
      found = std::move(mapping);
      return false;
    }
    return mapping.start <= address;  // the kernel lists them in order
  });
  return found;
}

std::vector<Mapping> code_mappings(pid_t thread) {
  constexpr std::size_t kMost = 1000;
  std::vector<Mapping> code;
  each_mapping(thread, [&](Mapping&& mapping) {
    if (mapping.executable) {
      code.push_back(std::move(mapping));
    }
    return code.size() < kMost;
  });
  return code;
}

events::CodePlace place_in(pid_t thread, const Mapping& mapping, std::uint64_t return_address) {
  // The byte before: a call that never returns may be the last instruction of its function.
  const std::uint64_t inside = return_address - 1;
  events::CodePlace place;
  place.offset = return_address;
  if (mapping.path.empty()) {
    return place;  // anonymous memory
  }
  place.module = path::basename(mapping.path);
  if (mapping.path.front() != '/') {  // [vdso], [stack], [heap]
    place.offset = return_address - mapping.start;
    return place;
  }
  const std::uint64_t offset = inside - mapping.start + mapping.file_offset;
  place.offset = offset + 1;
  const sys::UniqueFd file = open_module(thread, mapping.path);
  if (auto symbol = file ? find_symbol(file.get(), offset) : std::nullopt) {
    place.offset = symbol->address + 1;
    place.function = std::move(symbol->function);
    if (auto line = find_source_line(file.get(), symbol->address)) {
      place.source = std::move(line->file);
      place.line = line->line;
    }
  }
  return place;
}

events::CodePlace code_place(pid_t thread, std::uint64_t instruction_pointer) {
  const auto mapping = find_mapping(thread, instruction_pointer - 1);
  return mapping ? place_in(thread, *mapping, instruction_pointer) : events::CodePlace{};
}

}  // namespace sbx::supervise
