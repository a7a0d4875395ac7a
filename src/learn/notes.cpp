// SPDX-License-Identifier: Apache-2.0
#include "learn/notes.h"

#include <fmt/format.h>

#include "base/text.h"

namespace sbx::learn {
namespace {

constexpr std::size_t kMostNames = 3;

std::string names(const Use& use) {
  std::string text;
  std::size_t shown = 0;
  for (const std::string& program : use.programs) {
    if (shown == kMostNames) {
      return fmt::format("{} and {} more", text, use.programs.size() - shown);
    }
    text += (shown++ == 0 ? "" : ", ") + escape(program);
  }
  return text;
}

// No finer: a number alone would be another in every run.
std::string_view often(std::uint64_t count) {
  return count == 1 ? "once" : "repeatedly";
}

std::string_view when(const Use& use, const std::optional<std::uint64_t>& ready_us) {
  if (!ready_us) {
    return "";  // a time alone would be another in every run
  }
  return use.last_us <= *ready_us   ? "starting"
         : use.first_us > *ready_us ? "serving"
                                    : "always";
}

}  // namespace

std::string note_of(const Use& use, const std::optional<std::uint64_t>& ready_us) {
  std::string text = names(use);
  for (const std::string_view part : {often(use.count), when(use, ready_us)}) {
    if (!part.empty()) {
      text += (text.empty() ? "" : "; ") + std::string(part);
    }
  }
  return text;
}

}  // namespace sbx::learn
