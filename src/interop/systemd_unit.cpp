// SPDX-License-Identifier: Apache-2.0
#include "interop/systemd_unit.h"

#include <algorithm>

#include "base/text.h"
#include "interop/layer_draft.h"

namespace sbx::interop {
namespace {

constexpr std::size_t kMaxLines = 50'000;
constexpr std::size_t kMaxValueBytes = 1u << 20;  // systemd's LONG_LINE_MAX

}  // namespace

Result<std::vector<UnitLine>> read_unit(std::string_view text, const std::string& source) {
  const SharedText shared(source);
  std::vector<UnitLine> lines;
  std::string section, pending;
  int number = 0, first = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (static_cast<std::size_t>(++number) > kMaxLines) {
      return Error{"more than " + std::to_string(kMaxLines) + " lines", 0, {shared, number, 0}, "that is no unit"};
    }
    // Comments are left out, within a continued line too.
    const bool is_comment = line.starts_with('#') || line.starts_with(';');
    if (is_comment || (line.empty() && pending.empty())) {
      continue;
    }
    first = pending.empty() ? number : first;
    pending += line;
    if (pending.size() > kMaxValueBytes) {
      return Error{"a value of more than a megabyte", 0, {shared, first, 0}, "that is no unit"};
    }
    if (pending.ends_with('\\') && !text.empty()) {
      pending.back() = ' ';
      continue;
    }
    const std::string whole = trim(pending);
    pending.clear();
    const Origin origin{shared, first, 0};
    const std::size_t equals = whole.find('=');
    if (whole.starts_with('[') && whole.ends_with(']')) {
      section = whole.substr(1, whole.size() - 2);
    } else if (equals == std::string::npos || equals == 0 || section.empty()) {
      return Error{"no section and no assignment: " + quote(whole.substr(0, 60)), 0, origin,
                   "a unit has lines [Section] and Name=value"};
    } else {
      lines.push_back({section, trim(std::string_view(whole).substr(0, equals)),
                       trim(std::string_view(whole).substr(equals + 1)), origin});
    }
  }
  return lines;
}

std::optional<bool> unit_boolean(std::string_view value) {
  if (value == "yes" || value == "true" || value == "on" || value == "1" || value == "y" || value == "t") {
    return true;
  }
  if (value == "no" || value == "false" || value == "off" || value == "0" || value == "n" || value == "f") {
    return false;
  }
  return std::nullopt;
}

bool looks_like_unit(std::string_view text, std::string_view source) {
  return source.ends_with(".service") ||
         (!source.ends_with(".toml") && text.find("[Service]\n") != std::string_view::npos);
}

}  // namespace sbx::interop
