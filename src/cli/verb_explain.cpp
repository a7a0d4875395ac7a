// SPDX-License-Identifier: Apache-2.0
// sbx explain: what a policy says to one question, and which line says it.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <variant>

#include "base/text.h"
#include "cli/excerpt.h"
#include "cli/explanation_output.h"
#include "cli/output.h"
#include "cli/policies.h"
#include "cli/run_layer.h"
#include "cli/verbs.h"
#include "host/name_servers.h"
#include "host/probe.h"
#include "plan/explain.h"
#include "plan/neutral_host.h"
#include "plan/resolve.h"

namespace sbx::cli {
namespace {

constexpr int kDepends = 2;

struct Taken {
  policy::Policy policy;
  std::vector<plan::OwnPath> own_paths;
};

// The policy as `sbx run` would take it: its layers, and the options on top.
Result<Taken> take_policy(Command& command, const plan::HostFacts& facts) {
  const Library library = open_library();
  auto layers = load(command.operands.front(), library);
  if (!layers) {
    return std::move(layers).error();
  }
  SBX_TRY(complete(command.layer, facts.cwd));
  layers->push_back(command.layer);
  auto policy = policy::merge(*layers);
  if (!policy) {
    return std::move(policy).error();
  }
  return Taken{*std::move(policy), own_paths(library, facts, *layers)};
}

// A question that is not about files has its answer also where the policy's program is not
// installed.
bool is_about_files(const plan::Question& question) {
  const auto* address = std::get_if<plan::AddressQuestion>(&question);
  return std::holds_alternative<plan::PathQuestion>(question) ||
         (address != nullptr && address->family == plan::AddressQuestion::Family::Unix &&
          address->host.starts_with('/'));
}

struct Explain {
  const policy::Policy& policy;
  const plan::LaunchPlan& plan;
  const plan::HostView& host;

  plan::Explanation operator()(const plan::CallQuestion& question) const {
    return explain_call(policy, plan, question);
  }
  plan::Explanation operator()(const plan::GroupQuestion& question) const {
    return explain_group(policy, plan, question);
  }
  plan::Explanation operator()(const plan::PathQuestion& question) const {
    return explain_path(policy, plan, host, question);
  }
  plan::Explanation operator()(const plan::AddressQuestion& question) const {
    return explain_address(policy, plan, host, question);
  }
  plan::Explanation operator()(const plan::VariableQuestion& question) const {
    return explain_variable(policy, plan, host.facts, question);
  }
  plan::Explanation operator()(const plan::LimitQuestion& question) const {
    return explain_limit(policy, question);
  }
  plan::Explanation operator()(const plan::CapabilityQuestion& question) const {
    return explain_capability(policy, plan, question);
  }
};

bool permits(const std::string& path, plan::PathQuestion::Intent intent) {
  using Intent = plan::PathQuestion::Intent;
  const int mode = intent == Intent::Write ? W_OK : intent == Intent::Execute ? X_OK : R_OK;
  return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0 || errno == EROFS;
}

// The question is no file, so main cannot quote it.
int report_question(const Error& error, const std::string& question, Color color) {
  Error shown = error;
  shown.origin = {};
  const std::string text = to_text(shown, excerpt(error.origin, std::string_view(question)));
  const bool colored = wants_color(color, STDERR_FILENO, ::getenv("NO_COLOR"), ::getenv("TERM"));
  write_all(STDERR_FILENO, colored ? paint(text) : text);
  return static_cast<int>(error.exit_code);
}

}  // namespace

Result<int> explain(Command command) {
  auto facts = host::probe();
  if (!facts) {
    return facts.error();
  }
  facts->name_servers = host::name_servers();
  const std::string text = join({command.operands.begin() + 1, command.operands.end()}, " ");
  const auto question = plan::parse_question(text, facts->arch);
  if (!question) {
    return report_question(question.error(), text, command.color);
  }
  const auto taken = take_policy(command, *facts);
  if (!taken) {
    return taken.error();
  }
  const policy::Policy& policy = taken->policy;
  const bool asks_host = is_about_files(*question);
  Status looked;
  const plan::Probes probes = asks_host ? host::probes(looked) : plan::neutral_probes();
  plan::Request request;
  request.allow_degraded = {"landlock"};
  if (asks_host) {
    request.own_paths = taken->own_paths;
  }
  const auto plan = plan::resolve(policy, request, *facts, probes);
  SBX_TRY(looked);
  if (!plan) {
    return plan.error();
  }
  const bool is_caller = plan->identity.outside_uid == facts->uid;
  const plan::HostView view{*facts, probes, is_caller ? plan::PermissionProbe(permits) : nullptr};
  const plan::Explanation answer = std::visit(Explain{policy, *plan, view}, *question);
  SBX_TRY(looked);
  SBX_TRY(print(command.json ? explanation_json(answer, policy.name)
                             : explanation_text(answer, policy.name)));
  return answer.ruling == plan::Ruling::Allowed  ? 0
         : answer.ruling == plan::Ruling::Denied ? 1
                                                 : kDepends;
}

}  // namespace sbx::cli
