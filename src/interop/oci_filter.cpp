// SPDX-License-Identifier: Apache-2.0
// What runc makes of a profile, step for step: which rules it takes, how libseccomp joins several
// rules of one call, and the answer to calls newer than the profile.
#include <algorithm>
#include <cerrno>
#include <map>

#include <fmt/format.h>

#include "interop/oci_profile.h"
#include "policy/capabilities.h"
#include "seccomp/syscall_table.h"

namespace sbx::interop {
namespace {

using seccomp::ArgumentTest;
using seccomp::Compare;
using seccomp::Condition;
using seccomp::Rule;
using seccomp::Verdict;

// As Go calls the architectures, which is what Docker compares.
std::string_view go_name(seccomp::Arch arch) {
  return arch == seccomp::Arch::X86_64 ? "amd64" : "arm64";
}

bool names_arch(const OciCircumstance& circumstance, seccomp::Arch arch) {
  const auto& names = circumstance.architectures;
  return std::find(names.begin(), names.end(), go_name(arch)) != names.end();
}

bool holds_capability(std::uint64_t held, const std::string& name) {
  const policy::Capability* known = policy::find_capability(name);
  return known != nullptr && (held >> (known - policy::capabilities().data()) & 1) != 0;
}

bool is_at_least(const ImportRequest& request, const std::pair<int, int>& version) {
  return std::pair(request.kernel_major, request.kernel_minor) >= version;
}

Condition test(const OciArgument& argument) {
  ArgumentTest test;
  test.argument = argument.index;
  test.value = argument.value;
  switch (argument.compare) {
    case OciCompare::NotEqual:
      test.compare = Compare::NotEqual;
      break;
    case OciCompare::Less:
      test.compare = Compare::Less;
      break;
    case OciCompare::LessEqual:
      test.compare = Compare::LessEqual;
      break;
    case OciCompare::Equal:
      break;
    case OciCompare::GreaterEqual:
      test.compare = Compare::GreaterEqual;
      break;
    case OciCompare::Greater:
      test.compare = Compare::Greater;
      break;
    case OciCompare::MaskedEqual:
      test.mask = argument.value;
      test.value = argument.value_two & argument.value;  // libseccomp drops what is outside the mask
      break;
  }
  return Condition{.kind = Condition::Kind::Test, .test = test, .operands = {}};
}

Rule make_rule(const OciProfile& profile, OciAction action, const std::optional<std::uint64_t>& value,
               int line, std::string text) {
  Rule rule;
  rule.origin = Origin{profile.source, line, 0};
  rule.text = std::move(text);
  // What ends in a refusal is asked of the supervisor, which answers the same and tells of it.
  switch (action) {
    case OciAction::KillThread:
    case OciAction::KillProcess:
    case OciAction::Trap:
      rule.action = {Verdict::Notify, 0};
      rule.kill = true;
      break;
    case OciAction::Errno:
      rule.action = errno_of(value) == EPERM ? seccomp::Action{Verdict::Notify, 0}
                                             : seccomp::Action{Verdict::Errno, errno_of(value)};
      break;
    case OciAction::Trace:
      rule.action = {Verdict::Errno, ENOSYS};  // seccomp(2): the answer where no tracer is
      break;
    case OciAction::Allow:
      rule.action = {Verdict::Allow, 0};
      break;
    case OciAction::Log:
      rule.action = {Verdict::Notify, 0};
      rule.mediation = seccomp::Mediation::Log;
      break;
    case OciAction::Notify:
      rule.action = {Verdict::Notify, 0};
      break;
  }
  return rule;
}

// The rules of one call as libseccomp keeps them: conditional ones are added up, one without a
// condition takes the place of all before it and lets nothing in after it.
struct Chain {
  std::vector<Rule> conditional;
  std::optional<Rule> always;
};

// In which order conditional rules of different actions are asked: libseccomp's depends on its tree,
// so the stricter one counts here.
int strictness(const Rule& rule) {
  return rule.action.verdict == Verdict::Allow            ? 0
         : rule.mediation == seccomp::Mediation::Log      ? 1
         : rule.action.verdict == Verdict::Errno          ? 2
         : rule.kill                                      ? 4
                                                          : 3;
}

void add(Chain& chain, const Rule& rule, const std::vector<Condition>& conditions) {
  if (chain.always) {
    return;
  }
  if (conditions.empty()) {
    chain.conditional.clear();
    chain.always = rule;
    return;
  }
  for (const Condition& condition : conditions) {
    chain.conditional.push_back(rule);
    chain.conditional.back().condition = condition;
  }
}

}  // namespace

std::uint16_t errno_of(const std::optional<std::uint64_t>& value) {
  constexpr std::uint64_t kMaxErrno = 4095;  // the kernel caps it there (seccomp(2))
  return static_cast<std::uint16_t>(std::min(value.value_or(EPERM) & 0xffff, kMaxErrno));
}

std::string why_left_out(const OciRule& rule, const ImportRequest& request) {
  for (const std::string& name : rule.excludes.capabilities) {
    if (holds_capability(request.capabilities, name)) {
      return "not with " + name;
    }
  }
  if (names_arch(rule.excludes, request.arch)) {
    return "not on this architecture";
  }
  if (rule.excludes.kernel && is_at_least(request, *rule.excludes.kernel)) {
    return "not on this kernel";
  }
  if (!rule.includes.architectures.empty() && !names_arch(rule.includes, request.arch)) {
    return "only on other architectures";
  }
  for (const std::string& name : rule.includes.capabilities) {
    if (!holds_capability(request.capabilities, name)) {
      return "only with " + name + ", which the policy does not keep";
    }
  }
  if (rule.includes.kernel && !is_at_least(request, *rule.includes.kernel)) {
    return "only on newer kernels";
  }
  return {};
}

std::vector<std::size_t> rules_that_apply(const OciProfile& profile, const ImportRequest& request) {
  std::vector<std::size_t> applying;
  for (std::size_t i = 0; i < profile.rules.size(); ++i) {
    if (why_left_out(profile.rules[i], request).empty()) {
      applying.push_back(i);
    }
  }
  return applying;
}

bool is_redundant(const OciProfile& profile, const OciRule& rule) {
  if (rule.action != profile.default_action) {
    return false;
  }
  const bool has_errno = rule.action == OciAction::Errno || rule.action == OciAction::Trace;
  return !has_errno || errno_of(rule.errno_value) == errno_of(profile.default_errno);
}

std::vector<Condition> conditions_of(const OciRule& rule, Compat compat) {
  std::vector<Condition> tests;
  std::uint32_t seen = 0;
  bool twice = false;
  for (const OciArgument& argument : rule.arguments) {
    twice = twice || (seen >> argument.index & 1) != 0;
    seen |= 1u << argument.index;
    tests.push_back(test(argument));
  }
  if (tests.size() < 2 || (twice && compat == Compat::Runc)) {
    return tests;
  }
  return {Condition{.kind = Condition::Kind::And, .test = {}, .operands = std::move(tests)}};
}

std::optional<int> newest_number(const OciProfile& profile, const std::vector<std::size_t>& rules,
                                 seccomp::Arch arch) {
  // Tracers are expected to know what they do; and 38 by default is the answer already.
  const bool lets_run = profile.default_action == OciAction::Allow ||
                        profile.default_action == OciAction::Log ||
                        profile.default_action == OciAction::Trace;
  if (lets_run || (profile.default_errno && errno_of(profile.default_errno) == ENOSYS)) {
    return std::nullopt;
  }
  std::optional<int> newest;
  for (const std::size_t index : rules) {
    for (const std::string& name : profile.rules[index].names) {
      if (const auto number = seccomp::number_of(arch, name)) {
        newest = std::max(newest.value_or(0), *number);
      }
    }
  }
  return newest;
}

seccomp::FilterSpec oci_filter(const OciProfile& profile, const ImportRequest& request) {
  seccomp::FilterSpec spec;
  spec.arch = request.arch;
  spec.denied = make_rule(profile, profile.default_action, profile.default_errno,
                          profile.default_line, "defaultAction");
  spec.denied.purpose = seccomp::Purpose::Default;
  spec.unknown = spec.denied;
  spec.foreign.origin = Origin{profile.source, profile.default_line, 0};
  spec.foreign.text = "architectures";
  spec.foreign.denied_errno = ENOSYS;
  const auto rules = rules_that_apply(profile, request);
  std::map<int, Chain> chains;
  for (const std::size_t index : rules) {
    const OciRule& rule = profile.rules[index];
    if (is_redundant(profile, rule)) {
      continue;
    }
    const auto conditions = conditions_of(rule, request.compat);
    for (std::size_t i = 0; i < rule.names.size(); ++i) {
      if (const auto number = seccomp::number_of(request.arch, rule.names[i])) {
        add(chains[*number],
            make_rule(profile, rule.action, rule.errno_value, rule.name_lines[i],
                      fmt::format("syscalls[{}]", index)),
            conditions);
      }
    }
  }
  const auto newest = newest_number(profile, rules, request.arch);
  Rule newer = make_rule(profile, OciAction::Errno, ENOSYS, profile.default_line,
                         "newer than all that the profile names");
  for (int number = 0; number <= seccomp::highest_number(request.arch); ++number) {
    if (seccomp::name_of(request.arch, number).empty()) {
      continue;  // no call has it, and none will: `unknown` answers
    }
    const Rule& last = newest && number > *newest ? newer : spec.denied;
    const auto chain = chains.find(number);
    std::vector<Rule> list;
    if (chain != chains.end()) {
      list = chain->second.conditional;
      std::stable_sort(list.begin(), list.end(), [](const Rule& one, const Rule& other) {
        return strictness(one) > strictness(other);
      });
      list.push_back(chain->second.always.value_or(last));
    } else {
      list.push_back(last);
    }
    spec.calls.emplace_hint(spec.calls.end(), number, std::move(list));
  }
  if (newest) {
    spec.unknown = newer;
  }
  return spec;
}

}  // namespace sbx::interop
