// SPDX-License-Identifier: Apache-2.0
// sbx score: how far a policy, a service unit or a process that runs is exposed.
#include <fmt/format.h>

#include <algorithm>
#include <climits>

#include "base/text.h"
#include "cli/foreign.h"
#include "cli/output.h"
#include "cli/policies.h"
#include "cli/score_output.h"
#include "cli/verbs.h"
#include "host/live_sandbox.h"
#include "host/name_servers.h"
#include "host/probe.h"
#include "interop/systemd_unit.h"
#include "plan/neutral_host.h"
#include "plan/resolve.h"
#include "score/policy.h"
#include "score/process.h"
#include "score/unit.h"

namespace sbx::cli {
namespace {

Score scored(const std::string& subject, std::string kind, std::string detail, score::Facts facts) {
  const score::Exposure exposure = score::add_up(facts);
  return {subject, std::move(kind), std::move(detail), std::move(facts), exposure};
}

Result<Score> score_process(const std::string& operand, int pid) {
  score::Look look;
  auto process = host::read_live_process(pid);
  if (!process) {
    return std::move(process).error();
  }
  look.process = *std::move(process);
  look.host = host::namespaces_of_process("1");
  look.whose = look.host.empty() ? "yours" : "those of pid 1";
  if (look.host.empty()) {
    look.host = host::namespaces_of_process("self");
  }
  for (const char* place : {"/", "/tmp", "/home", "/root", "/dev"}) {
    if (const auto same = host::sees_same_directory(pid, place)) {
      look.same[place] = *same;
    }
  }
  if (const auto interfaces = host::count_interfaces(pid)) {
    look.only_loopback = *interfaces == 0;
  }
  const std::string detail = fmt::format("{}, its namespaces compared with {}", look.process.name, look.whose);
  return scored(operand, "process", detail, score::facts_of_process(look));
}

Result<Score> score_unit(const std::string& file) {
  const auto lines = read_unit_file(file);
  if (!lines) {
    return lines.error();
  }
  return scored(file, "unit", "", score::facts_of_unit(*lines, seccomp::native_arch()));
}

Result<Score> score_policy(const std::string& name, const Command& command) {
  const Library library = open_library();
  const auto layers = load(name, library);
  if (!layers) {
    return layers.error();
  }
  const auto policy = policy::merge(*layers);
  if (!policy) {
    return policy.error();
  }
  Result<plan::HostFacts> facts = command.neutral ? plan::neutral_facts(seccomp::native_arch()) : host::probe();
  if (!facts) {
    return facts.error();
  }
  if (!command.neutral && policy->asks_host_dns()) {
    facts->name_servers = host::name_servers();
  }
  plan::Request request;
  request.allow_degraded = {"landlock", "cgroup"};  // neither is weighed
  Status looked;
  const auto plan = plan::resolve(*policy, request, *facts, command.neutral ? plan::neutral_probes() : host::probes(looked));
  SBX_TRY(looked);
  if (!plan) {
    return plan.error();
  }
  return scored(name, "policy", "", score::facts_of_policy(*policy, *plan));
}

Result<Score> score_one(const std::string& operand, const Command& command) {
  if (const auto pid = parse_number(operand); pid && *pid <= INT_MAX) {
    return score_process(operand, static_cast<int>(*pid));
  }
  return names_unit(operand) ? score_unit(operand) : score_policy(operand, command);
}

}  // namespace

Result<int> score(const Command& command) {
  std::vector<Score> scores;
  std::string text;
  for (const std::string& operand : command.operands) {
    auto one = score_one(operand, command);
    if (!one) {
      return std::move(one).error();
    }
    text += (text.empty() ? "" : "\n") + score_text(*one);
    scores.push_back(*std::move(one));
  }
  bool exceeds = false;
  for (const Score& one : scores) {
    if (command.threshold && one.exposure.tenths > *command.threshold) {
      exceeds = true;
      text += fmt::format("{} is over the threshold of {}\n", escape(one.subject), score::tenths_text(*command.threshold));
    }
  }
  SBX_TRY(print(command.json ? scores_json(scores) : text));
  return exceeds ? 1 : 0;
}

}  // namespace sbx::cli
