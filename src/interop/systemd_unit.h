// SPDX-License-Identifier: Apache-2.0
// A unit file of systemd's as a list of assignments: sections, comments and continued lines done,
// values as they stand. Syntax: systemd.syntax(7); what a policy can be made of: systemd.exec(5),
// systemd.resource-control(5), version 252.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "interop/format.h"

namespace sbx::interop {

struct UnitLine {
  std::string section;  // "Service"
  std::string name;     // "ProtectSystem"
  std::string value;    // "strict"; may be empty, which takes earlier values back
  Origin origin{};
};

// Errors: a line that is no assignment, more lines than any unit has.
Result<std::vector<UnitLine>> read_unit(std::string_view text, const std::string& source);

// systemd's words for true and false; nothing for others.
std::optional<bool> unit_boolean(std::string_view value);

bool looks_like_unit(std::string_view text, std::string_view source);

// A service unit.
Result<Import> import_unit(const ImportRequest& request);

// A drop-in for a service unit.
Result<Export> export_unit(const ExportRequest& request);

}  // namespace sbx::interop
