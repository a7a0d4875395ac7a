// SPDX-License-Identifier: Apache-2.0
// sbx diff: what one policy allows that another does not, and the reverse.
#include "cli/comparison_output.h"
#include "cli/output.h"
#include "cli/policies.h"
#include "cli/verbs.h"
#include "host/name_servers.h"
#include "host/probe.h"
#include "plan/compare.h"
#include "plan/neutral_host.h"
#include "plan/resolve.h"

namespace sbx::cli {
namespace {

struct Host {
  const plan::HostFacts& facts;
  const plan::Probes& probes;
  const Status& looked;  // whether the probes could be answered
};

struct Resolved {
  policy::Policy policy;
  plan::LaunchPlan plan;
};

Result<Resolved> resolve(const std::string& name, const Host& host, const Library& library,
                         bool is_neutral) {
  const auto layers = load(name, library);
  if (!layers) {
    return layers.error();
  }
  auto policy = policy::merge(*layers);
  if (!policy) {
    return std::move(policy).error();
  }
  plan::Request request;
  request.allow_degraded = {"landlock"};
  auto plan = plan::resolve(*policy, request, host.facts, host.probes);
  SBX_TRY(host.looked);
  if (!plan) {
    Error error = std::move(plan).error();
    if (!is_neutral) {
      error.hint +=
          (error.hint.empty() ? "" : "; ") + std::string("--neutral compares without this host");
    }
    return error;
  }
  return Resolved{*std::move(policy), *std::move(plan)};
}

}  // namespace

Result<int> diff(const Command& command) {
  const Library library = open_library();
  Result<plan::HostFacts> facts =
      command.neutral ? plan::neutral_facts(seccomp::native_arch()) : host::probe();
  if (!facts) {
    return facts.error();
  }
  if (!command.neutral) {
    facts->name_servers = host::name_servers();
  }
  Status looked;
  const plan::Probes probes = command.neutral ? plan::neutral_probes() : host::probes(looked);
  const Host host{*facts, probes, looked};
  const auto a = resolve(command.operands[0], host, library, command.neutral);
  if (!a) {
    return a.error();
  }
  const auto b = resolve(command.operands[1], host, library, command.neutral);
  if (!b) {
    return b.error();
  }
  const plan::Comparison comparison = plan::compare({a->policy, a->plan}, {b->policy, b->plan});
  const std::string name_a = command.operands[0];
  const std::string name_b = command.operands[1];
  SBX_TRY(print(command.json ? comparison_json(comparison, name_a, name_b)
                             : comparison_text(comparison, name_a, name_b)));
  const bool fails = command.only_wider ? comparison.any_more() : !comparison.differences.empty();
  return fails ? 1 : 0;
}

}  // namespace sbx::cli
