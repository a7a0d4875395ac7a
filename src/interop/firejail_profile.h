// SPDX-License-Identifier: Apache-2.0
// A firejail profile as one list of commands: files that it includes put in their places, lines that
// an earlier `ignore` or a condition takes out marked as such, macros still in it. What the commands
// mean is firejail_import.cpp's business. Words: firejail-profile(5), versions 0.9.40 to 0.9.74.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "interop/format.h"

namespace sbx::interop {

struct FirejailLine {
  std::string command;   // "blacklist"
  std::string argument;  // "${HOME}/.ssh"; may be empty
  std::string text;      // the line, trimmed
  Origin origin{};
  // Not empty: the reader has dealt with the line, and this is how: "included", "condition does not
  // hold: HAS_APPIMAGE".
  std::string settled;
};

// Lines of the profile and of what it includes, in the order in which firejail reads them. Errors: an
// included file that is missing (but for *.local), cycles, lines and files beyond all measure.
Result<std::vector<FirejailLine>> read_firejail(const ImportRequest& request);

bool looks_like_firejail(std::string_view text, std::string_view source);

Result<Import> import_firejail(const ImportRequest& request);

}  // namespace sbx::interop
