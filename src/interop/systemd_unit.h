// SPDX-License-Identifier: Apache-2.0
// A unit file of systemd's as a list of assignments: sections, comments and continued lines done,
// values as they stand. Syntax: systemd.syntax(7); what a policy can be made of: systemd.exec(5),
// systemd.resource-control(5), version 252.
#pragma once

#include <functional>
#include <optional>
#include <span>
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

// Where a file is, and what else is there: as ImportRequest has them.
struct UnitFiles {
  std::function<Result<std::string>(const std::string& path)> read;
  std::function<std::vector<std::string>(const std::string& pattern)> glob;
};

// A unit and its drop-ins (systemd.unit(5)) in the order in which systemd reads them: those of
// NAME.d beside the file, of its template, of its name's prefixes, of the type; if the file is in one of
// systemd's own directories, of the others of these too. Of two of one name the first directory's counts.
Result<std::vector<UnitLine>> read_whole_unit(std::string_view text, const std::string& source, const UnitFiles& files);

// systemd's directories of units for the system, the most important first.
std::span<const std::string_view> unit_directories();

// systemd's words for true and false; nothing for others.
std::optional<bool> unit_boolean(std::string_view value);

// Words of a value with its quotes and backslashes taken away (systemd.syntax(7)); nothing: a quote is
// not closed, or a backslash means nothing.
std::optional<std::vector<std::string>> unit_words(std::string_view value);

// A value with its specifiers ("%n") put in, as the service manager of the system has them
// (systemd.unit(5)). Nothing: one is not known before the service runs, as %i of a template, or %H.
std::optional<std::string> expand_specifiers(std::string_view value, std::string_view unit_name);

// Whether each line still counts: of a directive with one value the last does, of a list its last empty
// value and what follows.
std::vector<bool> which_count(const std::vector<UnitLine>& lines);

// Why a directive becomes nothing of a policy; for every name there is something to say.
std::string_view why_no_directive(std::string_view name);

bool looks_like_unit(std::string_view text, std::string_view source);

// A service unit.
Result<Import> import_unit(const ImportRequest& request);

// A drop-in for a service unit.
Result<Export> export_unit(const ExportRequest& request);

}  // namespace sbx::interop
