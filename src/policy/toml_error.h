// SPDX-License-Identifier: Apache-2.0
// Places in a TOML text, and syntax errors in the words of sbx. Apart from toml_reader so that it
// can be tested without toml++.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sbx::policy {

class SourceLines {
 public:
  SourceLines(std::string_view text, std::string source);

  // toml++ counts columns in code points, an Origin in bytes.
  Origin origin(int line, int column) const;

  // `at` is the opening quote of a string; the place of its first character.
  Origin inside_string(const Origin& at) const;

  // An Error for what is not UTF-8, and for a character outside of ASCII where only strings and
  // comments have one (typographic quotes, a byte order mark).
  // The answer is the text without its comments, every place unchanged: toml++ takes a character at
  // a time, and half of a good policy is comment.
  Result<std::string> checked_text() const;

  // The line without its newline; empty if there is none.
  std::string_view line(int number) const;

  const SharedText& source() const { return source_; }

 private:
  Origin origin_of_byte(std::size_t offset) const;
  Status check_utf8() const;

  std::string_view text_;
  SharedText source_;
  std::vector<std::size_t> starts_;  // of each line: every string of a policy asks for its own
  bool is_ascii_;  // policies are, as a rule: then columns need no counting
};

Error syntax_error(std::string_view description, const SourceLines& lines, int line, int column);

}  // namespace sbx::policy
