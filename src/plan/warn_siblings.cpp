// SPDX-License-Identifier: Apache-2.0
// Warnings about calls whose siblings do the same thing (seccomp/siblings.h). A rule names the calls
// that it means, no more: what a policy says can be read off its text. So that the forgotten one is
// not a hole, or a program that fails with the next C library, it is pointed out here.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "plan/warn.h"
#include "seccomp/evaluate.h"
#include "seccomp/siblings.h"
#include "seccomp/syscall_table.h"

namespace sbx::plan {
namespace {

using policy::Caution;
using seccomp::Arch;
using seccomp::Condition;
using seccomp::Purpose;
using seccomp::Rule;

// True if no rule of the policy says anything but that the call may run.
bool is_free(const seccomp::FilterSpec& filter, std::string_view call) {
  const std::vector<Rule>* rules = rules_of(filter, call);
  return rules != nullptr && seccomp::lets_run(rules->back()) &&
         std::none_of(rules->begin(), rules->end(), [](const Rule& rule) {
           return rule.purpose == Purpose::Policy && rule.origin.line > 0 &&
                  !seccomp::lets_run(rule);
         });
}

bool lets_some_run(const seccomp::FilterSpec& filter, std::string_view call) {
  const std::vector<Rule>* rules = rules_of(filter, call);
  return rules != nullptr && std::any_of(rules->begin(), rules->end(), seccomp::lets_run);
}

std::string quoted(const std::vector<std::string>& words) {
  std::vector<std::string> quotes;
  for (const std::string& word : words) {
    quotes.push_back(quote(word));
  }
  return join(quotes, ", ");
}

void warn_of_denied(const Examined& examined, const policy::Text& word, bool is_conditional,
                    Warnings& warnings) {
  for (const seccomp::Family* family : seccomp::families_of(word.value)) {
    std::vector<std::string> open;
    for (const std::string_view member : seccomp::members_of(*family)) {
      if (member != word.value && is_free(examined.filter, member)) {
        open.emplace_back(member);
      }
    }
    if (!open.empty()) {
      warnings.push_back(
          {Caution::SiblingAllowed,
           fmt::format("{} is denied{}, but not {}: each {}", word.value,
                       is_conditional ? " by condition" : "", shortened(open), family->what),
           word.origin,
           is_conditional ? fmt::format("give them the same rule: syscalls = [{}, {}]",
                                        quote(word.value), quoted(open))
                          : fmt::format("deny them too: seccomp.deny = [{}]", quoted(open))});
    }
  }
}

// Calls of old architectures only: C libraries replace them one by one, and other machines never
// had them.
bool is_legacy(std::string_view call) {
  return seccomp::number_of(Arch::X86_64, call) && !seccomp::number_of(Arch::Aarch64, call);
}

void warn_of_allowed(const Examined& examined, const policy::LayeredName& name,
                     Warnings& warnings) {
  if (!is_legacy(name.value)) {
    return;
  }
  for (const seccomp::Family* family : seccomp::families_of(name.value)) {
    std::vector<std::string> newer;
    bool is_covered = false;
    for (const std::string_view member : seccomp::members_of(*family)) {
      if (seccomp::number_of(Arch::Aarch64, member)) {
        newer.emplace_back(member);
        is_covered = is_covered || lets_some_run(examined.filter, member);
      }
    }
    if (!newer.empty() && !is_covered) {
      warnings.push_back(
          {Caution::SiblingDenied,
           fmt::format("{} is allowed, but {} is denied", name.value, shortened(newer)),
           name.origin,
           fmt::format("a C library may use it in its place: seccomp.allow = [{}]",
                       quote(newer.front()))});
    }
  }
}

// ENOSYS sends a program to the older sibling: that is its meaning.
bool is_refusal(const policy::SeccompRule& rule) {
  const std::string& action = rule.action.value;
  return action != "allow" && action != "log" && action != "errno(ENOSYS)";
}

}  // namespace

void warn_of_siblings(const Examined& examined, Warnings& warnings) {
  for (const policy::LayeredName& name : examined.policy.deny) {
    if (examined.is_own(name.layer)) {
      warn_of_denied(examined, {name.value, name.origin}, false, warnings);
    }
  }
  for (const auto& [rule, layer] : examined.policy.rules) {
    for (const policy::Text& word : rule.syscalls) {
      if (examined.is_own(layer) && is_refusal(rule)) {
        warn_of_denied(examined, word, !rule.when.value.empty(), warnings);
      }
    }
  }
  for (const policy::LayeredName& name : examined.policy.allow) {
    if (examined.is_own(name.layer)) {
      warn_of_allowed(examined, name, warnings);
    }
  }
}

}  // namespace sbx::plan
