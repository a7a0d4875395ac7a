// SPDX-License-Identifier: Apache-2.0
// JSON as a tree that loses nothing: members in their order, numbers as they are written (2^53 is no
// border), lines. For files that may be hostile: size, depth and number of values are bounded, a name
// twice in one object is an Error, since readers disagree about which of the two counts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace sbx::interop {

struct Json {
  enum class Kind : std::uint8_t { Null, Boolean, Number, String, Array, Object };
  Kind kind = Kind::Null;
  bool boolean = false;
  std::string text{};  // of a String, or a Number as it is written
  std::vector<Json> items{};
  std::vector<std::pair<std::string, Json>> members{};
  int line = 0;        // where it begins; of a String where it ends

  const Json* find(std::string_view name) const;
  // A Number that is an integer in range.
  std::optional<std::uint64_t> as_unsigned() const;

  static Json string(std::string_view text);
  static Json number(std::uint64_t value);
  static Json array() { return Json{.kind = Kind::Array}; }
  static Json object() { return Json{.kind = Kind::Object}; }
  void set(std::string_view name, Json value);
};

// Errors have the line and what was expected.
Result<Json> read_json(std::string_view text, const std::string& source);

// With `width`: arrays and objects that fit into so many columns stand in one line.
std::string write_json(const Json& value, std::size_t width);

}  // namespace sbx::interop
