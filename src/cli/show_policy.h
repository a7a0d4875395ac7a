// SPDX-License-Identifier: Apache-2.0
// A merged policy key by key, as TOML and as JSON, each value with its origin. A pure function of
// the Policy: verb_show.cpp prints it.
#pragma once

#include <string>

#include "policy/policy.h"

namespace sbx::cli {

// A policy file that says the same as the merged policy. With `origins` every value is followed by
// a comment with the place it came from.
std::string show_toml(const policy::Policy& policy, bool origins);

std::string show_json(const policy::Policy& policy);

}  // namespace sbx::cli
