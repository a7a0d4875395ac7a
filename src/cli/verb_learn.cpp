// SPDX-License-Identifier: Apache-2.0
// sbx learn: watch a run, write the policy that it needs, and prove it by a second run.
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "base/path.h"
#include "base/text.h"
#include "cli/check_output.h"
#include "cli/learn_addresses.h"
#include "cli/learn_engine.h"
#include "cli/learn_run.h"
#include "cli/learn_running.h"
#include "cli/learn_view.h"
#include "cli/output.h"
#include "cli/plan_run.h"
#include "cli/policies.h"
#include "cli/verbs.h"
#include "host/files.h"
#include "host/probe.h"
#include "learn/check.h"
#include "learn/reduce.h"
#include "plan/access.h"
#include "plan/observe.h"
#include "plan/print.h"
#include "policy/toml_reader.h"
#include "policy/toml_writer.h"

namespace sbx::cli {
namespace {

const auto kNoLap = [](std::string_view) {};

// BASE alone, and BASE as the run sees it.
struct Plans {
  Planned base;     // without what learning adds, and without the command
  Planned watched;
  std::string running;  // "process 4711", of what ran already, on the host itself; else empty
};

Result<Plans> plan_both(const Command& command, const plan::HostFacts& facts) {
  auto base = plan_run(command, facts, kNoLap, {.command_may_be_hidden = true});
  if (!base) {
    return std::move(base).error();
  }
  Instead instead{.file = base->file, .below = plan::unnamed_calls()};
  if (command.learn.view == "host") {
    auto view = learning_view(command, base->layers, facts, open_library());
    if (!view) {
      return std::move(view).error();
    }
    instead.between = *std::move(view);
  }
  auto watched = plan_run(command, facts, kNoLap, instead);
  if (!watched) {
    return std::move(watched).error();
  }
  return Plans{*std::move(base), *std::move(watched), {}};
}

learn::Shown shown_under(const plan::LaunchPlan& plan, const std::string& home,
                         const std::string& path) {
  const plan::Access access = plan::access_at(plan, path);
  using Kind = plan::Access::Kind;
  // An empty home can be written, but what a program expects to find there is not in it.
  const bool is_home = path::is_below(path, home) && access.kind != Kind::Host;
  return {access.kind == Kind::Host || access.kind == Kind::System || access.kind == Kind::Own ||
              access.kind == Kind::Scratch,
          access.write && !is_home, access.execute};
}

learn::FileKind kind_on_host(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return learn::FileKind::Missing;
  }
  return S_ISREG(info.st_mode)   ? learn::FileKind::File
         : S_ISDIR(info.st_mode) ? learn::FileKind::Directory
                                 : learn::FileKind::Other;
}

std::string target_on_host(const std::string& path) {
  std::array<char, PATH_MAX> target{};
  return ::realpath(path.c_str(), target.data()) == nullptr ? path : target.data();
}

std::string how_watched(const Command& command, const Plans& plans) {
  if (!plans.running.empty()) {
    return fmt::format("Watched on the host, as {}, which ran already: what it did at its start is not here.",
                       plans.running);
  }
  return fmt::format("Watched under {}, confined by it. It saw {}.", plans.base.file.name,
                     command.learn.view == "policy"
                         ? "the files of that alone"
                         : "the host's files but no keys, changed in memory");
}

learn::Surroundings surroundings(const plan::HostFacts& facts, const Plans& plans) {
  const std::string& home = plans.base.plan.identity.home;
  return {facts.arch, home, plans.watched.plan.cwd,
          [&](const std::string& path) { return shown_under(plans.base.plan, home, path); },
          [&](const std::string& path) {
            return plans.running.empty() ? shown_under(plans.watched.plan, home, path).visible
                                         : kind_on_host(path) != learn::FileKind::Missing;
          },
          kind_on_host,
          target_on_host,
          [&](const std::string& address, bool is_bind) {
            return answer_address(plans.base.plan, address, is_bind);
          }};
}

learn::Learned reduce(const Command& command, const plan::HostFacts& facts, const Plans& plans,
                      const learn::Observations& seen) {
  const learn::Base base{plans.base.file.name,
                         {plans.base.layers.begin() + 1, plans.base.layers.end()}};
  const learn::Subject subject{command.operands, plans.watched.plan.program,
                               how_watched(command, plans), command.learn.exact};
  return learn::reduce(seen, base, subject, surroundings(facts, plans));
}

// --merge: what earlier runs did, here or on another machine, is kept beside the policy.
Status merge_seen(const Command& command, learn::Observations& seen) {
  const std::string file = command.output + ".seen";
  constexpr std::size_t kMostBytes = 64u << 20;
  const auto before = host::read_file(file, kMostBytes);
  if (before) {
    auto known = learn::from_wire(*before);
    if (!known) {
      return Error{.action = "cannot read what earlier runs did from " + file,
                   .origin = Origin{.source = "--merge"},
                   .hint = "it is no such record, or of another version of sbx: remove it to begin anew"};
    }
    seen = learn::unite(*std::move(known), seen);
  } else if (before.error().errno_value != ENOENT) {
    return before.error();
  }
  return write_file(file, learn::to_wire(seen));
}

Result<int> report_check(const Command& command, const plan::HostFacts& facts, const Plans& plans,
                         const learn::Observations& seen) {
  const learn::Surroundings where = surroundings(facts, plans);
  CheckResult result{command.learn.check.value, learn::find_lacks(seen, where), {}, command.strict};
  if (command.strict) {
    // The policy's own: before the command line's, and before NAME.local.toml if that is there.
    for (const policy::PolicyLayer& layer : plans.base.layers) {
      if (layer.source == plans.base.file.path) {
        result.unused = learn::find_unused(seen, layer, where);
      }
    }
  }
  if (!command.learn.junit.empty()) {
    SBX_TRY(write_file(command.learn.junit, check_junit(result)));
  }
  SBX_TRY(print(command.json ? check_json(result) : check_text(result)));
  return result.passes() ? 0 : 1;
}

std::string policy_name(const std::string& output) {
  if (output.empty()) {
    return "learned";
  }
  std::string name(path::basename(output));
  if (name.ends_with(".toml")) {
    name.resize(name.size() - 5);
  }
  return name;
}

// The policy's text.
Result<std::string> write_learned(const Command& command, const plan::HostFacts& facts, const Plans& plans,
                                  learn::Observations& seen) {
  if (command.learn.merge) {
    SBX_TRY(merge_seen(command, seen));
  }
  const learn::Learned learned = reduce(command, facts, plans, seen);
  std::string text = policy::to_toml(learned.layer, learned.comments);
  const std::string name = policy_name(command.output);
  // What was written must be what was meant.
  if (const auto back = policy::read_toml(text, name + ".toml", name); !back) {
    return back.error();
  }
  if (command.output.empty()) {
    SBX_TRY(print(text));
  } else {
    SBX_TRY(write_file(command.output, text));
    say(command, fmt::format("wrote {}", command.output));
  }
  return text;
}

// What runs already. BASE is what its policy is made from; it confines nothing now.
Result<int> learn_running(Command command) {
  auto facts = host::probe();
  if (!facts) {
    return facts.error();
  }
  const auto running = find_running(command);
  if (!running) {
    return running.error();
  }
  command.operands = running->command;
  facts->cwd = running->cwd;
  auto base = plan_run(command, *facts, kNoLap, {.command_may_be_hidden = true});
  if (!base) {
    return std::move(base).error();
  }
  Plans plans{*base, *base, running->what};
  plans.watched.plan.program = running->program;
  plans.watched.plan.cwd = running->cwd;
  auto seen = watch_running(*running, command, facts->arch);
  if (!seen) {
    return std::move(seen).error();
  }
  const auto text = write_learned(command, *facts, plans, *seen);
  return text ? Result<int>(0) : text.error();
}

// Why a second run would not be the same, or would do something twice; empty: it would be.
std::string why_not_again(const plan::LaunchPlan& plan, const WatchedRun& run) {
  struct stat input {};
  if (run.interrupted) {
    return "it was ended by a signal";
  }
  if (run.status != 0) {
    return fmt::format("it ended with status {}", run.status);
  }
  if (::fstat(STDIN_FILENO, &input) == 0 && (S_ISFIFO(input.st_mode) || S_ISSOCK(input.st_mode))) {
    return "its input is used up";
  }
  if (!plan.own_network || plan.connect.limited) {
    return "it reaches other hosts";
  }
  return {};
}

// Calls that the policy refused, and addresses that are not in its lists.
std::uint64_t denials(const plan::LaunchPlan& plan, const learn::Observations& seen) {
  std::uint64_t count = 0;
  for (const learn::CallUse& call : seen.calls) {
    count += call.fate == learn::Fate::Denied && call.by_policy ? call.use.count : 0;
  }
  for (const learn::AddressUse& one : seen.addresses) {
    const learn::AddressAnswer answer = answer_address(plan, one.address, one.is_bind);
    count += answer.limited && answer.entry.empty() && !answer.inside ? one.use.count : 0;
  }
  return count;
}

// A second run under the written policy. Its changes are kept in memory. What it wrote is not compared.
Result<int> verify(const Command& command, const plan::HostFacts& facts, const std::string& name,
                   const std::string& text, int first_status) {
  Command again = command;
  again.layer = {};
  again.layer.name = "command line";
  auto planned = plan_run(again, facts, kNoLap, {.file = policy::PolicyFile{name, name + ".toml", text}});
  if (!planned) {
    return std::move(planned).error();
  }
  Status looked;
  if (!plan::keep_changes_in_memory(planned->plan, host::probes(looked).path) &&
      command.learn.verify != "always") {
    say(command, "not verified: a file that is granted by name would be changed twice");
    return 0;
  }
  const auto run = run_watched(planned->plan, again);
  if (!run) {
    return run.error();
  }
  const std::uint64_t denied = denials(planned->plan, run->seen);
  if (denied != 0 || run->status != first_status) {
    say(command, fmt::format("the learned policy does not hold: a second run ended with status {} (the "
                             "first with {}), and {} calls were denied{}",
                             run->status, first_status, denied,
                             denied == 0 ? ": it lacks a file, or the command is not the same twice" : ""));
    return 1;
  }
  say(command, fmt::format("verified: a second run under it ended with status {} too, and no call was denied",
                           run->status));
  return 0;
}

}  // namespace

