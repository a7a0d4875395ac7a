// SPDX-License-Identifier: Apache-2.0
// Landlock's record of a denied access does not say who made it: that stands in the SYSCALL record
// of the same event, or in the record of the domain, which comes once, with the domain's first
// denial. Records go in as they were read; those that tell something come out, with their process
// as far as anything named it. Memory is bounded, whatever comes in.
#pragma once

#include <deque>
#include <functional>

#include "events/audit_record.h"

namespace sbx::events {

class AuditJoin {
 public:
  using Sink = std::function<void(AuditRecord)>;

  explicit AuditJoin(Sink sink) : sink_(std::move(sink)) {}

  void add(AuditRecord record);
  // Nothing more comes for what still waits: at the end, or when a live source has been silent.
  void flush();

 private:
  void remember(const AuditRecord& domain);
  void complete(AuditRecord& access) const;

  Sink sink_;
  std::deque<AuditRecord> waiting_;  // accesses of one event
  std::deque<AuditRecord> domains_;  // the latest that were named
};

}  // namespace sbx::events
