// SPDX-License-Identifier: Apache-2.0
#include "policy/toml_error.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace sbx::policy {
namespace {

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

// What toml++ says → what sbx says, and what to do about it. The first match counts.
struct Wording {
  std::string_view theirs;
  std::string_view ours;
  std::string_view hint;
};

constexpr std::array kWordings = {
    Wording{"cannot redefine existing table", "a table that is there twice",
            "put the keys of both below one [table]"},
    Wording{"cannot redefine existing", "a key that is there twice",
            "keep one; the entries of both can stand in one list"},
    Wording{"cannot insert", "a table below something that is no table", "rename one of the two"},
    Wording{"expected comma or closing ']'", "a list without a comma or its closing ]",
            "put a comma between entries, and ] after the last"},
    Wording{"expected value or closing ']'", "a list with two commas in a row", "take one out"},
    Wording{"expected comma or closing '}'", "an inline table without a comma or its closing }",
            "put a comma between entries, and } after the last, all on one line"},
    Wording{"expected key-value pair", "an inline table with a comma too many",
            "TOML permits no comma before }"},
    Wording{"expected key or closing '}'", "an inline table that is not closed",
            "an inline table stands on one line: { path = \"/srv\", optional = true }"},
    Wording{"expected '='", "a key without =", "write key = value"},
    Wording{"expected value,", "a key without a value", "write a value after =, text in quotes"},
    Wording{"expected ']'", "a [table] without its closing ]",
            "close the bracket on the same line"},
    Wording{"unknown escape sequence", "an unknown escape sequence in a string",
            "in single quotes a backslash is only a backslash"},
    Wording{"expected bare key starting", "a name that is missing or needs quotes",
            "bare names have letters, digits, - and _"},
    Wording{"blank bare keys", "a [table] without a name", "name the table"},
    Wording{"expected a comment or whitespace", "something after the value",
            "one key for each line; text goes in quotes"},
    Wording{"expected keys, tables, whitespace",
            "a line that is neither key, [table] nor # comment", "write key = value"},
    Wording{"while parsing key: encountered end-of-file", "a key without a value",
            "write key = value"},
    Wording{"end-of-file", "the file ends in the middle of a value",
            "a bracket or a quote is open"},
    Wording{"exceeded maximum nested value depth", "values nested too deep",
            "no key of a policy needs more than three levels"},
    Wording{"while parsing boolean", "a value that is neither true nor false",
            "text goes in quotes"},
    Wording{"could not determine value type", "a value that is no TOML", "text goes in quotes"},
    Wording{"while parsing string", "a string that is not closed or holds a control character",
            "close the quote on the same line"},
    Wording{"leading zeroes", "a number with leading zeroes", "write octal numbers as 0o755"},
    Wording{"while parsing", "a value that is no TOML", "text goes in quotes"},
};

std::string_view first_line_of(std::string_view text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

SourceLines::SourceLines(std::string_view text, std::string source)
    : text_(text),
      source_(std::move(source)),
      starts_{0},
      is_ascii_(std::none_of(text.begin(), text.end(),
                             [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
  for (std::size_t i = text.find('\n'); i != std::string_view::npos; i = text.find('\n', i + 1)) {
    starts_.push_back(i + 1);
  }
}

std::string_view SourceLines::line(int number) const {
  const auto index = static_cast<std::size_t>(std::max(number, 1) - 1);
  if (index >= starts_.size()) {
    return {};
  }
  std::string_view content = first_line_of(text_.substr(starts_[index]));
  if (content.ends_with('\r')) {
    content.remove_suffix(1);
  }
  return content;
}

Origin SourceLines::origin(int line_number, int column) const {
  if (is_ascii_) {
    return Origin{source_, line_number, column};
  }
  const std::string_view content = line(line_number);
  std::size_t byte = 0;
  for (int seen = 1; seen < column && byte < content.size(); ++seen) {
    ++byte;
    while (byte < content.size() && is_continuation(content[byte])) {
      ++byte;
    }
  }
  return Origin{source_, line_number, static_cast<int>(byte) + 1};
}

Origin SourceLines::inside_string(const Origin& at) const {
  const std::string_view content = line(at.line);
  const std::size_t quote = static_cast<std::size_t>(at.column - 1);
  if (quote >= content.size()) {
    return at;
  }
  const std::string_view opening = content.substr(quote);
  if (!opening.starts_with("\"\"\"") && !opening.starts_with("'''")) {
    return Origin{at.source, at.line, at.column + 1};
  }
  // A newline right after the three quotes is not part of the string.
  return opening.size() == 3 ? Origin{at.source, at.line + 1, 1}
                             : Origin{at.source, at.line, at.column + 3};
}

Origin SourceLines::origin_of_byte(std::size_t offset) const {
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), offset);
  return Origin{source_, static_cast<int>(after - starts_.begin()),
                static_cast<int>(offset - *(after - 1)) + 1};
}

Status SourceLines::check_utf8() const {
  if (is_ascii_ || is_utf8(text_)) {
    return {};
  }
  std::size_t low = 0;
  std::size_t high = text_.size();
  while (low + 1 < high) {  // the longest good prefix, but for a character cut by the cut itself
    const std::size_t middle = low + (high - low) / 2;
    std::size_t cut = middle;
    while (cut < text_.size() && cut < middle + 3 && is_continuation(text_[cut])) {
      ++cut;
    }
    (is_utf8(text_.substr(0, cut)) ? low : high) = middle;
  }
  while (low + 1 < text_.size() && is_continuation(text_[low])) {
    ++low;
  }
  return Error{"this policy is not UTF-8", 0, origin_of_byte(low), "save the file as UTF-8"};
}

namespace {

// Where the string that opens at `start` ends; at the line's end if it is not closed: toml++ stops
// there with its error.
std::size_t end_of_string(std::string_view text, std::size_t start) {
  const char quote = text[start];
  const std::string_view three = quote == '"' ? "\"\"\"" : "'''";
  const bool long_form = text.substr(start).starts_with(three);
  std::size_t i = start + (long_form ? 3 : 1);
  while (i < text.size()) {
    if (quote == '"' && text[i] == '\\') {
      i += 2;
    } else if (long_form && text.substr(i).starts_with(three)) {
      i += 3;
      // Up to two quotes right before the closing three belong to the string.
      for (int extra = 0; extra < 2 && i < text.size() && text[i] == quote; ++extra) {
        ++i;
      }
      return i;
    } else if (!long_form && (text[i] == quote || text[i] == '\n')) {
      return text[i] == quote ? i + 1 : i;
    } else {
      ++i;
    }
  }
  return text.size();
}

}  // namespace

Result<std::string> SourceLines::checked_text() const {
  SBX_TRY(check_utf8());
  if (const std::size_t nul = text_.find('\0'); nul != std::string_view::npos) {
    return Error{"a NUL byte in this policy", 0, origin_of_byte(nul), "is this a text file?"};
  }
  std::string kept;
  kept.reserve(text_.size());
  std::size_t i = 0;
  while (i < text_.size()) {
    const std::size_t start = i;
    const char c = text_[i];
    if (static_cast<unsigned char>(c) >= 0x80) {
      return Error{"a character outside of ASCII that is not in quotes", 0, origin_of_byte(i),
                   "put it in quotes; save the file without byte order mark"};
    }
    if (c == '#') {
      i = std::min(text_.find('\n', i), text_.size());
      continue;
    }
    i = c == '"' || c == '\'' ? end_of_string(text_, i) : i + 1;
    kept += text_.substr(start, i - start);
  }
  return kept;
}

Error syntax_error(std::string_view description, const SourceLines& lines, int line_number,
                   int column) {
  const Wording* wording = std::find_if(kWordings.begin(), kWordings.end(), [&](const Wording& w) {
    return description.find(w.theirs) != std::string_view::npos;
  });
  Origin origin = lines.origin(line_number, column);
  if (wording == kWordings.end()) {
    return Error{"this is no TOML: " + std::string(first_line_of(description)), 0, origin, {}};
  }
  // toml++ notices a repeated key behind it; the caret belongs under its first letter.
  if (wording->theirs.starts_with("cannot redefine")) {
    const std::string_view content = lines.line(line_number);
    const std::size_t first = content.find_first_not_of(" \t[");
    origin.column = first == std::string_view::npos ? 1 : static_cast<int>(first) + 1;
  }
  return Error{"TOML: " + std::string(wording->ours), 0, origin, std::string(wording->hint)};
}

}  // namespace sbx::policy
