// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

#include <cstring>

#include "base/errno_name.h"
#include "base/text.h"

namespace sbx {

std::string to_text(const Error& error, const std::string& excerpt) {
  std::string text = "sbx: " + escape(error.action);
  if (error.errno_value != 0) {
    const char* description = ::strerrordesc_np(error.errno_value);
    text += ": ";
    text += description != nullptr ? description : "Unknown error";
    text += " (" + errno_name(error.errno_value) + ")";
  }
  if (const std::string where = to_text(error.origin); !where.empty()) {
    const bool has_column = error.origin.line > 0 && error.origin.column > 0;
    text += " [" + escape(where) + (has_column ? ":" + std::to_string(error.origin.column) : "") + "]";
  }
  text += "\n" + excerpt;
  if (!error.hint.empty()) {
    text += "hint: " + escape(error.hint) + "\n";
  }
  return text;
}

}  // namespace sbx
