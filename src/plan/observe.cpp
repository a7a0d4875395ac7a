// SPDX-License-Identifier: Apache-2.0
#include "plan/observe.h"

#include <algorithm>

#include "seccomp/compile.h"
#include "seccomp/dangerous_calls.h"
#include "seccomp/evaluate.h"
#include "seccomp/everyday.h"
#include "seccomp/syscall_table.h"
#include "seccomp/when.h"

namespace sbx::plan {
namespace {

using seccomp::Condition;
using seccomp::Mediation;
using seccomp::Purpose;
using seccomp::Rule;
using seccomp::Verdict;

const char* const kUnnamed = "sbx learn";

bool is_unnamed(const Rule& rule) {
  return rule.origin.source.str() == kUnnamed;
}

bool is_dangerous(std::string_view call) {
  const auto dangerous = seccomp::dangerous_calls();
  return std::any_of(dangerous.begin(), dangerous.end(),
                     [&](const seccomp::DangerousCall& one) { return one.name == call; });
}

// The rule with a record of its use.
Rule watched(Rule rule, Granted granted) {
  switch (rule.action.verdict) {
    case Verdict::Allow:
      if (granted == Granted::Elsewhere && !is_unnamed(rule)) {
        return rule;
      }
      rule.mediation = is_unnamed(rule) ? Mediation::ObserveLacking : Mediation::Observe;
      break;
    case Verdict::Errno:
      // What sbx itself answers so says nothing about the program's policy.
      if (rule.purpose != Purpose::Policy || rule.action.errno_value == 0) {
        return rule;
      }
      rule.mediation = Mediation::ObserveRefused;
      rule.denied_errno = rule.action.errno_value;
      break;
    case Verdict::Notify:
    case Verdict::Kill:
      return rule;
  }
  rule.action = {Verdict::Notify, 0};
  return rule;
}

bool may_write_code(const std::vector<Rule>& rules) {
  return std::none_of(rules.begin(), rules.end(),
                      [](const Rule& rule) { return rule.purpose == Purpose::WriteExec; });
}

Result<Condition> unwatched(std::string_view call, const std::vector<Rule>& rules) {
  std::string_view when = seccomp::everyday_when(call);
  // Under memory.wx = "allow" it is worth knowing who needs it.
  if (when == "*" && (call == "mmap" || call == "mprotect") && may_write_code(rules)) {
    when = "prot & PROT_EXEC == 0";
  }
  return when == "*" ? Condition{} : seccomp::parse_when(when, call, Origin{"built in", 0, 0});
}

// An everyday use is no news wherever the policy would let it run; what comes before is not.
Status watch(std::string_view call, Watching watching, Granted granted, const Rule& denied,
             std::vector<Rule>& rules) {
  std::vector<Rule> all;
  for (Rule& rule : rules) {
    // Mediated, where it is: an address is decided as the policy says.
    if (is_unnamed(rule) && is_dangerous(call)) {
      const Condition condition = rule.condition;
      rule = denied;
      rule.condition = condition;
    }
  }
  const bool has_everyday =
      watching == Watching::Notable && !seccomp::everyday_when(call).empty();
  // A signal that comes while a call waits for the supervisor ends it with EINTR where its handler does
  // not restart calls, as dash's for SIGCHLD; and who forks does not expect that, since no kernel ends
  // fork so. What a granted start has made shows itself by its next call (learn/recorder.h).
  const bool starts =
      watching == Watching::Notable && (call == "clone" || call == "fork" || call == "vfork");
  for (const Rule& rule : rules) {
    if (starts && rule.action.verdict == Verdict::Allow && !is_unnamed(rule)) {
      all.push_back(rule);
      continue;
    }
    if (has_everyday && seccomp::lets_run(rule) && rule.action.verdict == Verdict::Allow) {
      const auto quiet = unwatched(call, rules);
      if (!quiet) {
        return quiet.error();
      }
      Rule fast = rule;
      if (quiet->kind == Condition::Kind::Always) {
        all.push_back(std::move(fast));
        continue;
      }
      fast.condition = rule.condition.kind == Condition::Kind::Always
                           ? *quiet
                           : Condition{Condition::Kind::And, {}, {rule.condition, *quiet}};
      all.push_back(std::move(fast));
    }
    all.push_back(watched(rule, granted));
  }
  rules = std::move(all);
  return {};
}

}  // namespace

policy::PolicyLayer unnamed_calls() {
  policy::PolicyLayer layer;
  layer.name = kUnnamed;
  const Origin origin{kUnnamed, 0, 0};
  // A group, of the lowest layer: every other word of the policy outranks it.
  layer.values[policy::Key::SeccompAllow] = std::vector<policy::Text>{{"@known", origin}};
  return layer;
}

Status observe(LaunchPlan& plan, Watching watching, Granted granted) {
  for (int number = 0; number <= seccomp::highest_number(plan.filter.arch); ++number) {
    const std::string_view call = seccomp::name_of(plan.filter.arch, number);
    if (call.empty()) {
      continue;
    }
    std::vector<Rule> rules = seccomp::rules_for(plan.filter, number);
    SBX_TRY(watch(call, watching, granted, plan.filter.denied, rules));
    plan.filter.calls[number] = std::move(rules);
  }
  auto program = seccomp::compile(plan.filter);
  if (!program) {
    return std::move(program).error();
  }
  plan.filter_program = *std::move(program);
  plan.observed = true;
  // The command's own start is the launch's, and no part of the record.
  plan.exec_once = true;
  return seccomp::verify(plan.filter, plan.filter_program);
}

bool keep_changes_in_memory(LaunchPlan& plan, const PathProbe& probe) {
  bool all = true;
  for (MountOp& op : plan.mounts) {
    const auto* bind = std::get_if<Bind>(&op.what);
    if (bind == nullptr || bind->read_only || bind->device) {
      continue;
    }
    if (probe(bind->source).kind != PathFacts::Kind::Directory) {
      all = false;
      continue;
    }
    op.what = OverlayMount{bind->source, bind->destination, 0, bind->source_device, bind->source_inode};
  }
  return all;
}

}  // namespace sbx::plan
