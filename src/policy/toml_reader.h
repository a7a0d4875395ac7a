// SPDX-License-Identifier: Apache-2.0
// TOML text to a PolicyLayer. The only file that includes toml++. Strict: an unknown table or key,
// a wrong type, an empty list entry, a word that is no choice, is an Error with file:line:column
// and, where a known word is near, "did you mean". Input that is no UTF-8 is refused before toml++
// sees it, and its assumptions that hostile input breaks are taken out (toml_reader.cpp).
#pragma once

#include <string>
#include <string_view>

#include "policy/policy.h"

namespace sbx::policy {

inline constexpr std::size_t kMaxPolicyBytes = 1u << 20;

// `source` names the file in every Origin.
Result<PolicyLayer> read_toml(std::string_view text, const std::string& source,
                              const std::string& name);

}  // namespace sbx::policy
