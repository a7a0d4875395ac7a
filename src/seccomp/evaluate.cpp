// SPDX-License-Identifier: Apache-2.0
// Written from the definitions in filter_spec.h alone, and shares nothing with the generator in
// compile.cpp: the two are held against each other at every launch.
#include "seccomp/evaluate.h"

#include <algorithm>

#include "seccomp/compile.h"
#include "seccomp/syscall_table.h"

namespace sbx::seccomp {
namespace {

template <typename T>
bool compare(Compare how, T left, T right) {
  switch (how) {
    case Compare::Equal:
      return left == right;
    case Compare::NotEqual:
      return left != right;
    case Compare::Less:
      return left < right;
    case Compare::LessEqual:
      return left <= right;
    case Compare::Greater:
      return left > right;
    case Compare::GreaterEqual:
      return left >= right;
  }
  return false;
}

}  // namespace

bool holds(const ArgumentTest& test, const seccomp_data& call) {
  const std::uint64_t left = operand_of(call, test) & test.mask;
  if (test.width == 32) {
    const auto low = static_cast<std::uint32_t>(left);
    const auto value = static_cast<std::uint32_t>(test.value);
    return test.is_signed ? compare(test.compare, static_cast<std::int32_t>(low),
                                    static_cast<std::int32_t>(value))
                          : compare(test.compare, low, value);
  }
  return test.is_signed ? compare(test.compare, static_cast<std::int64_t>(left),
                                  static_cast<std::int64_t>(test.value))
                        : compare<std::uint64_t>(test.compare, left, test.value);
}

bool holds(const Condition& condition, const seccomp_data& call) {
  const auto operand_holds = [&](const Condition& operand) { return holds(operand, call); };
  switch (condition.kind) {
    case Condition::Kind::Always:
      return true;
    case Condition::Kind::Test:
      return holds(condition.test, call);
    case Condition::Kind::And:
      return std::all_of(condition.operands.begin(), condition.operands.end(), operand_holds);
    case Condition::Kind::Or:
      return std::any_of(condition.operands.begin(), condition.operands.end(), operand_holds);
    case Condition::Kind::Not:
      return !holds(condition.operands.front(), call);
  }
  return false;
}

const Rule& first_match(const std::vector<Rule>& rules, const seccomp_data& call) {
  for (const Rule& rule : rules) {
    if (holds(rule.condition, call)) {
      return rule;
    }
  }
  return rules.back();
}

std::vector<Rule> rules_for(const FilterSpec& spec, int number) {
  if (const auto rules = spec.calls.find(number); rules != spec.calls.end()) {
    return rules->second;
  }
  return {name_of(spec.arch, number).empty() ? spec.unknown : spec.denied};
}

bool lets_run(const Rule& rule) {
  return rule.action.verdict == Verdict::Allow ||
         (rule.action.verdict == Verdict::Notify && rule.mediation != Mediation::Deny &&
          rule.mediation != Mediation::ObserveRefused);
}

bool is_foreign(Arch arch, const seccomp_data& call) {
  constexpr std::uint32_t kX32Bit = 0x4000'0000;  // __X32_SYSCALL_BIT of asm/unistd.h
  return call.arch != audit_arch(arch) ||
         (arch == Arch::X86_64 && (static_cast<std::uint32_t>(call.nr) & kX32Bit) != 0);
}

const Rule& evaluate(const FilterSpec& spec, const seccomp_data& call) {
  if (is_foreign(spec.arch, call)) {
    return spec.foreign;
  }
  if (const auto rules = spec.calls.find(call.nr); rules != spec.calls.end()) {
    return first_match(rules->second, call);
  }
  return name_of(spec.arch, call.nr).empty() ? spec.unknown : spec.denied;
}

}  // namespace sbx::seccomp
