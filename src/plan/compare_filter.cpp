// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/errno_name.h"
#include "base/text.h"
#include "plan/answer.h"
#include "plan/compare.h"
#include "seccomp/call_classes.h"
#include "seccomp/evaluate.h"
#include "seccomp/syscall_table.h"

namespace sbx::plan {
namespace {

using seccomp::Rule;
using Rules = std::vector<Rule>;

// How much a call may do: nothing, what the supervisor agrees to, all.
int reach(const Answer& answer) {
  return !is_granted(answer) ? 0 : answer.kind == Answer::Kind::Supervised ? 1 : 2;
}

Difference::Side side_of(const Rule& rule, const Answer& answer) {
  std::string text;
  switch (answer.kind) {
    case Answer::Kind::Run:
      text = "allowed";
      break;
    case Answer::Kind::RunTold:
      text = "allowed and told";
      break;
    case Answer::Kind::Supervised:
      text = "by the supervisor";
      break;
    case Answer::Kind::Fail:
      text = answer.errno_value == 0 ? "pretended"
                                     : fmt::format("{}{}", errno_name(answer.errno_value),
                                                   answer.told ? "" : ", silently");
      break;
    case Answer::Kind::Kill:
      text = "killed";
      break;
  }
  return {std::move(text), rule.text, rule.origin};
}

class FilterComparison {
 public:
  FilterComparison(const Compared& a, const Compared& b, Comparison& comparison)
      : a_(a), b_(b), comparison_(comparison) {}

  void compare_number(const std::string& subject, std::string_view syscall, int number) {
    const Rules rules_a = seccomp::rules_for(a_.plan.filter, number);
    const Rules rules_b = seccomp::rules_for(b_.plan.filter, number);
    if (rules_a.size() == 1 && rules_b.size() == 1) {
      compare_rules(subject, rules_a.front(), rules_b.front());
    } else if (rules_a != rules_b || a_.plan.on_violation != b_.plan.on_violation) {
      compare_classes(subject, syscall, number, rules_a, rules_b);
    }
  }

  void compare_rules(const std::string& subject, const Rule& a, const Rule& b) {
    if (answer_a(a) != answer_b(b)) {
      add(subject, "", a, b);
    }
  }

 private:
  Answer answer_a(const Rule& rule) const { return answer_to(rule, a_.plan.on_violation); }
  Answer answer_b(const Rule& rule) const { return answer_to(rule, b_.plan.on_violation); }

  void compare_classes(const std::string& subject, std::string_view syscall, int number,
                       const Rules& rules_a, const Rules& rules_b) {
    const seccomp::CallClasses classes(a_.plan.filter.arch, number, {&rules_a, &rules_b});
    // The calls that differ, by the rules that decide them.
    std::map<std::pair<const Rule*, const Rule*>, std::vector<bool>> differing;
    const std::vector<seccomp_data>& calls = classes.calls();
    for (std::size_t i = 0; i < calls.size(); ++i) {
      const Rule& a = seccomp::first_match(rules_a, calls[i]);
      const Rule& b = seccomp::first_match(rules_b, calls[i]);
      if (answer_a(a) != answer_b(b)) {
        auto& chosen = differing.try_emplace({&a, &b}, calls.size()).first->second;
        chosen[i] = true;
      }
    }
    for (const auto& [rules, chosen] : differing) {
      if (!classes.is_complete()) {
        add(subject, "an example: " + example_text(chosen, calls), *rules.first, *rules.second);
        continue;
      }
      for (const std::string& when : classes.describe(chosen, syscall)) {
        add(subject, when, *rules.first, *rules.second);
      }
    }
    if (!classes.is_complete()) {
      comparison_.notes.push_back(fmt::format(
          "{} has more cases than can be tried; those beside each test's border were", subject));
    }
  }

  static std::string example_text(const std::vector<bool>& chosen,
                                  const std::vector<seccomp_data>& calls) {
    const auto first = std::find(chosen.begin(), chosen.end(), true) - chosen.begin();
    return fmt::format("{:#x}", fmt::join(calls[static_cast<std::size_t>(first)].args, ", "));
  }

  void add(const std::string& subject, const std::string& when, const Rule& a, const Rule& b) {
    const int reach_a = reach(answer_a(a));
    const int reach_b = reach(answer_b(b));
    comparison_.differences.push_back({"system calls", subject, when, reach_b > reach_a,
                                       reach_b < reach_a, side_of(a, answer_a(a)),
                                       side_of(b, answer_b(b))});
  }

  const Compared& a_;
  const Compared& b_;
  Comparison& comparison_;
};

}  // namespace

void compare_filters(const Compared& a, const Compared& b, Comparison& comparison) {
  const seccomp::FilterSpec& filter_a = a.plan.filter;
  const seccomp::FilterSpec& filter_b = b.plan.filter;
  FilterComparison filters(a, b, comparison);
  std::vector<std::pair<std::string, int>> calls;
  int last = seccomp::highest_number(filter_a.arch);
  for (int number = 0; number <= last; ++number) {
    const std::string_view name = seccomp::name_of(filter_a.arch, number);
    if (!name.empty()) {
      calls.emplace_back(name, number);
    }
  }
  // Numbers without a name, of which only those with rules of their own can be told apart.
  for (const auto* filter : {&filter_a, &filter_b}) {
    for (const auto& [number, rules] : filter->calls) {
      const auto known = [number = number](const auto& call) { return call.second == number; };
      if (std::none_of(calls.begin(), calls.end(), known)) {
        calls.emplace_back(fmt::format("call {}", number), number);
      }
    }
  }
  std::sort(calls.begin(), calls.end());
  for (const auto& [name, number] : calls) {
    filters.compare_number(name, name.starts_with("call ") ? std::string_view() : name, number);
  }
  filters.compare_rules("unknown calls", filter_a.unknown, filter_b.unknown);
  filters.compare_rules("foreign ABIs", filter_a.foreign, filter_b.foreign);
}

}  // namespace sbx::plan
