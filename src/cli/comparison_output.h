// SPDX-License-Identifier: Apache-2.0
// A comparison of two policies as text and as JSON.
#pragma once

#include <string>

#include "cli/json_writer.h"
#include "plan/compare.h"

namespace sbx::cli {

// `a` and `b` are the policies' names.
std::string comparison_text(const plan::Comparison& comparison, const std::string& a,
                            const std::string& b);
void write_comparison(JsonWriter& json, const plan::Comparison& comparison, const std::string& a,
                      const std::string& b);
std::string comparison_json(const plan::Comparison& comparison, const std::string& a,
                            const std::string& b);

}  // namespace sbx::cli
