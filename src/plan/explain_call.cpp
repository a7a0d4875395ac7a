// SPDX-License-Identifier: Apache-2.0
// The rules of one call, walked as the filter does: those that cannot hold are left out, those that
// depend on what was not said are listed, until one holds in any case.
#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/errno_name.h"
#include "base/text.h"
#include "plan/answer.h"
#include "plan/claims.h"
#include "plan/explain.h"
#include "seccomp/call_classes.h"
#include "seccomp/compile.h"
#include "seccomp/evaluate.h"
#include "seccomp/groups.h"
#include "seccomp/remedy.h"
#include "seccomp/syscall_table.h"
#include "seccomp/when.h"

namespace sbx::plan {
namespace {

using seccomp::Purpose;
using seccomp::Residue;
using seccomp::Rule;

std::string effect_of(const Answer& answer) {
  const std::string_view telling = answer.told ? ", and sbx tells of it" : ", silently";
  switch (answer.kind) {
    case Answer::Kind::Run:
      return "";
    case Answer::Kind::RunTold:
      return "let through, and sbx tells of it";
    case Answer::Kind::Supervised:
      return "done by the supervisor in the caller's place";
    case Answer::Kind::Fail:
      return answer.errno_value == 0
                 ? "does nothing and reports success"
                 : fmt::format("fails with {}{}", errno_name(answer.errno_value), telling);
    case Answer::Kind::Kill:
      return fmt::format("the process is killed{}", telling);
  }
  return "";
}

// A denial that depends on arguments that were not said has no example to make a remedy of.
seccomp::Remedy remedy_for_open(const CallQuestion& question, const Rule& rule,
                                const std::string& condition) {
  return rule.purpose == Purpose::Policy ? seccomp::rule_allowing(question.name, condition)
                                         : seccomp::Remedy{};
}

// What the policy says otherwise about the call, and why that does not count.
std::vector<Beaten> beaten_by(const policy::Policy& policy, const CallQuestion& question,
                              const Rule& rule, bool granted) {
  const std::vector<Claim> claims = claims_about(policy, question.name);
  const auto winner = std::find_if(claims.begin(), claims.end(), [&](const Claim& claim) {
    return claim.origin == rule.origin && claim.grants == granted;
  });
  const bool is_own = rule.purpose != Purpose::Policy && rule.purpose != Purpose::Default;
  std::vector<Beaten> beaten;
  for (const Claim& claim : claims) {
    if (claim.grants == granted) {
      continue;
    }
    if (!claim.when.empty()) {
      const auto condition = seccomp::parse_when(claim.when, question.name, claim.origin);
      if (!condition ||
          seccomp::assume(*condition, question.arguments).kind != Residue::Kind::Always) {
        continue;  // it says nothing about these arguments, or is listed itself
      }
    }
    std::string why;
    if (winner != claims.end()) {
      why = why_beaten(claim, *winner);
    } else if (is_own) {
      why = "what sbx itself needs comes before the policy";
    }
    if (!why.empty()) {
      beaten.push_back({claim.text, claim.origin, std::move(why)});
    }
  }
  return beaten;
}

class CallExplainer {
 public:
  CallExplainer(const policy::Policy& policy, const LaunchPlan& plan, const CallQuestion& question)
      : policy_(policy),
        plan_(plan),
        question_(question),
        rules_(seccomp::rules_for(plan.filter, question.number)),
        examples_(rules_.size()) {
    const seccomp::CallClasses classes(plan.filter.arch, question.number, {&rules_},
                                       question.arguments);
    for (const seccomp_data& call : classes.calls()) {
      auto& example = examples_[index_of(seccomp::first_match(rules_, call))];
      example = example.value_or(call);
    }
    is_complete_ = classes.is_complete();
  }

  std::vector<Finding> findings() const {
    std::vector<Finding> found;
    for (std::size_t i = 0; i < rules_.size(); ++i) {
      const Residue residue = seccomp::assume(rules_[i].condition, question_.arguments);
      const bool can_decide = examples_[i] || !is_complete_;
      if (residue.kind != Residue::Kind::Never && can_decide) {
        found.push_back(finding(i, residue, found.empty()));
      }
      if (residue.kind == Residue::Kind::Always) {
        break;
      }
    }
    return found;
  }

