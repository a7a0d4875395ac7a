// SPDX-License-Identifier: Apache-2.0
// What sbx score prints: each item with what it adds, by area.
#pragma once

#include <string>
#include <vector>

#include "score/exposure.h"

namespace sbx::cli {

struct Score {
  std::string subject;  // as it was named
  std::string kind;     // "policy", "unit", "process"
  std::string detail;   // what else to say of it, a line: "namespaces compared with pid 1's"; may be empty
  score::Facts facts;
  score::Exposure exposure;
};

std::string score_text(const Score& score);
std::string scores_json(const std::vector<Score>& scores);

}  // namespace sbx::cli
