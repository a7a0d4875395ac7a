// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <string>

#include <catch2/catch.hpp>

#include "plan/expand.h"

namespace sbx::plan {
namespace {

using Descriptors = std::array<bool, 3>;

constexpr Descriptors kNone{false, false, false};
constexpr Descriptors kAll{true, true, true};
constexpr Descriptors kInput{true, false, false};

Result<Terminal> expand(const std::string& mode, const Descriptors& terminals) {
  policy::Policy policy;
  policy.terminal_mode = {mode, {"policies/test.toml", 7, 0}};
  HostFacts facts;
  facts.terminals = terminals;
  return expand_terminal(policy, facts);
}

}  // namespace

TEST_CASE("what becomes of terminals", "[terminal]") {
  struct Row {
    std::string mode;
    Descriptors outside;
    bool own;
    Descriptors replaces;
    bool inherits;
  };
  const auto row = GENERATE(values<Row>({
      {"auto", kNone, false, kNone, false},
      {"auto", kAll, true, kAll, false},
      {"auto", kInput, true, kInput, false},  // what is a pipe stays one
      {"always", kNone, true, kAll, false},
      {"always", kInput, true, kAll, false},
      {"never", kNone, false, kNone, false},
      {"inherit", kNone, false, kNone, false},
      {"inherit", kInput, false, kNone, true},
  }));
  INFO(row.mode);
  const auto terminal = expand(row.mode, row.outside);
  REQUIRE(terminal);
  CHECK(terminal->own == row.own);
  CHECK(terminal->replaces == row.replaces);
  CHECK(terminal->inherits == row.inherits);
}

TEST_CASE("a terminal that the policy keeps out is an error that names it", "[terminal]") {
  const auto terminal = expand("never", {false, true, true});
  REQUIRE_FALSE(terminal);
  CHECK(terminal.error().action ==
        "descriptor 1 is a terminal, which terminal.mode = never keeps out");
  CHECK(terminal.error().origin.line == 7);
}

}  // namespace sbx::plan