 private:
  std::size_t index_of(const Rule& rule) const {
    return static_cast<std::size_t>(&rule - rules_.data());
  }

  Finding finding(std::size_t index, const Residue& residue, bool is_first) const {
    const Rule& rule = rules_[index];
    const Answer answer = answer_to(rule, plan_.on_violation);
    const bool is_open = residue.kind == Residue::Kind::Open;
    const std::string condition =
        is_open ? seccomp::to_text(residue.condition, question_.name) : "";
    Finding finding;
    finding.ruling = is_granted(answer) ? Ruling::Allowed : Ruling::Denied;
    finding.subject = is_open ? "when " + condition : is_first ? "" : "otherwise";
    finding.reason = rule.text;
    finding.origin = rule.origin;
    finding.effect = effect_of(answer);
    if (finding.ruling == Ruling::Denied) {
      seccomp_data example{};
      example.arch = seccomp::audit_arch(plan_.filter.arch);
      example.nr = question_.number;
      auto remedy =
          is_open ? remedy_for_open(question_, rule, condition)
                  : seccomp::remedy_for(plan_.filter, examples_[index].value_or(example), rule);
      finding.remedy = seccomp::to_text(remedy);
      finding.warning = std::move(remedy.warning);
    }
    if (!is_open) {  // else what is beaten is the next case
      finding.beaten = beaten_by(policy_, question_, rule, finding.ruling == Ruling::Allowed);
    }
    return finding;
  }

  const policy::Policy& policy_;
  const LaunchPlan& plan_;
  const CallQuestion& question_;
  const std::vector<Rule> rules_;
  std::vector<std::optional<seccomp_data>> examples_;  // a call that the rule decides, by its index
  bool is_complete_ = true;
};

}  // namespace

std::string_view word(Ruling ruling) {
  return ruling == Ruling::Allowed ? "allowed" : ruling == Ruling::Denied ? "denied" : "depends";
}

Ruling ruling_of(const std::vector<Finding>& findings) {
  const auto all_are = [&](Ruling ruling) {
    return std::all_of(findings.begin(), findings.end(),
                       [&](const Finding& finding) { return finding.ruling == ruling; });
  };
  return all_are(Ruling::Denied)    ? Ruling::Denied
         : all_are(Ruling::Allowed) ? Ruling::Allowed
                                    : Ruling::Depends;
}

Explanation explain_call(const policy::Policy& policy, const LaunchPlan& plan,
                         const CallQuestion& question) {
  Explanation explanation;
  explanation.kind = "call";
  explanation.question = fmt::format("{} [{}]", question.text, question.number);
  explanation.findings = CallExplainer(policy, plan, question).findings();
  explanation.ruling = ruling_of(explanation.findings);
  if (question.name == "execve" && plan.exec_once) {
    explanation.notes.emplace_back(
        "the command itself is started by its first execve, which the supervisor lets through");
  }
  return explanation;
}

Explanation explain_group(const policy::Policy& policy, const LaunchPlan& plan,
                          const GroupQuestion& question) {
  Explanation explanation;
  explanation.kind = "group";
  explanation.question = question.name;
  for (const Ruling ruling : {Ruling::Allowed, Ruling::Depends, Ruling::Denied}) {
    std::vector<std::string> names;
    for (const std::string_view name : seccomp::expand_group(*seccomp::find_group(question.name))) {
      const auto number = seccomp::number_of(plan.filter.arch, name);
      if (number &&
          ruling == ruling_of(CallExplainer(policy, plan,
                                            {std::string(name), std::string(name), *number, {}})
                                  .findings())) {
        names.emplace_back(name);
      }
    }
    if (!names.empty()) {
      explanation.findings.push_back({ruling, join(names, " "), "", {}, "", "", "", {}});
    }
  }
  explanation.ruling = ruling_of(explanation.findings);
  return explanation;
}

}  // namespace sbx::plan
