// SPDX-License-Identifier: Apache-2.0
#include "cli/excerpt.h"

#include <algorithm>
#include <optional>

#include "base/text.h"

namespace sbx::cli {
namespace {

constexpr std::size_t kWidest = 100;  // bytes of the line that are shown
constexpr std::size_t kBefore = 60;   // of them before the caret, in a line that is longer

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

std::optional<std::string_view> line_of(std::string_view text, int number) {
  for (int i = 1; i < number; ++i) {
    const std::size_t newline = text.find('\n');
    if (newline == std::string_view::npos) {
      return std::nullopt;
    }
    text.remove_prefix(newline + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r')) {
    text.remove_suffix(1);
  }
  return text;
}

// One column of the terminal for a tab, so that the caret stands right whatever the tab stops are.
std::string shown(std::string_view piece) {
  std::string spaced(piece);
  std::replace(spaced.begin(), spaced.end(), '\t', ' ');
  // The backslash of TOML text is no hostile byte; doubled it would show what nobody wrote.
  std::string safe;
  std::string_view rest = spaced;
  while (!rest.empty()) {
    const std::size_t backslash = std::min(rest.find('\\'), rest.size());
    safe += escape(rest.substr(0, backslash));
    if (backslash < rest.size()) {
      safe += '\\';
    }
    rest.remove_prefix(std::min(backslash + 1, rest.size()));
  }
  return safe;
}

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation(c); }));
}

}  // namespace

std::string excerpt(const Origin& origin, std::string_view text) {
  if (origin.line <= 0) {
    return {};
  }
  const auto line = line_of(text, origin.line);
  if (!line || line->empty()) {
    return {};
  }
  const std::size_t place =
      std::min(static_cast<std::size_t>(std::max(origin.column, 1) - 1), line->size());
  std::size_t start = line->size() > kWidest && place > kBefore ? place - kBefore : 0;
  while (start > 0 && is_continuation((*line)[start])) {
    --start;
  }
  std::size_t end = std::min(start + kWidest, line->size());
  while (end < line->size() && is_continuation((*line)[end])) {
    ++end;
  }
  const std::string before = (start > 0 ? "…" : "") + shown(line->substr(start, place - start));
  const std::string after =
      shown(line->substr(place, end - place)) + (end < line->size() ? "…" : "");
  const std::string number = std::to_string(origin.line);
  std::string quoted = "  " + number + " | " + before + after + "\n";
  if (origin.column > 0) {
    quoted +=
        "  " + std::string(number.size(), ' ') + " | " + std::string(columns(before), ' ') + "^\n";
  }
  return quoted;
}

std::string excerpt(const Origin& origin, const policy::FileSource& files) {
  if (origin.line <= 0) {
    return {};
  }
  const auto text = files.read(origin.source);
  return text ? excerpt(origin, std::string_view(*text)) : std::string();
}

}  // namespace sbx::cli
