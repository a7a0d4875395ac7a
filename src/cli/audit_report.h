// SPDX-License-Identifier: Apache-2.0
// What `sbx audit` makes of what it reads: lines and messages go in; records that are meant come
// out as they come (--follow) and as a table at the end, with the exit status for monitoring.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "events/audit_join.h"
#include "events/audit_match.h"
#include "events/audit_tally.h"
#include "host/running_process.h"

namespace sbx::cli {

struct AuditRequest {
  events::AuditMatch match = {};  // empty: everything
  events::AuditMatch alert = {};  // empty: there are no alerts
  std::uint64_t since_us = 0;
  bool follow = false;
  bool json = false;
  bool own_machine = false;  // what is read was written here, since this boot
};

// Status of `sbx audit` (docs/sbx.1).
inline constexpr int kAuditAlert = 1;
inline constexpr int kAuditIncomplete = 2;  // nothing to alert of, but not all could be read

class AuditReport {
 public:
  // `write` takes what goes to standard output, `now_ms` is a monotonic clock.
  AuditReport(AuditRequest request, std::function<Status(std::string_view)> write,
              std::function<std::uint64_t()> now_ms);

  void line(std::string_view text, bool whole);
  void message(unsigned type, std::string_view payload);
  void lost_unknown() { ++overruns_; }

  // A second or so has passed, or nothing came: what was held back is written.
  void tick();

  // The table (or JSON), and what must be said beside it, for standard error.
  Status finish();
  std::string notes() const;
  int exit_status() const;

  // The first error of `write`.
  const Status& state() const { return state_; }

 private:
  struct Shown {
    std::uint64_t at_ms = 0;
    std::uint64_t held = 0;
  };
  struct KnownProcess {
    std::uint64_t looked_us = 0;
    std::uint64_t started_us = 0;  // 0: there was none
    std::string exe = {};
    std::string unit = {};
  };

  void take(events::AuditLine line);
  void record(events::AuditRecord record);
  void show(const events::AuditRecord& record, const std::string& unit, std::size_t group,
            bool alert);
  std::string unit_of(const events::AuditRecord& record);
  bool is_old() const { return latest_us_ < request_.since_us; }
  void write(std::string_view text);

  AuditRequest request_;
  std::function<Status(std::string_view)> write_;
  std::function<std::uint64_t()> now_ms_;
  events::AuditJoin join_;
  events::AuditTally tally_;
  std::vector<Shown> shown_;  // of each group
  std::unordered_map<int, KnownProcess> processes_;
  std::uint64_t boot_us_ = host::boot_time_us();
  Status state_;
  std::uint64_t latest_us_ = 0;  // time of the latest record of any type
  std::uint64_t lines_ = 0;
  std::uint64_t unreadable_ = 0;
  std::uint64_t lost_ = 0;
  std::uint64_t overruns_ = 0;
  std::uint64_t alerts_ = 0;
  bool audit_log_ = false;
};

}  // namespace sbx::cli
