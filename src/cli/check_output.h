// SPDX-License-Identifier: Apache-2.0
// The result of sbx learn --check as text, as JSON and as JUnit's XML.
#pragma once

#include <string>
#include <vector>

#include "learn/check.h"

namespace sbx::cli {

struct CheckResult {
  std::string policy;
  std::vector<learn::Finding> lacks;
  std::vector<learn::Finding> unused;  // looked for only with --strict
  bool strict = false;

  bool passes() const { return lacks.empty() && unused.empty(); }
};

std::string check_text(const CheckResult& result);
std::string check_json(const CheckResult& result);
// One test case for what is lacking, one more for what is unused if that was looked for.
std::string check_junit(const CheckResult& result);

}  // namespace sbx::cli
