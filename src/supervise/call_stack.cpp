// SPDX-License-Identifier: Apache-2.0
#include "supervise/call_stack.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string>

#include <fmt/format.h>

#include "supervise/process_facts.h"
#include "sys/process_memory.h"

namespace sbx::supervise {
namespace {

constexpr std::size_t kMostWords = 1024;      // 8 KiB of stack
constexpr std::size_t kMostCandidates = 64;   // each costs a look into a file
constexpr std::size_t kLongestCall = 7;       // ff 94 24 disp32: call through memory

class Search {
 public:
  Search(pid_t thread, const events::CodePlace& place)
      : thread_(thread), mappings_(code_mappings(thread)), callee_(place) {}

  // A word of the stack; `is_top`: where the call was made from a function without a frame, as the
  // C library's own are, this is its return address whatever it looks like.
  void look_at(std::uint64_t word, bool is_top) {
    const Mapping* const mapping = mapping_of(word);
    if (mapping == nullptr || looked_at_ >= kMostCandidates || callers_.size() >= kMostCallers) {
      return;
    }
    std::array<std::uint8_t, kLongestCall> bytes{};
    if (word - kLongestCall < mapping->start ||
        sys::copy_memory(thread_, word - kLongestCall, std::as_writable_bytes(std::span(bytes))) !=
            static_cast<std::int64_t>(bytes.size())) {
      return;
    }
    const auto call = call_before(bytes, word);
    if (!call) {
      return;
    }
    ++looked_at_;
    if (call->target != 0 && !is_top && !calls_callee(call->target)) {
      return;
    }
    events::CodePlace place = place_in(thread_, *mapping, word);
    callee_ = place;
    callers_.push_back(std::move(place));
  }

  std::vector<events::CodePlace> take() { return std::move(callers_); }

 private:
  const Mapping* mapping_of(std::uint64_t address) const {
    const auto found =
        std::find_if(mappings_.begin(), mappings_.end(), [&](const Mapping& mapping) {
          return address > mapping.start && address < mapping.end;
        });
    return found == mappings_.end() ? nullptr : &*found;
  }

  // What no symbol covers may be a stub of the linker that leads anywhere.
  bool calls_callee(std::uint64_t target) const {
    const Mapping* const mapping = mapping_of(target + 1);
    if (mapping == nullptr) {
      return false;
    }
    const events::CodePlace called = place_in(thread_, *mapping, target + 1);
    return called.function.empty() || callee_.function.empty() ||
           (called.module == callee_.module && called.function == callee_.function);
  }

  pid_t thread_;
  std::vector<Mapping> mappings_;
  events::CodePlace callee_;
  std::vector<events::CodePlace> callers_;
  std::size_t looked_at_ = 0;
};

}  // namespace

std::optional<std::uint64_t> parse_stack_pointer(std::string_view text) {
  // "39 0x0 0x0 0x0 0x0 0x0 0x0 0x7ffd1c8f3d08 0x7f3006bbe829", or "running".
  constexpr int kBefore = 7;
  for (int word = 0; word < kBefore; ++word) {
    const std::size_t blank = text.find(' ');
    if (blank == std::string_view::npos) {
      return std::nullopt;
    }
    text.remove_prefix(blank + 1);
  }
  std::uint64_t value = 0;
  if (!text.starts_with("0x") ||
      std::from_chars(text.data() + 2, text.data() + text.size(), value, 16).ec != std::errc()) {
    return std::nullopt;
  }
  return value;
}

std::optional<CallInstruction> call_before(std::span<const std::uint8_t> bytes, std::uint64_t end) {
  const std::size_t size = bytes.size();
  if (size >= 5 && bytes[size - 5] == 0xe8) {
    std::int32_t distance = 0;
    std::memcpy(&distance, &bytes[size - 4], sizeof distance);
    return CallInstruction{end + static_cast<std::uint64_t>(std::int64_t{distance})};
  }
  // ff /2: two bytes for a register, up to seven with an index and a displacement.
  for (std::size_t length = 2; length <= std::min(size, kLongestCall); ++length) {
    if (bytes[size - length] == 0xff && (bytes[size - length + 1] >> 3 & 7) == 2) {
      return CallInstruction{};
    }
  }
  return std::nullopt;
}

std::vector<events::CodePlace> find_callers(pid_t thread, const events::CodePlace& place) {
#if defined(__x86_64__)
  const auto top = parse_stack_pointer(read_proc_file(fmt::format("/proc/{}/syscall", thread), 512));
  if (!top || *top % sizeof(std::uint64_t) != 0) {
    return {};
  }
  std::array<std::uint64_t, kMostWords> words{};
  const std::int64_t copied =
      sys::copy_memory(thread, *top, std::as_writable_bytes(std::span(words)));
  Search search(thread, place);
  for (std::size_t i = 0; i + 1 <= static_cast<std::size_t>(std::max<std::int64_t>(copied, 0)) / 8; ++i) {
    search.look_at(words[i], i == 0);
  }
  return search.take();
#else
  static_cast<void>(thread);
  static_cast<void>(place);
  return {};
#endif
}

}  // namespace sbx::supervise