Result<int> minimize(Command command) {
  command.policy = {command.operands.front(), {}};
  command.operands.erase(command.operands.begin());
  command.learn.view = "policy";
  return learn(command);
}

Result<int> learn(const Command& given) {
  Command command = given;
  if (!command.learn.check.value.empty()) {
    command.policy = command.learn.check;
  }
  if (!command.output.empty()) {
    SBX_TRY(make_place_for(command.output));
  }
  if (command.operands.empty()) {
    return learn_running(command);
  }
  auto facts = host::probe();
  if (!facts) {
    return facts.error();
  }
  auto plans = plan_both(command, *facts);
  if (!plans) {
    return std::move(plans).error();
  }
  auto kernel = choose_engine(plans->watched.plan, command);
  if (!kernel) {
    return std::move(kernel).error();
  }
  SBX_TRY(plan::observe(plans->watched.plan,
                        command.learn.exact ? plan::Watching::Exact : plan::Watching::Notable,
                        *kernel ? plan::Granted::Elsewhere : plan::Granted::ToSupervisor));
  if (command.dry_run) {
    SBX_TRY(print(command.json ? plan::to_json(plans->watched.plan)
                               : plan::to_text(plans->watched.plan)));
    return 0;
  }
  auto run = run_watched(plans->watched.plan, command, *std::move(kernel));
  if (!run) {
    return run.error();
  }
  if (!command.learn.check.value.empty()) {
    return report_check(command, *facts, *plans, run->seen);
  }
  auto text = write_learned(command, *facts, *plans, run->seen);
  if (!text) {
    return std::move(text).error();
  }
  if (run->status != 0) {
    say(command, fmt::format("the command ended with status {}: the policy holds what it did until then",
                             run->status));
  }
  if (command.learn.verify == "never") {
    return 0;
  }
  const std::string why = why_not_again(plans->watched.plan, *run);
  if (command.learn.verify == "auto" && !why.empty()) {
    say(command, fmt::format("not verified, since {}; to try it: sbx run -p {}", why,
                             command.output.empty() ? "FILE" : command.output));
    return 0;
  }
  return verify(command, *facts, policy_name(command.output), *text, run->status);
}

}  // namespace sbx::cli
