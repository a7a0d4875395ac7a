// SPDX-License-Identifier: Apache-2.0
// sbx_layers LAYERS run ARGUMENTS...: `sbx run` with layers of the plan taken out, a comma between
// them ("filter,landlock"; "-" for none), to see what each stops by itself. The plan is changed
// between resolve and prepare, which sbx has no way to: this program is for tests and is not
// installed.
#include <linux/sched.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "cli/excerpt.h"
#include "cli/parse.h"
#include "cli/policies.h"
#include "cli/run_layer.h"
#include "host/probe.h"
#include "launch/launch.h"
#include "plan/resolve.h"
#include "policy/merge.h"
#include "seccomp/compile.h"
#include "seccomp/syscall_table.h"
#include "supervise/confine.h"
#include "supervise/supervise.h"

namespace {

using namespace sbx;

// Everything is allowed but the launch's own gate, without which nothing starts.
Status open_filter(plan::LaunchPlan& plan) {
  const int gate = seccomp::number_of(plan.filter.arch, "prctl").value_or(-1);
  std::vector<seccomp::Rule> rules = plan.filter.calls[gate];
  for (seccomp::Rule* rule : {&plan.filter.denied, &plan.filter.unknown, &plan.filter.foreign}) {
    rule->action = seccomp::Action{seccomp::Verdict::Allow, 0};
  }
  rules.resize(1);
  rules.push_back(plan.filter.denied);
  plan.filter.calls.clear();
  plan.filter.calls[gate] = rules;
  auto program = seccomp::compile(plan.filter);
  if (!program) {
    return program.error();
  }
  plan.filter_program = *std::move(program);
  plan.exec_once = false;
  return {};
}

Status take_out(plan::LaunchPlan& plan, std::string_view layer) {
  if (layer == "filter") {
    return open_filter(plan);
  }
  if (layer == "mdwe") {
    plan.mdwe = false;
  } else if (layer == "landlock") {
    plan.landlock = {};
  } else if (layer == "limits") {
    plan.limits.clear();
  } else if (layer == "network") {
    plan.own_network = false;
    plan.namespaces.own &= ~std::uint64_t{CLONE_NEWNET};
  } else if (layer == "ipc") {
    plan.namespaces.own &= ~std::uint64_t{CLONE_NEWIPC};
  } else if (layer == "noexec" || layer == "readonly") {
    for (plan::MountOp& op : plan.mounts) {
      if (auto* bind = std::get_if<plan::Bind>(&op.what); bind != nullptr && !bind->device) {
        (layer == "noexec" ? bind->no_exec : bind->read_only) = false;
      }
      if (auto* proc = std::get_if<plan::Proc>(&op.what); proc != nullptr && layer == "readonly") {
        proc->read_only = false;
      }
    }
  } else if (layer != "-") {
    return Error{"there is no layer " + std::string(layer)};
  }
  return {};
}

Result<plan::LaunchPlan> plan_of(cli::Command& command) {
  const auto facts = host::probe();
  if (!facts) {
    return facts.error();
  }
  const cli::Library library = cli::open_library();
  auto layers = cli::load("default", library);
  if (!layers) {
    return std::move(layers).error();
  }
  SBX_TRY(cli::complete(command.layer, facts->cwd));
  layers->push_back(command.layer);
  auto policy = policy::merge(*layers);
  if (!policy) {
    return std::move(policy).error();
  }
  Status looked;
  plan::Request request;
  request.command = command.operands;
  auto plan = plan::resolve(*policy, request, *facts, host::probes(looked));
  SBX_TRY(looked);
  return plan;
}

Result<int> run(const plan::LaunchPlan& plan) {
  auto prepared = launch::prepare(plan, launch::TerminalStart{});  // its callers give it pipes
  if (!prepared) {
    return std::move(prepared).error();
  }
  SBX_TRY(supervise::confine_before_clone());
  auto started = launch::start(**prepared, {.trace = false, .after_clone = [&plan] {
                                              return supervise::confine_after_clone(plan);
                                            }});
  if (!started) {
    return std::move(started).error();
  }
  supervise::Running running{};
  running.init = std::move(started->init);
  running.status = std::move(started->status);
  running.notify = std::move(started->notify);
  auto outcome = supervise::supervise(
      plan, std::move(running), [](const events::Event&) {},
      [&](const supervise::Running& held) -> Status {
        auto released =
            launch::release(**prepared, held.init.get(), held.status.get(), held.notify.get());
        return released ? Status() : Status(released.error());
      });
  if (!outcome) {
    return std::move(outcome).error();
  }
  return supervise::exit_code(*outcome);
}

Result<int> all(const std::vector<std::string>& arguments) {
  auto command = cli::parse(std::span(arguments).subspan(1));
  if (!command) {
    return std::move(command).error();
  }
  auto plan = plan_of(*command);
  if (!plan) {
    return std::move(plan).error();
  }
  std::string_view rest = arguments.front();
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    SBX_TRY(take_out(*plan, rest.substr(0, comma)));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  return run(*plan);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    return static_cast<int>(ExitCode::SbxFailed);
  }
  const auto status = all(std::vector<std::string>(argv + 1, argv + argc));
  if (!status) {
    std::fputs(to_text(status.error(), "").c_str(), stderr);
    return static_cast<int>(status.error().exit_code);
  }
  return *status;
}
