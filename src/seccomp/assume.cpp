// SPDX-License-Identifier: Apache-2.0
#include "seccomp/assume.h"

#include <utility>

#include "seccomp/evaluate.h"

namespace sbx::seccomp {
namespace {

using Kind = Residue::Kind;

Residue decided(bool holds) {
  return {holds ? Kind::Always : Kind::Never, {}};
}

Residue assume_test(const Condition& condition, const KnownArguments& known) {
  const ArgumentTest& test = condition.test;
  if (test.argument == kInstructionPointer) {
    return decided(holds(test, seccomp_data{}));
  }
  if (!known[test.argument]) {
    return {Kind::Open, condition};
  }
  seccomp_data call{};
  call.args[test.argument] = *known[test.argument];
  return decided(holds(test, call));
}

// And: an operand that never holds settles it, one that always does drops out; Or the other way.
Residue assume_list(const Condition& condition, const KnownArguments& known) {
  const bool is_and = condition.kind == Condition::Kind::And;
  const Kind settling = is_and ? Kind::Never : Kind::Always;
  Condition left{.kind = condition.kind, .test = {}, .operands = {}};
  for (const Condition& operand : condition.operands) {
    Residue residue = assume(operand, known);
    if (residue.kind == settling) {
      return residue;
    }
    if (residue.kind == Kind::Open) {
      left.operands.push_back(std::move(residue.condition));
    }
  }
  if (left.operands.empty()) {
    return decided(is_and);
  }
  if (left.operands.size() == 1) {
    Condition only = std::move(left.operands.front());
    return {Kind::Open, std::move(only)};
  }
  return {Kind::Open, std::move(left)};
}

Residue assume_not(const Condition& condition, const KnownArguments& known) {
  Residue residue = assume(condition.operands.front(), known);
  if (residue.kind != Kind::Open) {
    return decided(residue.kind == Kind::Never);
  }
  Condition negated{.kind = Condition::Kind::Not, .test = {}, .operands = {}};
  negated.operands.push_back(std::move(residue.condition));
  return {Kind::Open, std::move(negated)};
}

}  // namespace

Residue assume(const Condition& condition, const KnownArguments& known) {
  switch (condition.kind) {
    case Condition::Kind::Always:
      return decided(true);
    case Condition::Kind::Test:
      return assume_test(condition, known);
    case Condition::Kind::And:
    case Condition::Kind::Or:
      return assume_list(condition, known);
    case Condition::Kind::Not:
      return assume_not(condition, known);
  }
  return decided(false);
}

}  // namespace sbx::seccomp
