// SPDX-License-Identifier: Apache-2.0
// sbx events: what the log of runs holds.
#include <string>

#include <fmt/format.h>

#include "base/text.h"
#include "base/time_text.h"
#include "cli/output.h"
#include "cli/run_log.h"
#include "cli/verbs.h"
#include "events/story.h"
#include "sys/event_loop.h"

namespace sbx::cli {
namespace {

// Fixed widths, since what comes later is not known yet.
std::string row(std::string_view time, std::string_view run, std::string_view policy,
                std::string_view kind, std::string_view what) {
  return fmt::format("{:<27}  {:<29}  {:<12}  {:<9}  {}\n", time, run, policy, kind, what);
}

std::string shown(const Command& command, const std::vector<events::Event>& list,
                  const events::Selection& selection) {
  std::string text;
  for (const events::Event& event : list) {
    if (!selection.takes(event)) {
      continue;
    }
    if (command.json) {
      text += events::to_json(event) + "\n";
    } else if (command.csv) {
      text += events::csv_line(event) + "\r\n";
    } else {
      text += row(events::time_text(event.time_us), escape(event.run), escape(event.policy),
                  events::kind_of(event), events::headline(event));
    }
  }
  return text;
}

}  // namespace

Result<int> events(const Command& command) {
  events::Selection selection{0, command.policy.value, command.syscall, command.exe};
  if (!command.since.empty()) {
    const auto since = parse_since(command.since, sys::realtime_microseconds());
    if (!since) {
      return Error{.action = "--since: " + quote(command.since) + " is no point in time",
                   .hint = "write how long ago, as 10m, 2h or 3d, or a time in UTC, as 2026-11-24T09:12"};
    }
    selection.since_us = *since;
  }
  auto log = RunLog::open(state_directory());
  if (!log) {
    return std::move(log).error();
  }
  if (!command.json) {
    SBX_TRY(print(command.csv ? events::csv_header() + "\r\n"
                              : row("TIME", "RUN", "POLICY", "EVENT", "WHAT")));
  }
  SBX_TRY(print(shown(command, log->read(), selection)));
  while (command.follow) {
    log->wait();
    SBX_TRY(print(shown(command, log->read(), selection)));
  }
  return 0;
}

}  // namespace sbx::cli
