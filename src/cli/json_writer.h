// SPDX-License-Identifier: Apache-2.0
// JSON (RFC 8259) written in order, indented by two, or on one line. Strings that are no UTF-8, as paths may be,
// come out with their bytes escaped as \xNN text, so that the document stays valid.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/origin.h"

namespace sbx::cli {

class JsonWriter {
 public:
  enum class Layout { Indented, OneLine };

  explicit JsonWriter(Layout layout = Layout::Indented) : layout_(layout) {}

  void begin_object() { begin('{'); }
  void end_object() { end('}'); }
  void begin_array() { begin('['); }
  void end_array() { end(']'); }
  void key(std::string_view name);
  void string(std::string_view text);
  void number(unsigned long long value) { raw(std::to_string(value)); }
  void boolean(bool value) { raw(value ? "true" : "false"); }

  // A key with a text.
  void member(std::string_view name, std::string_view text) {
    key(name);
    string(text);
  }

  // The document, with a newline at its end.
  std::string take() { return std::move(text_) + "\n"; }

 private:
  void begin(char bracket);
  void end(char bracket);
  void raw(std::string_view text);
  void separate();
  void quote(std::string_view text);

  void break_line();

  Layout layout_;
  std::string text_;
  int depth_ = 0;
  bool first_ = true;
  bool after_key_ = false;
};

// Two members: the source as `name`, and "line".
void write_origin(JsonWriter& json, std::string_view name, const Origin& origin);

}  // namespace sbx::cli
