// SPDX-License-Identifier: Apache-2.0
// Single values of the policy language, whoever wrote them: a TOML file (toml_reader.h) or an
// option of the command line. What a value may say is checked here once for both.
#pragma once

#include <string>
#include <string_view>

#include "policy/policy.h"

namespace sbx::policy {

// A value of `key` from one word of the command line: "64M" for a size, one entry for a list.
// Not for Pairs (see environment_pair) and Rules.
Result<Value> value_from_text(Key key, std::string_view text, const Origin& origin);

// "64M", "10m", "512" as the key's type reads it.
Result<Number> parse_amount(Key key, std::string_view text, const Origin& origin);

// `path` normalised, "$HOME/x" as "~/x". Errors: neither absolute nor below ~, "..", a NUL byte.
// `relative_base`: the directory below which a relative path lies; empty: refuse it. A policy file
// has none: the directory that the user stands in changes no policy.
Result<std::string> check_path(std::string_view path, const Origin& origin,
                               std::string_view relative_base = {});

// "NAME=value" for environment.set.
Result<std::map<std::string, Text>> environment_pair(std::string_view text, const Origin& origin);

// Everything that can be said of a value alone: words of choices, names of errnos and variables,
// lowest numbers, empty entries, normalised paths.
Status check_value(Key key, const Value& value);

// The words of a rule's action, as KeyInfo::choices.
std::string_view rule_actions();

// True for keys whose entries `remove` can take away: lists and tables that append.
bool is_removable(Key key);

// A policy's name: [A-Za-z0-9._+-]+, with neither '.' nor '-' at its start, without ".toml" and
// ".local" at its end.
bool is_policy_name(std::string_view name);

}  // namespace sbx::policy
