// SPDX-License-Identifier: Apache-2.0
// sbx run: DESIGN §2 as code. Everything up to prepare decides and changes nothing; what follows
// acts and decides nothing.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "base/path.h"
#include "base/text.h"
#include "cli/launch_command.h"
#include "cli/output.h"
#include "cli/plan_run.h"
#include "cli/report_file.h"
#include "cli/run_log.h"
#include "cli/self_test_report.h"
#include "cli/verbs.h"
#include "events/event.h"
#include "events/summary.h"
#include "host/degradation.h"
#include "host/probe.h"
#include "launch/launch.h"
#include "plan/print.h"
#include "plan/self_test.h"
#include "supervise/confine.h"
#include "supervise/event_log.h"
#include "supervise/event_sinks.h"
#include "supervise/publish.h"
#include "supervise/restart.h"
#include "supervise/supervise.h"
#include "sys/event_loop.h"

namespace sbx::cli {
namespace {

void print_timings(const std::vector<launch::StepTiming>& timings, const char* title) {
  std::string text = std::string("sbx: ") + title + ", microseconds\n";
  double total = 0;
  std::array<char, 128> row{};
  for (const launch::StepTiming& timing : timings) {
    total += timing.microseconds;
    std::snprintf(row.data(), row.size(), "  %-10.*s  %-40.*s %9.1f\n",
                  static_cast<int>(timing.process.size()), timing.process.data(),
                  static_cast<int>(timing.step.size()), timing.step.data(), timing.microseconds);
    text += row.data();
  }
  std::snprintf(row.data(), row.size(), "  %-10s  %-40s %9.1f\n", "", "together", total);
  write_all(STDERR_FILENO, text + row.data());
}

// A descriptor that the caller did not open must not become one of sbx's own, so this comes before
// sbx opens any.
Status check_kept(const std::vector<int>& descriptors) {
  for (const int descriptor : descriptors) {
    if (::fcntl(descriptor, F_GETFD) < 0) {
      return Error{.action = "cannot keep descriptor " + std::to_string(descriptor),
                   .errno_value = errno,
                   .origin = Origin{.source = "--keep-fd " + std::to_string(descriptor)},
                   .hint = "open it before sbx starts, as in: sbx run --keep-fd 3 … 3<FILE"};
    }
  }
  return {};
}

Status check_descriptors(const plan::Reporting& reporting) {
  for (const plan::Sink& sink : reporting.sinks) {
    if (sink.kind == plan::Sink::Kind::Descriptor && ::fcntl(sink.descriptor, F_GETFD) < 0) {
      return Error{.action = "cannot report to descriptor " + std::to_string(sink.descriptor),
                   .errno_value = errno,
                   .origin = sink.origin,
                   .hint = "open it before sbx starts, as in: sbx run --sink fd:3 … 3>FILE"};
    }
  }
  return {};
}

// Where events go while the command runs.
struct Listeners {
  ReportFile report;
  supervise::EventLog log;
  supervise::EventSinks sinks;
  std::string run, policy;
  bool quiet = false;
  bool json = false;
  bool color = false;
  events::Summary summary;
  supervise::TerminalRelay* terminal = nullptr;

  void take(events::Event event) {
    event.run = run;
    event.policy = policy;
    const bool is_line = json || report || sinks;
    const std::string line = is_line ? events::to_json(event) : std::string();
    report.write_line(line);
    keep(event, line);
    summary.take(event);
    // That a command has started or ended, its user sees without being told; how often a denial came
    // again, the summary says.
    const auto* denied = std::get_if<events::Denied>(&event.what);
    const bool is_news = !std::holds_alternative<events::Started>(event.what) &&
                         !std::holds_alternative<events::Ended>(event.what) &&
                         (json || denied == nullptr || denied->count == 1);
    if (!quiet && is_news) {
      say(json ? line + "\n" : events::to_text(event));
    }
  }

  // Beside --report and standard error. What cannot be kept is one warning each.
  void keep(const events::Event& event, const std::string& line) {
    log.take(event);
    sinks.take(event, line);
    for (const auto& problem : {log.take_problem(), sinks.take_problem()}) {
      if (problem) {
        say(to_text(*problem));
      }
    }
  }

  void say(const std::string& text) const {
    const std::string shown = color && !json ? paint(text) : text;
    if (terminal == nullptr || !terminal->say(shown)) {
      write_all(STDERR_FILENO, shown);
    }
  }

