// SPDX-License-Identifier: Apache-2.0
// Where `sbx audit` reads from: a file, standard input, auditd's log, the kernel log, or the audit
// subsystem's multicast group.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/audit_report.h"
#include "sys/unique_fd.h"

namespace sbx::cli {

struct AuditInput {
  enum class Kind { Lines, KernelLog, Multicast };
  Kind kind = Kind::Lines;
  std::string path;  // what is read, as a user knows it; "-": standard input
  sys::UniqueFd fd;  // empty for standard input
  bool own_machine = false;

  int descriptor() const { return fd ? fd.get() : 0; }
};

// `operand` is empty for what this machine has: with `live` the multicast group first, else the log
// of auditd, else the kernel log.
Result<AuditInput> open_audit_input(const std::string& operand, bool live);

// Everything that there is, to the end.
Status read_all(AuditInput& input, AuditReport& report);

// What there is, then what comes, until a signal ends it (or standard input does). A file that is
// replaced or emptied, as by logrotate(8), is followed by its name.
Status follow(AuditInput& input, bool from_start, AuditReport& report);

}  // namespace sbx::cli
