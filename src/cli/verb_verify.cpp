// SPDX-License-Identifier: Apache-2.0
// sbx verify: whether a sandbox that runs is what its policy promises. What it promises is decided
// anew, from how the sandbox was started; what it is, the kernel says.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <span>

#include "base/path.h"
#include "base/text.h"
#include "cli/json_writer.h"
#include "cli/output.h"
#include "cli/parse.h"
#include "cli/plan_run.h"
#include "cli/verbs.h"
#include "host/live_sandbox.h"
#include "host/probe.h"
#include "plan/host_facts.h"

namespace sbx::cli {
namespace {

using plan::Promise;

struct Verified {
  host::RunningSandbox sandbox;
  std::string policy;
  std::vector<int> processes;
  std::vector<Promise> promises;

  bool holds() const {
    return std::none_of(promises.begin(), promises.end(), [](const Promise& promise) {
      return promise.state == Promise::State::Broken;
    });
  }
};

std::string_view word_of(Promise::State state) {
  switch (state) {
    case Promise::State::Kept:
      return "kept";
    case Promise::State::Broken:
      return "BROKEN";
    case Promise::State::Unseen:
      return "unseen";
  }
  return "";
}

// The command line that a supervisor was started with; only of `sbx run`.
Result<Command> command_of(const host::RunningSandbox& sandbox) {
  auto command = parse(std::span(sandbox.arguments).subspan(1));
  if (command && command->verb == Verb::Run) {
    return command;
  }
  return Error{fmt::format("cannot tell how the sandbox of process {} was started", sandbox.supervisor), 0,
               {}, "another version of sbx may have started it"};
}

// By the supervisor's pid, or that of anything in the sandbox; else by the name of its policy or
// program.
bool is_meant(const host::RunningSandbox& sandbox, const std::string& operand) {
  if (const auto pid = parse_number(operand); pid && *pid <= INT_MAX) {
    const int number = static_cast<int>(*pid);
    const auto inside = host::descendants_of(sandbox.init);
    return number == sandbox.supervisor || number == sandbox.init ||
           std::find(inside.begin(), inside.end(), number) != inside.end();
  }
  const auto command = command_of(sandbox);
  return command && (command->policy.value == operand || path::basename(command->operands.front()) == operand);
}

Result<Verified> verify_one(const host::RunningSandbox& sandbox, plan::HostFacts facts) {
  const auto live = host::read_live_sandbox(sandbox);
  if (!live) {
    return live.error();
  }
  // Started by root, a sandbox has a uid of its own, which only root's own plan names.
  if (facts.uid != 0 && live->supervisor.uid != facts.uid) {
    return Error{fmt::format("the sandbox of process {} belongs to uid {}", sandbox.supervisor,
                             live->supervisor.uid),
                 0, {}, "verify it as the user who started it"};
  }
  const auto command = command_of(sandbox);
  if (!command) {
    return command.error();
  }
  // A granted directory has the same name inside; the supervisor itself may not be looked into.
  const auto inside = host::descendants_of(sandbox.init);
  const std::string directory = inside.empty() ? "" : host::directory_of(inside.front());
  if (path::is_absolute(directory)) {
    facts.cwd = directory;
  }
  const auto planned = plan_run(*command, facts, [](std::string_view) {});
  if (!planned) {
    return planned.error();
  }
  return Verified{sandbox, planned->plan.policy_name, inside, plan::verify_live(planned->plan, *live)};
}

std::string as_text(const Verified& verified) {
  std::string text = fmt::format("policy {}, supervisor {}, init {}, {} process{} inside\n", verified.policy,
                                 verified.sandbox.supervisor, verified.sandbox.init,
                                 verified.processes.size(), verified.processes.size() == 1 ? "" : "es");
  for (const Promise& promise : verified.promises) {
    const std::string where = to_text(promise.origin);
    std::string line = fmt::format("  {:<7} {}", word_of(promise.state), promise.text);
    line += promise.detail.empty() ? "" : ": " + promise.detail;
    text += where.empty() ? line + "\n" : fmt::format("{:<72} [{}]\n", line, escape(where));
  }
  return text + (verified.holds() ? "All that can be seen is as the policy says.\n"
                                  : "It is NOT as the policy says, or the policy has changed since.\n");
}

void append_json(JsonWriter& json, const Verified& verified) {
  json.begin_object();
  json.member("policy", verified.policy);
  json.key("supervisor");
  json.number(static_cast<unsigned>(verified.sandbox.supervisor));
  json.key("init");
  json.number(static_cast<unsigned>(verified.sandbox.init));
  json.key("holds");
  json.boolean(verified.holds());
  json.key("promises");
  json.begin_array();
  for (const Promise& promise : verified.promises) {
    json.begin_object();
    json.member("state", promise.state == Promise::State::Broken ? "broken" : word_of(promise.state));
    json.member("promise", promise.text);
    json.member("detail", promise.detail);
    json.member("origin", to_text(promise.origin));
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

Error none_meant(const std::string& operand, const std::vector<host::RunningSandbox>& running) {
  std::vector<std::string> known;
  for (const host::RunningSandbox& sandbox : running) {
    const auto command = command_of(sandbox);
    known.push_back(fmt::format("{}{}", sandbox.supervisor,
                                command ? " (" + escape(command->operands.front()) + ")" : ""));
  }
  return Error{"no running sandbox is or holds " + quote(operand), 0, {},
               known.empty() ? "none runs that you can see" : "these run: " + join(known, ", ")};
}

}  // namespace

Result<int> verify(const Command& command) {
  const auto facts = host::probe();
  if (!facts) {
    return facts.error();
  }
  const auto running = host::running_sandboxes();
  std::vector<Verified> all;
  for (const std::string& operand : command.operands) {
    bool found = false;
    for (const host::RunningSandbox& sandbox : running) {
      if (is_meant(sandbox, operand)) {
        auto verified = verify_one(sandbox, *facts);
        if (!verified) {
          return std::move(verified).error();
        }
        all.push_back(*std::move(verified));
        found = true;
      }
    }
    if (!found) {
      return none_meant(operand, running);
    }
  }
  JsonWriter json;
  std::string text;
  json.begin_array();
  for (const Verified& verified : all) {
    append_json(json, verified);
    text += (text.empty() ? "" : "\n") + as_text(verified);
  }
  json.end_array();
  SBX_TRY(print(command.json ? json.take() : text));
  return std::all_of(all.begin(), all.end(), [](const Verified& verified) { return verified.holds(); }) ? 0 : 1;
}

}  // namespace sbx::cli
