// SPDX-License-Identifier: Apache-2.0
// [report]: what is logged, and where events go beside.
#include "base/path.h"
#include "base/text.h"
#include "plan/expand.h"

namespace sbx::plan {
namespace {

constexpr std::uint64_t kHighestDescriptor = 1u << 20;  // above every RLIMIT_NOFILE in use

Result<Sink> sink_of(const policy::LayeredName& entry) {
  const std::size_t colon = entry.value.find(':');
  const std::string kind = entry.value.substr(0, colon);
  const std::string place = colon == std::string::npos ? "" : entry.value.substr(colon + 1);
  const bool has_place = colon != std::string::npos;
  const Error error{"report.sinks cannot be " + quote(entry.value), 0, entry.origin,
                    "write journald, syslog, journald:/path, syslog:/path or fd:N"};
  if (kind == "fd") {
    const auto number = parse_number(place);
    if (!number || *number > kHighestDescriptor || *number == 0) {
      return error;
    }
    return Sink{Sink::Kind::Descriptor, "", static_cast<int>(*number), entry.origin};
  }
  if ((kind != "journald" && kind != "syslog") || (has_place && !path::is_absolute(place))) {
    return error;
  }
  const bool is_journal = kind == "journald";
  return Sink{is_journal ? Sink::Kind::Journal : Sink::Kind::Syslog,
              has_place    ? place
              : is_journal ? "/run/systemd/journal/socket"
                           : "/dev/log",
              -1, entry.origin};
}

}  // namespace

Result<Reporting> expand_report(const policy::Policy& policy) {
  Reporting reporting;
  reporting.log = policy.log.value == "none" ? LogMode::None
                  : policy.log.value == "all" ? LogMode::All
                                              : LogMode::Problems;
  for (const policy::LayeredName& entry : policy.sinks) {
    auto sink = sink_of(entry);
    if (!sink) {
      return std::move(sink).error();
    }
    reporting.sinks.push_back(*std::move(sink));
  }
  for (const policy::Text& word : policy.notify_command) {
    reporting.notify_command.push_back(word.value);
    reporting.notify_origin = word.origin;
  }
  return reporting;
}

}  // namespace sbx::plan
