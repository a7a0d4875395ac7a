// SPDX-License-Identifier: Apache-2.0
// Environment variables, limits, capabilities.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "plan/environment.h"
#include "plan/explain.h"
#include "policy/capabilities.h"

namespace sbx::plan {
namespace {

Explanation single(std::string kind, std::string question, Finding finding) {
  Explanation explanation;
  explanation.kind = std::move(kind);
  explanation.question = std::move(question);
  explanation.ruling = finding.ruling;
  explanation.findings.push_back(std::move(finding));
  return explanation;
}

}  // namespace

Explanation explain_variable(const policy::Policy& policy, const LaunchPlan& plan,
                             const HostFacts& facts, const VariableQuestion& question) {
  const VariableFate fate = fate_of(policy, plan.identity, question.name);
  const auto callers = facts.environment.find(question.name);
  Finding finding;
  finding.reason = fate.reason;
  finding.origin = fate.origin;
  finding.ruling = Ruling::Allowed;
  switch (fate.kind) {
    case VariableFate::Kind::LeftOut:
      finding.ruling = Ruling::Denied;
      finding.effect = "left out";
      finding.remedy = fmt::format("--env {0}, or  environment.keep = [\"{0}\"]", question.name);
      break;
    case VariableFate::Kind::Set:
      finding.effect = "set to " + quote(fate.value);
      break;
    case VariableFate::Kind::Passed:
      if (callers != facts.environment.end()) {
        finding.effect = "passed on: " + quote(callers->second);
      } else if (!fate.value.empty()) {
        finding.effect = "not in the caller's environment, so " + quote(fate.value);
      } else {
        finding.ruling = Ruling::Denied;
        finding.effect = "would be passed on, but is not in the caller's environment";
      }
      break;
  }
  return single("variable", "env " + question.name, std::move(finding));
}

// Without a limit everything is allowed; with one it depends on how much is asked for.
Explanation explain_limit(const policy::Policy& policy, const LimitQuestion& question) {
  const policy::KeyInfo& key = policy::info(question.limit);
  const auto limit = policy.limits.find(question.limit);
  Finding finding;
  finding.ruling = limit == policy.limits.end() ? Ruling::Allowed : Ruling::Depends;
  finding.reason = fmt::format("limits.{}", key.name);
  if (limit == policy.limits.end()) {
    finding.effect = "no limit";
  } else {
    finding.origin = limit->second.origin;
    const std::string_view unit = key.type == policy::KeyType::Size      ? " bytes"
                                  : key.type == policy::KeyType::Seconds ? " seconds"
                                                                         : "";
    finding.effect = fmt::format("up to {}{}", limit->second.value, unit);
    finding.remedy = fmt::format("--limit {}=VALUE", key.name);
  }
  return single("limit", fmt::format("limit {}", key.name), std::move(finding));
}

Explanation explain_capability(const policy::Policy& policy, const LaunchPlan& plan,
                               const CapabilityQuestion& question) {
  const auto all = policy::capabilities();
  const auto found = std::find_if(all.begin(), all.end(), [&](const policy::Capability& one) {
    return one.name == question.name;
  });
  const auto bit = static_cast<unsigned>(found - all.begin());
  const bool is_kept = (plan.capabilities >> bit & 1) != 0;
  const auto named =
      std::find_if(policy.capabilities.begin(), policy.capabilities.end(),
                   [&](const policy::Text& name) { return name.value == question.name; });
  Finding finding;
  finding.ruling = is_kept ? Ruling::Allowed : Ruling::Denied;
  finding.reason = is_kept ? "capabilities.keep" : "not in capabilities.keep";
  finding.origin = named == policy.capabilities.end() ? Origin{} : named->origin;
  finding.effect = is_kept ? "held, in the sandbox's own namespaces" : "in none of the five sets";
  if (!is_kept && found->effect != policy::Capability::Effect::Refused) {
    finding.remedy = fmt::format("capabilities.keep = [\"{}\"]", question.name);
  }
  finding.warning = found->reason;
  return single("capability", question.name, std::move(finding));
}

}  // namespace sbx::plan
