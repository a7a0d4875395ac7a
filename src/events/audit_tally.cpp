// SPDX-License-Identifier: Apache-2.0
#include "events/audit_tally.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "base/time_text.h"
#include "seccomp/abi.h"

namespace sbx::events {
namespace {

using Kind = AuditRecord::Kind;

// What makes two records the same, without the work of naming it: a million of them come through.
void write_key(const AuditRecord& record, const std::string& unit, std::string& key) {
  const std::uint64_t numbers[] = {static_cast<std::uint64_t>(record.kind),
                                   static_cast<std::uint64_t>(record.signal),
                                   record.arch,
                                   static_cast<std::uint64_t>(record.number),
                                   record.code,
                                   record.uid};
  key.assign(reinterpret_cast<const char*>(numbers), sizeof numbers);
  for (const std::string* text :
       {&record.node, &record.exe, &unit, &record.blockers, &record.object}) {
    key += *text;
    key += '\0';
  }
}

}  // namespace

std::optional<std::size_t> AuditTally::add(const AuditRecord& record, const std::string& unit) {
  ++records_;
  write_key(record, unit, key_);
  auto found = index_.find(key_);
  if (found == index_.end()) {
    if (groups_.size() == kMostGroups) {
      ++beyond_;
      return std::nullopt;
    }
    found = index_.emplace(key_, groups_.size()).first;
    groups_.push_back({.first_us = record.time_us,
                       .unit = unit,
                       .what = what_of(record),
                       .action = action_of(record)});
  }
  AuditGroup& group = groups_[found->second];
  ++group.count;
  group.first_us = std::min(group.first_us, record.time_us);  // logs may be given in any order
  if (record.time_us >= group.last_us) {
    group.last_us = record.time_us;
    group.sample = record;
  }
  return found->second;
}

std::vector<AuditGroup> AuditTally::sorted() const {
  std::vector<AuditGroup> sorted = groups_;
  std::sort(sorted.begin(), sorted.end(), [](const AuditGroup& a, const AuditGroup& b) {
    return a.count != b.count ? a.count > b.count : a.first_us < b.first_us;
  });
  return sorted;
}

std::string what_of(const AuditRecord& record) {
  switch (record.kind) {
    case Kind::Seccomp:
      return seccomp::call_text(record.arch, record.number);
    case Kind::Crash:
      return "crash";
    default:
      return record.object.empty() ? record.blockers : record.blockers + " " + record.object;
  }
}

std::string action_of(const AuditRecord& record) {
  switch (record.kind) {
    case Kind::Seccomp:
      return action_name(record.code);
    case Kind::Crash:
      return signal_name(record.signal);
    default:
      return "landlock";
  }
}

std::string to_line(const AuditRecord& record, const std::string& unit) {
  std::string line = utc_text(record.time_us, true) + " " + action_of(record);
  if (record.kind == Kind::Seccomp && record.signal != 0) {
    line += " " + signal_name(record.signal);
  }
  line += " " + escape(what_of(record));
  if (record.kind == Kind::Seccomp) {
    line += fmt::format(" [{}] at {:#x}", record.number, record.address);
  }
  if (record.has_process) {
    line += fmt::format(" by {} (pid {}, uid {}) {}", escape(record.comm), record.pid, record.uid,
                        record.exe.empty() ? "-" : escape(record.exe));
  }
  line += unit.empty() ? "" : " in " + escape(unit);
  line += record.node.empty() ? "" : " on " + escape(record.node);
  return line;
}

}  // namespace sbx::events
