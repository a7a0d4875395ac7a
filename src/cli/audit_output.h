// SPDX-License-Identifier: Apache-2.0
// The records of `sbx audit` as a table and as JSON. Names of fields are a contract.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "events/audit_tally.h"

namespace sbx::cli {

struct AuditCounts {
  std::uint64_t lines = 0;
  std::uint64_t unreadable = 0;
  std::uint64_t lost = 0;
  std::uint64_t alerts = 0;
};

// Empty if there is no group.
std::string audit_table(const std::vector<events::AuditGroup>& groups);
std::string audit_json(const events::AuditTally& tally, const AuditCounts& counts);
// One line, as each record comes.
std::string audit_record_json(const events::AuditRecord& record, const std::string& unit,
                              bool alert);

}  // namespace sbx::cli
