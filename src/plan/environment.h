// SPDX-License-Identifier: Apache-2.0
// What becomes of one environment variable, whether or not the caller has it.
#pragma once

#include <string>
#include <string_view>

#include "plan/launch_plan.h"
#include "policy/policy.h"

namespace sbx::plan {

struct VariableFate {
  enum class Kind : std::uint8_t {
    LeftOut,
    Passed,  // the caller's, if there is one; else `value` if that is not empty
    Set,     // to `value`
  };
  Kind kind = Kind::LeftOut;
  std::string value;
  std::string reason;  // "environment.pass = safe"
  Origin origin{};

  friend bool operator==(const VariableFate&, const VariableFate&) = default;
};

VariableFate fate_of(const policy::Policy& policy, const Identity& identity, std::string_view name);

}  // namespace sbx::plan