  // For the supervisor of one start of several, a child of the process that keeps these.
  void leave_to_parent() {
    report.leave_to_parent();
    sinks.leave_to_parent();
  }
};

events::Event phase(events::What what) {
  events::Event event;
  event.time_us = sys::realtime_microseconds();
  event.what = std::move(what);
  return event;
}

events::Ended ended(const supervise::Outcome& outcome) {
  if (const auto* exited = std::get_if<supervise::Exited>(&outcome)) {
    return {events::Ending::Exited, exited->code};
  }
  if (const auto* killed = std::get_if<supervise::Killed>(&outcome)) {
    return {events::Ending::Killed, killed->signal};
  }
  if (const auto* violation = std::get_if<supervise::Violation>(&outcome)) {
    return {events::Ending::Violation, violation->signal};
  }
  return {events::Ending::TimedOut, SIGKILL};
}

// Where a line for this policy belongs; a policy that was named as a file has no .local.toml.
std::string local_file(const std::string& asked_for, const std::string& name) {
  const bool is_file = asked_for.find('/') != std::string::npos || asked_for.ends_with(".toml");
  return is_file ? asked_for : "~/.config/sbx/policies/" + name + ".local.toml";
}

// What to do about denials of a program that has no policy of its own.
std::string closing_hint(const std::string& program) {
  const std::string name = escape(path::basename(program));
  return "sbx: " + name + " has no policy of its own, so it ran under \"default\"\n" +
         "hint: sbx learn -o ~/.config/sbx/policies/" + name + ".toml -- " + name +
         " … watches it work and writes a policy of what it needs\n";
}

launch::TerminalStart start_of(const supervise::TerminalRelay* terminal) {
  return terminal == nullptr
             ? launch::TerminalStart{}
             : launch::TerminalStart{terminal->start_state(), terminal->starts_in_foreground()};
}

Status confine(const plan::LaunchPlan& plan, const Command& command) {
  if (command.restart) {
    SBX_TRY(supervise::end_with_parent());  // the ids may have changed since
  }
  return supervise::confine_after_clone(plan);
}

// An error that would send the user to the doctor gets the doctor's word at once.
Error with_cause(Error error) {
  if (error.hint.find("sbx doctor") != std::string::npos) {
    if (std::string cause = host::cause_of_failure(); !cause.empty()) {
      error.hint = std::move(cause);
    }
  }
  return error;
}

// The policy's own file among those that were merged.
std::string policy_file(const plan::LaunchPlan& plan) {
  for (auto source = plan.policy_sources.rbegin(); source != plan.policy_sources.rend(); ++source) {
    if (!source->ends_with(".local.toml")) {
      return *source;
    }
  }
  return {};
}

// Before anything starts, and outlives every start.
Result<Listeners> open_listeners(const plan::LaunchPlan& plan, const Command& command) {
  Listeners listeners;
  const std::uint64_t now = sys::realtime_microseconds();
  listeners.run = events::run_id(now, ::getpid());
  listeners.policy = plan.policy_name;
  listeners.quiet = command.quiet || command.self_test;
  listeners.json = command.json;
  listeners.color =
      wants_color(command.color, STDERR_FILENO, ::getenv("NO_COLOR"), ::getenv("TERM"));
  if (!command.report.empty()) {
    auto report = ReportFile::open(command.report, plan.identity.leave_root);
    if (!report) {
      return std::move(report).error();
    }
    listeners.report = *std::move(report);
  }
  if (!command.self_test) {
    // A service that is started again has a history; else only what went wrong is one.
    const bool all = command.restart && plan.reporting.log == plan::LogMode::Problems;
    listeners.log = supervise::EventLog::open(
        plan.reporting.log == plan::LogMode::None ? "" : state_directory(),
        all ? plan::LogMode::All : plan.reporting.log);
    auto sinks = supervise::EventSinks::start(plan.reporting);
    if (!sinks) {
      return std::move(sinks).error();
    }
    listeners.sinks = *std::move(sinks);
  }
  // Now, while nothing has run: a full disk must not cost the report of a run.
  listeners.take(
      phase(events::Started{SBX_VERSION, ::getpid(), plan.argv, policy_file(plan)}));
  SBX_TRY(listeners.report.state());
  return listeners;
}

// One start of the command, to its end. `tell` hears how it ended.
Result<int> launch_once(const plan::LaunchPlan& plan, const Command& command, Listeners& listeners,
                        bool by_default, Stopwatch& stopwatch, const supervise::Observer& observe,
                        const std::function<void(const supervise::Outcome&)>& tell) {
  const std::uint64_t started_us = sys::realtime_microseconds();
  auto published = supervise::open_published(plan.publish);
  if (!published) {
    return std::move(published).error();
  }
  const auto scratch = launch::Scratch::make(plan);
  if (!scratch) {
    return scratch.error();
  }
  auto terminal = supervise::TerminalRelay::open(plan.terminal);
  if (!terminal) {
    return std::move(terminal).error();
  }
  listeners.terminal = terminal->get();
  auto prepared = launch::prepare(plan, start_of(listeners.terminal));
  if (!prepared) {
    return std::move(prepared).error();
  }
  stopwatch.lap("open descriptors");
  auto cgroup = supervise::SandboxCgroup::make(plan);
  if (!cgroup) {
    return std::move(cgroup).error();
  }
  SBX_TRY(supervise::confine_before_clone());
  bool confined = false;
  auto started = launch::start(**prepared, {.trace = command.trace_launch,
                                            .cgroup_processes = cgroup->processes(),
                                            .after_clone = [&] {
                                              confined = true;
                                              return confine(plan, command);
                                            }});
  if (!started) {
    // Confined it could try nothing any more; and then the clone, the usual reason, has worked.
    return confined ? std::move(started).error() : with_cause(std::move(started).error());
  }
  stopwatch.lap("start all but the command");
  if (listeners.terminal != nullptr) {
    listeners.terminal->take_master(std::move(started->terminal));
  }

  std::vector<launch::StepTiming> timings;
  const auto release = [&](const supervise::Running& held) -> Status {
    auto released = launch::release(**prepared, held.init.get(), held.status.get(), held.notify.get());
    if (!released) {
      return std::move(released).error();
    }
    timings = *std::move(released);
    stopwatch.lap("let the command run");
    return {};
  };
  auto outcome =
      supervise::supervise(plan,
                           supervise::Running{.init = std::move(started->init),
                                              .status = std::move(started->status),
                                              .notify = std::move(started->notify),
                                              .published = *std::move(published),
                                              .terminal = listeners.terminal,
                                              .limits = cgroup->take_watches(),
                                              .observe = observe},
                           [&listeners](const events::Event& event) { listeners.take(event); },
                           release);
  if (command.trace_launch) {
    print_timings(stopwatch.stages(), "stages of the launch");
    print_timings(timings, "steps of the start");
  }
  if (!outcome) {
    return std::move(outcome).error();
  }
  const std::uint64_t ended_us = sys::realtime_microseconds();
  events::Ended end = ended(*outcome);
  end.denied = listeners.summary.denied();
  end.duration_us = ended_us - std::min(started_us, ended_us);
  listeners.take({ended_us, {}, {}, end});
  tell(*outcome);
  if (command.self_test) {
    return report_self_test(plan, launch::self_test_answers(**prepared), command.json);
  }
  listeners.terminal = nullptr;  // which the caller has back
  if (!listeners.quiet && !listeners.json) {
    const std::string summary = listeners.summary.text(
        plan.reporting.log == plan::LogMode::None ? std::string() : listeners.run,
        by_default ? std::string() : local_file(command.policy.value, plan.policy_name));
    listeners.say(summary);
    if (by_default && !summary.empty()) {
      listeners.say(closing_hint(command.operands.front()));
    }
  }
  return supervise::exit_code(*outcome);
}

// Started anew after each crash, under a supervisor of its own each time.
Result<int> launch_again_and_again(const plan::LaunchPlan& plan, const Command& command,
                                   Listeners& listeners, bool by_default) {
  supervise::Restarts restarts;
  restarts.limit_seconds = plan.time_limit_seconds;
  restarts.start = [&](std::optional<std::uint64_t> left,
                       const std::function<void(const supervise::Outcome&)>& tell) -> Result<int> {
    listeners.leave_to_parent();
    plan::LaunchPlan once = plan;
    once.time_limit_seconds = left ? std::optional(std::max<std::uint64_t>(*left, 1)) : std::nullopt;
    Stopwatch stopwatch;
    return launch_once(once, command, listeners, by_default, stopwatch, {}, tell);
  };
  restarts.tell_pause = [&](const supervise::Pause& pause) {
    listeners.take(phase(events::Restarted{
        pause.crashes, static_cast<std::uint64_t>(std::chrono::microseconds(pause.time).count()),
        pause.is_storm}));
  };
  return supervise::run_with_restarts(restarts);
}

}  // namespace

Result<int> launch_and_supervise(const plan::LaunchPlan& plan, const Command& command,
                                 bool by_default, Stopwatch& stopwatch,
                                 const supervise::Observer& observe) {
  SBX_TRY(check_descriptors(plan.reporting));
  auto listeners = open_listeners(plan, command);
  if (!listeners) {
    return std::move(listeners).error();
  }
  const auto status =
      command.restart
          ? launch_again_and_again(plan, command, *listeners, by_default)
          : launch_once(plan, command, *listeners, by_default, stopwatch, observe,
                        [](const supervise::Outcome&) {});
  if (status) {
    SBX_TRY(listeners->report.finish());
  }
  return status;
}

Result<int> run(Command command) {
  Stopwatch stopwatch;
  SBX_TRY(check_kept(command.keep_fds));
  auto facts = host::probe();
  if (!facts) {
    return facts.error();
  }
  SBX_TRY(host::try_what_may_be_missing(command.allow_degraded, *facts));
  stopwatch.lap("look at the host");
  const auto planned =
      plan_run(command, *facts, [&stopwatch](std::string_view stage) { stopwatch.lap(stage); });
  if (!planned) {
    return planned.error();
  }
  if (command.dry_run) {
    SBX_TRY(print(command.json ? plan::to_json(planned->plan) : plan::to_text(planned->plan)));
    return 0;
  }
  plan::LaunchPlan plan = planned->plan;
  if (command.self_test) {
    plan::make_self_test(plan);
  }
  if (command.explain && !command.quiet && !command.json) {
    write_all(STDERR_FILENO,
              "sbx: --explain watches file, exec and network calls too: the command runs slower\n");
  }
  return launch_and_supervise(plan, command, planned->by_default, stopwatch, {});
}

}  // namespace sbx::cli
