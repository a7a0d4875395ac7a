// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "base/errno_name.h"
#include "seccomp/compile.h"
#include "seccomp/constants.h"
#include "seccomp/syscall_table.h"

namespace sbx::seccomp {
namespace {

constexpr std::string_view operator_text(Compare compare) {
  switch (compare) {
    case Compare::Equal:
      return "==";
    case Compare::NotEqual:
      return "!=";
    case Compare::Less:
      return "<";
    case Compare::LessEqual:
      return "<=";
    case Compare::Greater:
      return ">";
    case Compare::GreaterEqual:
      return ">=";
  }
  return "";
}

// A constant that parse_when reads back as the same value.
std::string constant_text(const ArgumentInfo& info, std::uint64_t value) {
  if (info.is_pointer) {
    return fmt::format("{:#x}", value);
  }
  return decode_argument(info, value);
}

std::string test_text(const ArgumentTest& test, std::string_view syscall) {
  const auto arguments = arguments_of(syscall);
  ArgumentInfo info;
  std::string operand = test.argument == kInstructionPointer ? "instruction_pointer"
                                                             : fmt::format("arg{}", test.argument);
  if (test.argument < arguments.size()) {
    info = arguments[test.argument];
    operand = info.name;
  }
  const std::uint64_t width_mask = test.width == 32 ? 0xffff'ffffull : ~0ull;
  if ((test.mask & width_mask & info.mask) != (width_mask & info.mask)) {
    operand += " & " + decode_mask(info, test.mask);
    // Of masked-out flags nothing is left: 0, not the word that a whole argument of 0 would be.
    if (test.value == 0) {
      return fmt::format("{} {} 0", operand, operator_text(test.compare));
    }
  }
  return fmt::format("{} {} {}", operand, operator_text(test.compare),
                     constant_text(info, test.value));
}

std::string joined(const Condition& condition, std::string_view syscall, std::string_view word) {
  std::string text;
  for (const Condition& operand : condition.operands) {
    if (!text.empty()) {
      text += word;
    }
    const bool nested = operand.kind == Condition::Kind::And || operand.kind == Condition::Kind::Or;
    text += nested ? "(" + to_text(operand, syscall) + ")" : to_text(operand, syscall);
  }
  return text;
}

std::string rule_text(const Rule& rule, std::string_view syscall) {
  std::string action;
  switch (rule.action.verdict) {
    case Verdict::Allow:
      action = "allow";
      break;
    case Verdict::Errno:
      action = rule.action.errno_value == 0
                   ? "pretend"
                   : fmt::format("errno({})", errno_name(rule.action.errno_value));
      break;
    case Verdict::Kill:
      action = "kill at once";
      break;
    case Verdict::Notify:
      switch (rule.mediation) {
        case Mediation::Deny:
          action = rule.kill ? "kill" : fmt::format("deny({})", errno_name(rule.denied_errno));
          break;
        case Mediation::Log:
          action = "log";
          break;
        case Mediation::Bind:
          action = "bind by the supervisor";
          break;
        case Mediation::Connect:
          action = "connect by the supervisor";
          break;
        case Mediation::Listen:
          action = "listen by the supervisor";
          break;
        case Mediation::Send:
          action = "send by the supervisor";
          break;
        case Mediation::Observe:
          action = "allow, recorded";
          break;
        case Mediation::ObserveLacking:
          action = "recorded";
          break;
        case Mediation::ObserveRefused:
          action = fmt::format("errno({}), recorded", errno_name(rule.denied_errno));
          break;
        case Mediation::Watch:
          action = "allow, watched";
          break;
      }
      break;
  }
  if (rule.condition.kind != Condition::Kind::Always) {
    action += " if " + to_text(rule.condition, syscall);
  }
  return action;
}

std::string rules_text(const std::vector<Rule>& rules, std::string_view syscall) {
  std::string text;
  for (const Rule& rule : rules) {
    if (!text.empty()) {
      text += "; ";
    }
    text += rule_text(rule, syscall);
    if (rule.condition.kind == Condition::Kind::Always) {
      break;
    }
  }
  return text;
}

void append_range(std::string& text, int first, int last, std::string_view names,
                  std::string_view rules) {
  const std::string numbers =
      first == last ? std::to_string(first) : fmt::format("{}-{}", first, last);
  text += fmt::format("{:<8} {}: {}\n", numbers, names.empty() ? "unused" : names, rules);
}

}  // namespace

std::string to_text(const Condition& condition, std::string_view syscall) {
  switch (condition.kind) {
    case Condition::Kind::Always:
      return "always";
    case Condition::Kind::Test:
      return test_text(condition.test, syscall);
    case Condition::Kind::And:
      return joined(condition, syscall, " and ");
    case Condition::Kind::Or:
      return joined(condition, syscall, " or ");
    case Condition::Kind::Not:
      return "not (" + to_text(condition.operands.front(), syscall) + ")";
  }
  return {};
}

std::string listing(const FilterSpec& spec) {
  std::string text = spec.arch == Arch::X86_64 ? "x86_64\n" : "aarch64\n";
  int first = 0;
  std::string names;
  std::string rules;
  const int end = highest_number(spec.arch) + 1;
  for (int number = 0; number < end; ++number) {
    const std::string_view name = name_of(spec.arch, number);
    const auto call = spec.calls.find(number);
    const std::string next = call != spec.calls.end() ? rules_text(call->second, name)
                             : name.empty()           ? rule_text(spec.unknown, name)
                                                      : rule_text(spec.denied, name);
    if (number != 0 && next != rules) {
      append_range(text, first, number - 1, names, rules);
      first = number;
      names.clear();
    }
    rules = next;
    if (!name.empty()) {
      names += names.empty() ? "" : " ";
      names += name;
    }
  }
  append_range(text, first, end - 1, names, rules);
  text += fmt::format("{:<8} {}: {}\n", fmt::format("{}-", end), "newer calls",
                      rule_text(spec.unknown, {}));
  text +=
      fmt::format("{:<8} {}: {}\n", "others", "foreign architectures", rule_text(spec.foreign, {}));
  return text;
}

}  // namespace sbx::seccomp
