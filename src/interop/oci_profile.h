// SPDX-License-Identifier: Apache-2.0
// A seccomp profile as OCI's runtime specification has it (`linux.seccomp` of config.json), and
// Docker's dialect of it, which engines resolve to the first: archMap, includes, excludes, `name`.
// oci_filter.cpp gives it the meaning that runc does, oci_import.cpp makes a policy of it,
// oci_export.cpp writes one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "interop/format.h"
#include "interop/json.h"
#include "seccomp/filter_spec.h"

namespace sbx::interop {

enum class OciAction : std::uint8_t {
  KillThread,  // also SCMP_ACT_KILL
  KillProcess,
  Trap,
  Errno,
  Trace,
  Allow,
  Log,
  Notify,
};

enum class OciCompare : std::uint8_t { NotEqual, Less, LessEqual, Equal, GreaterEqual, Greater, MaskedEqual };

// All at 64 bits, unsigned.
struct OciArgument {
  std::uint8_t index = 0;
  OciCompare compare = OciCompare::Equal;
  std::uint64_t value = 0;      // for MaskedEqual the mask
  std::uint64_t value_two = 0;  // for MaskedEqual what is compared
};

// includes, excludes.
struct OciCircumstance {
  std::vector<std::string> capabilities, architectures;
  std::optional<std::pair<int, int>> kernel;  // at least this version
};

struct OciRule {
  std::vector<std::string> names;
  OciAction action = OciAction::Allow;
  std::optional<std::uint64_t> errno_value;  // absent is not 0
  std::vector<OciArgument> arguments;
  OciCircumstance includes, excludes;
  std::string comment;
  int line = 0;
  std::vector<int> name_lines;  // of each name
};

struct OciProfile {
  std::string source;
  OciAction default_action = OciAction::KillThread;
  std::optional<std::uint64_t> default_errno;
  int default_line = 0;
  // The machine's, and those whose calls of the same names are filtered too.
  struct Architectures {
    std::string main;
    std::vector<std::string> others;
  };
  std::vector<Architectures> arch_map;     // Docker's archMap
  std::vector<std::string> architectures;  // OCI's; at most one of the two
  std::vector<OciRule> rules;
  std::vector<std::string> flags;
  std::string listener_path;
  std::vector<Finding> unused;   // members that sbx does not know
  Json document;                 // the profile as it was read, nothing left out
};

// `text` is a profile, or a config.json that has one. Errors have the line.
Result<OciProfile> read_oci(std::string_view text, const std::string& source);

// True for what looks like either.
bool looks_like_oci(std::string_view text);

std::string_view to_word(OciAction action);  // "SCMP_ACT_ALLOW"
std::string_view to_word(OciCompare compare);
std::string_view oci_architecture(seccomp::Arch arch);  // "SCMP_ARCH_X86_64"

// What an engine leaves of the profile for this machine and these capabilities, as indices of rules.
std::vector<std::size_t> rules_that_apply(const OciProfile& profile, const ImportRequest& request);

// Why a rule does not apply; empty if it does.
std::string why_left_out(const OciRule& rule, const ImportRequest& request);

// errno_value with the defaults of runc: EPERM.
std::uint16_t errno_of(const std::optional<std::uint64_t>& value);

// The conditions of a rule, any of which will do: one for each test where an argument is tested
// twice and `compat` is runc, else one.
std::vector<seccomp::Condition> conditions_of(const OciRule& rule, Compat compat);

// The highest number of those that the rules name: runc answers ENOSYS to what is above, if the
// default does not let it run. Nothing: no such answer.
std::optional<int> newest_number(const OciProfile& profile, const std::vector<std::size_t>& rules,
                                 seccomp::Arch arch);

// True if the rule says what the default says: runc leaves it out.
bool is_redundant(const OciProfile& profile, const OciRule& rule);

// The filter that runc and libseccomp make of the profile, as far as a FilterSpec can say it: where
// a process is to be killed, a thread is not spared; a tracer is not there; a listener denies.
seccomp::FilterSpec oci_filter(const OciProfile& profile, const ImportRequest& request);

// What the plan's filter decides, and what a profile cannot say of the plan.
OciProfile export_profile(const plan::LaunchPlan& plan, std::vector<Finding>& lost);

Json profile_json(const OciProfile& profile, bool docker);

// What a written profile says, for the proof.
Result<seccomp::FilterSpec> read_back(std::string_view text, const ExportRequest& request);

Result<Import> import_oci(const ImportRequest& request);
Result<Export> export_oci(const ExportRequest& request);
Result<Export> export_docker(const ExportRequest& request);

}  // namespace sbx::interop
