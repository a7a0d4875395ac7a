// SPDX-License-Identifier: Apache-2.0
#include "cli/audit_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "base/time_text.h"
#include "cli/json_writer.h"
#include "seccomp/abi.h"

namespace sbx::cli {
namespace {

using events::AuditGroup;
using events::AuditRecord;
using Kind = AuditRecord::Kind;

constexpr std::size_t kColumns = 7;
using Row = std::array<std::string, kColumns>;

std::string or_dash(const std::string& text) {
  return text.empty() ? "-" : escape(text);
}

Row row_of(const AuditGroup& group) {
  std::string action = group.action;
  if (group.sample.kind == Kind::Seccomp && group.sample.signal != 0) {
    action += " " + events::signal_name(group.sample.signal);
  }
  return {std::to_string(group.count),
          utc_text(group.first_us),
          utc_text(group.last_us),
          or_dash(group.unit),
          or_dash(group.sample.exe),
          escape(group.what),
          (group.alert ? "ALERT " : "") + action};
}

std::string_view type_name(Kind kind) {
  return kind == Kind::Seccomp ? "seccomp" : kind == Kind::Crash ? "crash" : "landlock";
}

void write_seccomp(JsonWriter& json, const AuditRecord& record) {
  json.member("action", events::action_name(record.code));
  json.member("code", fmt::format("{:#x}", record.code));
  json.member("arch", fmt::format("{:#x}", record.arch));
  if (record.number >= 0) {
    json.key("number");
    json.number(static_cast<unsigned long long>(record.number));
  }
  const auto call = seccomp::abi_call(record.arch, record.number);
  json.member("abi", call ? seccomp::abi_name(call->abi) : "");
  json.member("call", call ? call->name : "");
  json.member("address", fmt::format("{:#x}", record.address));
}

// What is the same for a record and for a group of them.
void write_record(JsonWriter& json, const AuditRecord& record, const std::string& unit,
                  bool alert) {
  json.member("type", type_name(record.kind));
  json.member("what", escape(events::what_of(record)));
  if (record.kind == Kind::Seccomp) {
    write_seccomp(json, record);
  }
  if (record.kind == Kind::LandlockAccess) {
    json.member("domain", fmt::format("{:x}", record.domain));
    json.member("blockers", escape(record.blockers));
    json.member("object", escape(record.object));
  }
  if (record.signal != 0) {
    json.member("signal", events::signal_name(record.signal));
  }
  if (record.has_process) {
    json.member("exe", escape(record.exe));
    json.member("comm", escape(record.comm));
    json.key("pid");
    json.number(static_cast<unsigned>(record.pid));
    json.key("uid");
    json.number(record.uid);
  }
  json.member("unit", escape(unit));
  json.member("label", escape(record.subject));
  json.member("node", escape(record.node));
  json.key("alert");
  json.boolean(alert);
}

void write_time(JsonWriter& json, std::string_view key, std::uint64_t time_us) {
  json.member(key, utc_text(time_us, true));
  json.key(std::string(key) + "_us");
  json.number(time_us);
}

void write_count(JsonWriter& json, std::string_view key, std::uint64_t count) {
  json.key(key);
  json.number(count);
}

}  // namespace

std::string audit_table(const std::vector<AuditGroup>& groups) {
  if (groups.empty()) {
    return {};
  }
  std::vector<Row> rows = {{"COUNT", "FIRST", "LAST", "UNIT", "EXE", "CALL", "ACTION"}};
  for (const AuditGroup& group : groups) {
    rows.push_back(row_of(group));
  }
  std::array<std::size_t, kColumns> widths{};
  constexpr std::size_t kWidest = 48;  // one long name must not push every other line apart
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < kColumns; ++i) {
      widths[i] = std::max(widths[i], std::min(row[i].size(), kWidest));
    }
  }
  std::string table;
  for (const Row& row : rows) {
    table += std::string(widths[0] - std::min(widths[0], row[0].size()), ' ') + row[0];
    for (std::size_t i = 1; i < kColumns; ++i) {
      table += "  " + row[i];
      if (i + 1 < kColumns) {
        table += std::string(widths[i] - std::min(widths[i], row[i].size()), ' ');
      }
    }
    table += '\n';
  }
  return table;
}

std::string audit_json(const events::AuditTally& tally, const AuditCounts& counts) {
  JsonWriter json;
  json.begin_object();
  write_count(json, "schema", 1);
  json.key("groups");
  json.begin_array();
  for (const AuditGroup& group : tally.sorted()) {
    json.begin_object();
    write_count(json, "count", group.count);
    write_time(json, "first", group.first_us);
    write_time(json, "last", group.last_us);
    write_record(json, group.sample, group.unit, group.alert);
    json.end_object();
  }
  json.end_array();
  write_count(json, "records", tally.records());
  write_count(json, "records_beyond", tally.beyond());
  write_count(json, "lines", counts.lines);
  write_count(json, "unreadable", counts.unreadable);
  write_count(json, "lost", counts.lost);
  write_count(json, "alerts", counts.alerts);
  json.end_object();
  return json.take();
}

std::string audit_record_json(const AuditRecord& record, const std::string& unit, bool alert) {
  JsonWriter json(JsonWriter::Layout::OneLine);
  json.begin_object();
  write_time(json, "time", record.time_us);
  write_count(json, "serial", record.serial);
  write_record(json, record, unit, alert);
  json.end_object();
  return json.take();
}

}  // namespace sbx::cli
