// SPDX-License-Identifier: Apache-2.0
// sbx audit: what the kernel recorded of denials and crashes, of any process of the machine.
#include <unistd.h>

#include "base/text.h"
#include "base/time_text.h"
#include "cli/audit_input.h"
#include "cli/audit_report.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "sys/event_loop.h"

namespace sbx::cli {
namespace {

Result<AuditRequest> request_of(const Command& command) {
  AuditRequest request{.follow = command.follow, .json = command.json};
  if (!command.match.empty()) {
    auto match = events::parse_audit_match(command.match, "--match");
    if (!match) {
      return std::move(match).error();
    }
    request.match = *std::move(match);
  }
  if (!command.alert_on.empty()) {
    auto alert = events::parse_audit_match(command.alert_on, "--alert-on");
    if (!alert) {
      return std::move(alert).error();
    }
    request.alert = *std::move(alert);
  }
  if (!command.since.empty()) {
    const auto since = parse_since(command.since, sys::realtime_microseconds());
    if (!since) {
      return Error{.action = "--since: " + quote(command.since) + " is no point in time",
                   .hint = "write 10m, 2h, 1d, 2026-11-24 or 2026-11-24T09:12 (UTC)"};
    }
    request.since_us = *since;
  }
  return request;
}

}  // namespace

Result<int> audit(const Command& command) {
  auto request = request_of(command);
  if (!request) {
    return std::move(request).error();
  }
  const std::string operand = command.operands.empty() ? std::string() : command.operands[0];
  // What was before can only be read from a log.
  const bool from_start = !command.since.empty() || operand == "-";
  auto input = open_audit_input(operand, command.follow && !from_start);
  if (!input) {
    return std::move(input).error();
  }
  request->own_machine = input->own_machine;
  AuditReport report(*std::move(request), print, sys::monotonic_milliseconds);
  SBX_TRY(command.follow ? follow(*input, from_start, report) : read_all(*input, report));
  SBX_TRY(report.finish());
  write_all(STDERR_FILENO, report.notes());
  return report.exit_status();
}

}  // namespace sbx::cli
