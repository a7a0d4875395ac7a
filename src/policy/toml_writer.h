// SPDX-License-Identifier: Apache-2.0
// PolicyLayer → TOML, as a person would have written it: what is imported or learned becomes a file
// that is read, changed and kept. read_toml of the text gives the same layer, but for origins.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/policy.h"

namespace sbx::policy {

// A TOML basic string: quotes, backslashes and control characters escaped (TOML 1.0, Strings).
// Bytes that are no UTF-8 come out as \xNN text.
std::string toml_string(std::string_view text);

// Explanations, each of one or more lines without "#". The writer wraps them.
struct TomlComments {
  std::string title;                // before everything
  std::map<Key, std::string> keys;  // before the key
  std::vector<std::string> rules;   // before the rule of the same index; may be shorter
  std::vector<std::string> rules_beside = {};  // the same, beside its first line; one line each
  // Beside an entry of a list, by its text or path; beside a single value, by "". One line each;
  // neighbours with the same explanation share a line.
  std::map<std::pair<Key, std::string>, std::string> beside = {};
  std::string end = {};             // after everything
};

std::string to_toml(const PolicyLayer& layer, const TomlComments& comments = {});

}  // namespace sbx::policy
