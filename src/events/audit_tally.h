// SPDX-License-Identifier: Apache-2.0
// Records that say the same are one line of a report: how many, first, last. Whatever comes in, the
// number of lines is bounded; what is over is counted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "events/audit_record.h"

namespace sbx::events {

struct AuditGroup {
  std::uint64_t count = 0;
  std::uint64_t first_us = 0;
  std::uint64_t last_us = 0;
  AuditRecord sample = {};  // the latest: pid, uid, address are its own
  std::string unit;         // or container; empty if unknown
  std::string what;         // "getpid", "i386 getpid", "crash", "fs.read_file /etc/shadow"
  std::string action;       // "kill_process", "errno"; "SIGSEGV" of a crash; "landlock"
  bool alert = false;
};

class AuditTally {
 public:
  static constexpr std::size_t kMostGroups = 4096;

  // The position of the group that the record went into, which stays; nothing if there are
  // kMostGroups others already.
  std::optional<std::size_t> add(const AuditRecord& record, const std::string& unit);

  const std::vector<AuditGroup>& groups() const { return groups_; }
  void mark_alert(std::size_t position) { groups_[position].alert = true; }
  std::uint64_t records() const { return records_; }
  std::uint64_t beyond() const { return beyond_; }  // records of groups that had no place

  // By count, the most first; then by time.
  std::vector<AuditGroup> sorted() const;

 private:
  std::vector<AuditGroup> groups_;
  std::unordered_map<std::string, std::size_t> index_;
  std::string key_;
  std::uint64_t records_ = 0;
  std::uint64_t beyond_ = 0;
};

// "getpid", "crash", "fs.read_file /etc/shadow" (raw bytes), and what came of it.
std::string what_of(const AuditRecord& record);
std::string action_of(const AuditRecord& record);

// One line without newline, safe for a terminal:
// 2026-11-24T09:12:47.755Z kill_process SIGSYS getpid by k (pid 24434, uid 0) /home/u/k in
// x.service
std::string to_line(const AuditRecord& record, const std::string& unit);

}  // namespace sbx::events
