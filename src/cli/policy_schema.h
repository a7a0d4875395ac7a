// SPDX-License-Identifier: Apache-2.0
// The policy language as a JSON Schema (draft 2020-12), made of the table of keys: editors complete,
// explain and check policies with it. It says what one file may hold; what layers do to each other,
// and whether a condition parses, `sbx check` says.
#pragma once

#include <string>

namespace sbx::cli {

std::string policy_schema();

}  // namespace sbx::cli
