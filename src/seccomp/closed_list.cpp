// SPDX-License-Identifier: Apache-2.0
#include "seccomp/closed_list.h"

#include "base/text.h"
#include "seccomp/syscall_table.h"
#include "seccomp/when.h"

namespace sbx::seccomp {
namespace {

Rule rule_of(Verdict verdict, Condition condition = {}) {
  Rule rule;
  rule.action = {verdict, 0};
  rule.condition = std::move(condition);
  rule.purpose = Purpose::Launch;
  rule.origin.source = "built in";
  return rule;
}

// Conditional rows first, in their order, then what decides the rest.
void add(std::vector<Rule>& rules, Rule rule) {
  if (rules.empty()) {
    rules.push_back(rule_of(Verdict::Kill));
  }
  if (rule.condition.kind == Condition::Kind::Always) {
    rules.back() = std::move(rule);
  } else {
    rules.insert(rules.end() - 1, std::move(rule));
  }
}

}  // namespace

Result<FilterSpec> closed_list(std::span<const ListedCalls> list) {
  FilterSpec spec;
  spec.arch = native_arch();
  spec.denied = rule_of(Verdict::Kill);
  spec.unknown = spec.denied;
  spec.foreign = spec.denied;
  for (const ListedCalls& row : list) {
    for (const std::string& name : split(row.names, ' ')) {
      const auto number = number_of(spec.arch, name);
      if (!number) {
        if (!is_syscall_name(name)) {
          return Error{"unknown system call " + quote(name) + " in a list of sbx's own"};
        }
        continue;  // another architecture's
      }
      Condition condition;
      if (!row.when.empty()) {
        auto parsed = parse_when(row.when, name, {});
        if (!parsed) {
          return std::move(parsed).error();
        }
        condition = *std::move(parsed);
      }
      add(spec.calls[*number], rule_of(Verdict::Allow, std::move(condition)));
    }
  }
  return spec;
}

}  // namespace sbx::seccomp
