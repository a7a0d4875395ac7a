// SPDX-License-Identifier: Apache-2.0
#include "cli/json_writer.h"

#include "base/text.h"

namespace sbx::cli {

void JsonWriter::key(std::string_view name) {
  separate();
  quote(name);
  text_ += ": ";
  after_key_ = true;
}

void JsonWriter::string(std::string_view text) {
  separate();
  quote(is_utf8(text) ? text : escape(text));
}

void JsonWriter::begin(char bracket) {
  separate();
  text_ += bracket;
  ++depth_;
  first_ = true;
}

void JsonWriter::end(char bracket) {
  --depth_;
  if (!first_) {
    break_line();
  }
  text_ += bracket;
  first_ = false;
}

void JsonWriter::raw(std::string_view text) {
  separate();
  text_ += text;
}

void JsonWriter::separate() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (depth_ > 0) {
    text_ += first_ ? "" : ",";
    break_line();
  }
  first_ = false;
}

void JsonWriter::break_line() {
  if (layout_ == Layout::Indented) {
    text_ += "\n" + std::string(2 * static_cast<std::size_t>(depth_), ' ');
  }
}

void JsonWriter::quote(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  text_ += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text_ += '\\';
      text_ += c;
    } else if (c == '\n') {
      text_ += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      text_ += "\\u00";
      text_ += kHex[byte >> 4];
      text_ += kHex[byte & 15];
    } else {
      text_ += c;
    }
  }
  text_ += '"';
}

void write_origin(JsonWriter& json, std::string_view name, const Origin& origin) {
  json.member(name, origin.source.str());
  json.key("line");
  json.number(static_cast<unsigned>(origin.line));
}

}  // namespace sbx::cli
