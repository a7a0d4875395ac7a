// SPDX-License-Identifier: Apache-2.0
#include "cli/audit_report.h"

#include <fmt/format.h>

#include "base/text.h"
#include "cli/audit_output.h"
#include "events/cgroup_unit.h"
#include "sys/event_loop.h"

namespace sbx::cli {
namespace {

using events::AuditLine;
using events::AuditRecord;

constexpr std::uint64_t kHoldMs = 1000;  // equal records are shown once in this time
constexpr std::size_t kMostProcesses = 65536;

std::string counted(std::uint64_t count, std::string_view one, std::string_view several) {
  return fmt::format("{} {}", count, count == 1 ? one : several);
}

}  // namespace

AuditReport::AuditReport(AuditRequest request, std::function<Status(std::string_view)> write,
                         std::function<std::uint64_t()> now_ms)
    : request_(std::move(request)),
      write_(std::move(write)),
      now_ms_(std::move(now_ms)),
      join_([this](AuditRecord one) { record(std::move(one)); }) {}

void AuditReport::line(std::string_view text, bool whole) {
  ++lines_;
  AuditLine parsed = events::parse_audit_line(text);
  audit_log_ = audit_log_ || parsed.audit_log;
  // In auditd's log every line is a record: what is none has been damaged. A longer line than any
  // record cannot be one.
  const bool stray = parsed.kind == AuditLine::Kind::Foreign && audit_log_ && !text.empty();
  const bool cut = !whole && parsed.kind == AuditLine::Kind::Record;
  if (stray || cut) {
    parsed.kind = AuditLine::Kind::Unreadable;
  }
  take(std::move(parsed));
}

void AuditReport::message(unsigned type, std::string_view payload) {
  ++lines_;
  take(events::parse_audit_payload(type, payload));
}

void AuditReport::take(AuditLine line) {
  latest_us_ = line.record.time_us != 0 ? line.record.time_us : latest_us_;
  switch (line.kind) {
    case AuditLine::Kind::Record:
      join_.add(std::move(line.record));
      return;
    case AuditLine::Kind::Unreadable:
      unreadable_ += is_old() ? 0u : 1u;
      return;
    case AuditLine::Kind::Lost:
      lost_ += is_old() ? 0u : line.lost;
      return;
    case AuditLine::Kind::Foreign:
    case AuditLine::Kind::Other:
      return;
  }
}

void AuditReport::record(AuditRecord record) {
  if (record.time_us < request_.since_us) {
    return;
  }
  const std::string unit = unit_of(record);
  if (!request_.match.empty() && !events::matches(request_.match, record, unit)) {
    return;
  }
  const bool alert = !request_.alert.empty() && events::matches(request_.alert, record, unit);
  alerts_ += alert ? 1u : 0u;
  const auto group = tally_.add(record, unit);
  if (!group) {
    return;
  }
  if (alert) {
    tally_.mark_alert(*group);
  }
  if (request_.follow) {
    show(record, unit, *group, alert);
  }
}

void AuditReport::show(const AuditRecord& record, const std::string& unit, std::size_t group,
                       bool alert) {
  if (request_.json) {
    write(audit_record_json(record, unit, alert));
    return;
  }
  shown_.resize(std::max(shown_.size(), group + 1));
  Shown& shown = shown_[group];
  const std::uint64_t now = now_ms_();
  if (shown.at_ms != 0 && now - shown.at_ms < kHoldMs) {
    ++shown.held;
    return;
  }
  write((alert ? "ALERT " : "") + events::to_line(record, unit) +
        (shown.held > 0 ? fmt::format(" (and {} more before)\n", shown.held) : "\n"));
  shown = {now, 0};
}

void AuditReport::tick() {
  join_.flush();
  const std::uint64_t now = now_ms_();
  for (std::size_t i = 0; i < shown_.size(); ++i) {
    if (shown_[i].held > 0 && now - shown_[i].at_ms >= kHoldMs) {
      const events::AuditGroup& group = tally_.groups()[i];
      write(
          (group.alert ? "ALERT " : "") + events::to_line(group.sample, group.unit) +
          (shown_[i].held > 1 ? fmt::format(" (and {} more before)\n", shown_[i].held - 1) : "\n"));
      shown_[i] = {now, 0};
    }
  }
}

// A process that started before the record, and was there after it, is the one that was recorded:
// its number had not been given again. Of a log that may come from elsewhere the program must agree
// too.
std::string AuditReport::unit_of(const AuditRecord& record) {
  if (!record.has_process || !record.node.empty() || record.time_us < boot_us_) {
    return {};
  }
  auto found = processes_.find(record.pid);
  if (found == processes_.end() || found->second.looked_us < record.time_us) {
    if (processes_.size() == kMostProcesses) {
      processes_.clear();
    }
    KnownProcess looked{.looked_us = sys::realtime_microseconds()};
    if (const auto process = host::read_running_process(record.pid)) {
      looked.started_us = process->started_us;
      looked.exe = process->exe;
      looked.unit = events::unit_of_cgroup(process->cgroup);
    }
    found = processes_.insert_or_assign(record.pid, std::move(looked)).first;
  }
  constexpr std::uint64_t kClockError = 20'000;  // procfs counts in hundredths of a second
  const KnownProcess& known = found->second;
  const bool same = known.started_us != 0 && known.started_us <= record.time_us + kClockError &&
                    (request_.own_machine || known.exe == record.exe);
  return same ? known.unit : std::string();
}

Status AuditReport::finish() {
  join_.flush();
  if (!request_.follow) {
    write(request_.json ? audit_json(tally_, {lines_, unreadable_, lost_ + overruns_, alerts_})
                        : audit_table(tally_.sorted()));
  } else {
    for (Shown& shown : shown_) {
      shown.at_ms = 0;
    }
    tick();
  }
  return state_;
}

std::string AuditReport::notes() const {
  std::string notes;
  if (tally_.records() == 0) {
    notes += fmt::format("sbx: {} read, no record of a denial or a crash{}\n",
                         counted(lines_, "line", "lines"),
                         request_.match.empty() && request_.since_us == 0 ? "" : " that is meant");
  }
  if (unreadable_ > 0) {
    notes += fmt::format(
        "sbx: {} cut off, garbled or in a form that sbx does not read\n"
        "hint: it reads auditd's log (ausearch --raw), dmesg and journalctl -k\n",
        counted(unreadable_, "record is", "records are"));
  }
  if (lost_ > 0) {
    notes += fmt::format(
        "sbx: the kernel log left out {}: it takes ten in five seconds\n"
        "hint: auditd's log has them all; so has sbx audit --follow, as root\n",
        counted(lost_, "record", "records"));
  }
  if (overruns_ > 0) {
    notes += fmt::format(
        "sbx: records came faster than they could be read: some are missing "
        "({} times)\n",
        overruns_);
  }
  if (tally_.beyond() > 0) {
    notes += fmt::format(
        "sbx: {} of other kinds are not shown: only {} kinds are kept apart\n"
        "hint: --match narrows what is counted\n",
        counted(tally_.beyond(), "record", "records"), events::AuditTally::kMostGroups);
  }
  return notes;
}

int AuditReport::exit_status() const {
  if (request_.alert.empty()) {
    return 0;
  }
  const bool incomplete = unreadable_ + lost_ + overruns_ > 0;
  return alerts_ > 0 ? kAuditAlert : incomplete ? kAuditIncomplete : 0;
}

void AuditReport::write(std::string_view text) {
  if (state_) {
    state_ = write_(text);
  }
}

}  // namespace sbx::cli
