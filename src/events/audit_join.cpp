// SPDX-License-Identifier: Apache-2.0
#include "events/audit_join.h"

#include <algorithm>

namespace sbx::events {
namespace {

using Kind = AuditRecord::Kind;

constexpr std::size_t kMostWaiting = 64;  // one call may be denied several accesses
constexpr std::size_t kMostDomains = 1024;

void take_process(const AuditRecord& from, AuditRecord& into) {
  if (!into.has_process && from.has_process) {
    into.has_process = true;
    into.pid = from.pid;
    into.uid = from.uid;
    into.comm = from.comm;
    into.exe = from.exe;
  }
}

bool is_event_of(const AuditRecord& one, const AuditRecord& other) {
  return one.serial == other.serial && one.time_us == other.time_us && one.node == other.node;
}

}  // namespace

void AuditJoin::add(AuditRecord record) {
  if (!waiting_.empty() && !is_event_of(waiting_.front(), record)) {
    flush();
  }
  switch (record.kind) {
    case Kind::Seccomp:
    case Kind::Crash:
      sink_(std::move(record));
      return;
    case Kind::LandlockAccess:
      if (waiting_.size() == kMostWaiting) {
        flush();
      }
      waiting_.push_back(std::move(record));
      return;
    case Kind::LandlockDomain:
      if (record.has_process) {
        remember(record);
      }
      return;
    case Kind::Syscall:
      for (AuditRecord& access : waiting_) {
        take_process(record, access);
      }
      return;
    case Kind::End:
      flush();
      return;
  }
}

void AuditJoin::flush() {
  for (AuditRecord& access : waiting_) {
    complete(access);
    sink_(std::move(access));
  }
  waiting_.clear();
}

void AuditJoin::remember(const AuditRecord& domain) {
  if (domains_.size() == kMostDomains) {
    domains_.pop_front();
  }
  domains_.push_back(domain);
}

void AuditJoin::complete(AuditRecord& access) const {
  const auto found = std::find_if(domains_.rbegin(), domains_.rend(), [&](const AuditRecord& one) {
    return one.domain == access.domain && one.node == access.node;
  });
  if (found != domains_.rend()) {
    take_process(*found, access);
  }
}

}  // namespace sbx::events
