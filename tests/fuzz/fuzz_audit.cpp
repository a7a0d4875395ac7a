// SPDX-License-Identifier: Apache-2.0
// Any bytes as a log: whatever stands in it, what sbx audit says of it moves no cursor, and nothing
// is half believed. The first byte chooses where the blocks of a read end.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/line_splitter.h"
#include "events/audit_join.h"
#include "events/audit_match.h"
#include "events/audit_record.h"
#include "events/audit_tally.h"
#include "events/cgroup_unit.h"
#include "expectations.h"

namespace {

bool is_safe(std::string_view text) {
  for (const char byte : text) {
    const auto code = static_cast<unsigned char>(byte);
    if (code < 0x20 || code == 0x7f) {
      return false;
    }
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sbx;
  if (size == 0) {
    return 0;
  }
  const std::size_t step = data[0] + std::size_t{1};
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  static const auto match =
      events::parse_audit_match("kill and call=@debug,crash,path=/etc/*,unit=docker*", "--match");
  const std::string unit = events::unit_of_cgroup(text);
  events::AuditTally tally;
  events::AuditJoin join([&](const events::AuditRecord& record) {
    fuzz::expect(record.kind == events::AuditRecord::Kind::Seccomp ||
                     record.kind == events::AuditRecord::Kind::Crash ||
                     record.kind == events::AuditRecord::Kind::LandlockAccess,
                 "what comes out tells something");
    fuzz::expect(is_safe(events::to_line(record, unit)), "a line has no control bytes");
    events::matches(*match, record, unit);
    tally.add(record, unit);
  });
  const auto take = [&join](events::AuditLine line) {
    if (line.kind == events::AuditLine::Kind::Record) {
      join.add(std::move(line.record));
    }
  };
  LineSplitter lines;
  for (std::size_t at = 0; at < text.size(); at += step) {
    lines.feed(text.substr(at, step), [&](std::string_view line, bool) {
      take(events::parse_audit_line(line));
      take(events::parse_audit_payload(1326, line));
    });
  }
  join.flush();
  const auto parsed = events::parse_audit_match(text, "--match");
  if (!parsed) {
    fuzz::expect_presentable(parsed.error());
  }
  return 0;
}
