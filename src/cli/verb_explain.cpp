// SPDX-License-Identifier: Apache-2.0
// sbx explain: what a policy says to one question, and which line says it.
#include <unistd.h>

#include <cstdlib>
#include <variant>

#include "base/text.h"
#include "cli/excerpt.h"
#include "cli/explanation_output.h"
#include "cli/output.h"
#include "cli/policies.h"
#include "cli/run_layer.h"
#include "cli/verbs.h"
#include "host/probe.h"
#include "plan/explain.h"
#include "plan/neutral_host.h"
#include "plan/resolve.h"

namespace sbx::cli {
namespace {

constexpr int kDepends = 2;

// The policy as `sbx run` would take it: its layers, and the options on top.
Result<policy::Policy> policy_of(Command& command, const std::string& cwd) {
  const Library library = open_library();
  auto layers = load(command.operands.front(), library);
  if (!layers) {
    return std::move(layers).error();
  }
  SBX_TRY(complete(command.layer, cwd));
  layers->push_back(command.layer);
  return policy::merge(*layers);
}

struct Explain {
  const policy::Policy& policy;
  const plan::LaunchPlan& plan;

  plan::Explanation operator()(const plan::CallQuestion& question) const {
    return explain_call(policy, plan, question);
  }
  plan::Explanation operator()(const plan::GroupQuestion& question) const {
    return explain_group(policy, plan, question);
  }
};

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
  const auto facts = host::probe();
  if (!facts) {
    return facts.error();
  }
  const std::string text = join({command.operands.begin() + 1, command.operands.end()}, " ");
  const auto question = plan::parse_question(text, facts->arch);
  if (!question) {
    return report_question(question.error(), text, command.color);
  }
  const auto policy = policy_of(command, facts->cwd);
  if (!policy) {
    return policy.error();
  }
  // A question that is not about paths has its answer also where the policy's program is not
  // installed.
  const auto plan =
      plan::resolve(*policy, {.command = {}, .keep_fds = {}, .allow_degraded = {"landlock"}},
                    *facts, plan::neutral_probes());
  if (!plan) {
    return plan.error();
  }
  const plan::Explanation answer = std::visit(Explain{*policy, *plan}, *question);
  SBX_TRY(print(command.json ? explanation_json(answer, policy->name)
                             : explanation_text(answer, policy->name)));
  return answer.ruling == plan::Ruling::Allowed  ? 0
         : answer.ruling == plan::Ruling::Denied ? 1
                                                 : kDepends;
}

}  // namespace sbx::cli
