// SPDX-License-Identifier: Apache-2.0
// An explanation as text and as JSON.
#pragma once

#include <string>

#include "plan/explain.h"

namespace sbx::cli {

std::string explanation_text(const plan::Explanation& explanation, const std::string& policy);
std::string explanation_json(const plan::Explanation& explanation, const std::string& policy);

}  // namespace sbx::cli
