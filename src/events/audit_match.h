// SPDX-License-Identifier: Apache-2.0
// Which records are meant: what `sbx audit --match` and `--alert-on` take.
//
//   alternatives  = condition { " and " condition } { "," … }
//   condition     = WORD | FIELD "=" VALUE | FIELD "!=" VALUE
//   WORD          = kill, crash, denied, logged, seccomp, landlock, any
//   FIELD         = call, action, signal, abi, exe, comm, unit, path, blocker, pid, uid
//
// "kill,crash", "call=ptrace and exe=/usr/sbin/*": texts are patterns as fnmatch(3) has them, where
// * also stands for slashes; call also takes a number or an @group.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "events/audit_record.h"

namespace sbx::events {

struct AuditCondition {
  enum class Field : std::uint8_t {
    Any,
    Kill,
    Crash,
    Denied,
    Logged,
    Seccomp,
    Landlock,  // words
    Call,
    Action,
    Signal,
    Abi,
    Exe,
    Comm,
    Unit,
    Path,
    Blocker,
    Pid,
    Uid,
  };
  Field field = Field::Any;
  bool negated = false;
  std::string pattern = {};                  // texts
  std::int64_t number = 0;                   // Pid, Uid, Call by number
  std::vector<std::string_view> calls = {};  // Call: members of a @group, sorted
};

// Each alternative is a list of conditions that all must hold.
using AuditMatch = std::vector<std::vector<AuditCondition>>;

// The error names the option, and says what could have been meant.
Result<AuditMatch> parse_audit_match(std::string_view text, std::string_view option);

bool matches(const AuditMatch& match, const AuditRecord& record, const std::string& unit);

// Some condition asks for the unit, which takes a look at the running process.
bool asks_for_unit(const AuditMatch& match);

}  // namespace sbx::events
