// SPDX-License-Identifier: Apache-2.0
// firejail's words that mean one fixed thing to sbx, those of removed versions too, and firejail's
// groups of system calls.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "interop/format.h"

namespace sbx::interop {

struct FirejailWord {
  std::string_view command;
  Finding::Kind kind;
  std::string_view becomes;
  std::string_view reason;
};

const FirejailWord* find_firejail_word(std::string_view command);

// Every word that is known, for "did you mean".
std::vector<std::string_view> firejail_words();

// The calls and groups that a group of firejail's alone stands for; empty for other names.
std::vector<std::string> firejail_group(std::string_view name);

// What stands in /etc for a group of private-etc: "@tls-ca". Empty if there is no such group.
std::vector<std::string> firejail_etc_group(std::string_view name);

}  // namespace sbx::interop
