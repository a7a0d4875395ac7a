// SPDX-License-Identifier: Apache-2.0
#include "cli/translation.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <span>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/comparison_output.h"
#include "seccomp/syscall_table.h"

namespace sbx::cli {
namespace {

using interop::Finding;
using Kind = Finding::Kind;

// The same decision, told of by nobody: what is compared is what the caller sees.
void silence(seccomp::Rule& rule) {
  if (rule.action.verdict != seccomp::Verdict::Notify) {
    return;
  }
  if (rule.mediation == seccomp::Mediation::Deny) {
    const bool kills = rule.kill;
    rule.action = kills ? seccomp::Action{seccomp::Verdict::Kill, 0}
                        : seccomp::Action{seccomp::Verdict::Errno,
                                          rule.denied_errno == 0 ? std::uint16_t{EPERM} : rule.denied_errno};
  }
}

// An argument of which the kernel reads 32 bits is compared at 32 bits: what is above them decides
// nothing but what a caller may write there.
void narrow(seccomp::Condition& condition, std::span<const seccomp::ArgumentInfo> arguments) {
  for (seccomp::Condition& operand : condition.operands) {
    narrow(operand, arguments);
  }
  seccomp::ArgumentTest& test = condition.test;
  if (condition.kind != seccomp::Condition::Kind::Test || test.argument >= arguments.size()) {
    return;
  }
  const seccomp::ArgumentInfo& info = arguments[test.argument];
  constexpr std::uint64_t kLow = 0xffff'ffff;
  test.mask &= info.mask & (info.width == 32 ? kLow : ~0ull);
  if (info.width == 32 && (test.value & ~kLow) == 0) {
    test.width = 32;
  }
}

// The mark of the launch's own call: it is made before the command runs.
bool is_gate(const seccomp::Rule& rule) {
  return rule.condition.kind == seccomp::Condition::Kind::Test &&
         rule.condition.test.value == plan::kLaunchMark;
}

seccomp::FilterSpec silenced(seccomp::FilterSpec spec) {
  for (auto& [number, rules] : spec.calls) {
    const auto arguments = seccomp::arguments_of(seccomp::name_of(spec.arch, number));
    rules.erase(std::remove_if(rules.begin(), rules.end(), is_gate), rules.end());
    for (seccomp::Rule& rule : rules) {
      silence(rule);
      narrow(rule.condition, arguments);
    }
  }
  silence(spec.denied);
  silence(spec.unknown);
  silence(spec.foreign);
  return spec;
}

std::string_view word_of(Kind kind) {
  return kind == Kind::Mapped ? "mapped" : kind == Kind::Changed ? "changed" : "dropped";
}

std::string finding_text(const Finding& finding) {
  std::string text = fmt::format("  {}  {}", word_of(finding.kind), escape(finding.what));
  if (!finding.becomes.empty()) {
    text += " → " + escape(finding.becomes);
  }
  if (!finding.reason.empty()) {
    text += ": " + escape(finding.reason);
  }
  const std::string origin = finding.origin.line > 0 ? to_text(finding.origin) : std::string();
  return text + (origin.empty() ? "" : " [" + escape(origin) + "]") + "\n";
}

std::size_t count(const Translation& translation, Kind kind) {
  std::size_t found = 0;
  for (const Finding& finding : translation.findings) {
    found += finding.kind == kind ? 1 : 0;
  }
  return found;
}

// Decided by a rule that no policy changes.
bool is_own(const plan::Difference::Side& side) {
  return side.origin.source.str() == "built in";
}

// What sbx's own rules refuse and the other side does not: one line for each rule.
std::string own_rules_text(const plan::Comparison& comparison, std::vector<plan::Difference>& rest) {
  std::map<std::string, std::vector<std::string>> calls;
  for (const plan::Difference& difference : comparison.differences) {
    if ((difference.less && is_own(difference.b)) || (difference.more && is_own(difference.a))) {
      calls[difference.less ? difference.b.reason : difference.a.reason].push_back(difference.subject);
    } else {
      rest.push_back(difference);
    }
  }
  std::string text = calls.empty() ? "" : "  sbx's own rules refuse, whatever a policy says:\n";
  for (auto& [reason, names] : calls) {
    names.erase(std::unique(names.begin(), names.end()), names.end());
    text += fmt::format("    {}: {}\n", reason, join(names, ", "));
  }
  return text;
}

std::string proof_text(const Translation& translation) {
  std::string text = fmt::format(
      "proof: {} beside {}, every system call with the values at each rule's borders\n",
      escape(translation.a), escape(translation.b));
  plan::Comparison rest;
  text += own_rules_text(*translation.proof, rest.differences);
  rest.notes = translation.proof->notes;
  return text + (rest.differences.empty()
                     ? fmt::format("  no {}difference\n", text.find("own rules") == text.npos ? "" : "other ")
                     : comparison_text(rest, translation.a, translation.b));
}

}  // namespace

plan::Comparison prove(const seccomp::FilterSpec& source, const seccomp::FilterSpec& translation,
                       const policy::Policy& policy, const plan::LaunchPlan& plan) {
  plan::LaunchPlan a = plan;
  plan::LaunchPlan b = plan;
  a.filter = silenced(source);
  b.filter = silenced(translation);
  plan::Comparison comparison;
  plan::compare_filters({policy, a}, {policy, b}, comparison);
  return comparison;
}

bool decides_the_same(const plan::Comparison& proof) {
  return std::all_of(proof.differences.begin(), proof.differences.end(), [](const plan::Difference& one) {
    return is_own(one.a) || is_own(one.b);
  });
}

bool has_losses(const Translation& translation) {
  std::vector<plan::Difference> rest;
  if (translation.proof) {
    (void)own_rules_text(*translation.proof, rest);
  }
  return count(translation, Kind::Changed) + count(translation, Kind::Dropped) + rest.size() > 0;
}

std::string translation_text(const Translation& translation) {
  std::string text = escape(translation.title) + "\n";
  for (const Kind kind : {Kind::Mapped, Kind::Changed, Kind::Dropped}) {
    for (const Finding& finding : translation.findings) {
      text += finding.kind == kind ? finding_text(finding) : "";
    }
  }
  text += fmt::format("{} mapped, {} changed, {} dropped\n", count(translation, Kind::Mapped),
                      count(translation, Kind::Changed), count(translation, Kind::Dropped));
  if (translation.proof) {
    text += proof_text(translation);
  }
  return text;
}

void write_finding(JsonWriter& json, const Finding& finding) {
  json.member("kind", word_of(finding.kind));
  json.member("what", finding.what);
  json.member("becomes", finding.becomes);
  json.member("reason", finding.reason);
  write_origin(json, "file", finding.origin);
}

void write_translation(JsonWriter& json, const Translation& translation) {
  json.key("findings");
  json.begin_array();
  for (const Finding& finding : translation.findings) {
    json.begin_object();
    write_finding(json, finding);
    json.end_object();
  }
  json.end_array();
  if (translation.proof) {
    json.key("proof");
    write_comparison(json, *translation.proof, translation.a, translation.b);
  }
}

}  // namespace sbx::cli
