// SPDX-License-Identifier: Apache-2.0
#include "events/audit_match.h"

#include <fnmatch.h>
#include <linux/seccomp.h>

#include <algorithm>

#include "base/text.h"
#include "seccomp/abi.h"
#include "seccomp/groups.h"
#include "seccomp/syscall_table.h"

namespace sbx::events {
namespace {

using Field = AuditCondition::Field;
using Kind = AuditRecord::Kind;

struct FieldName {
  std::string_view name;
  Field field;
};
constexpr FieldName kWords[] = {{"any", Field::Any},          {"kill", Field::Kill},
                                {"crash", Field::Crash},      {"denied", Field::Denied},
                                {"logged", Field::Logged},    {"seccomp", Field::Seccomp},
                                {"landlock", Field::Landlock}};
constexpr FieldName kFields[] = {
    {"call", Field::Call}, {"action", Field::Action}, {"signal", Field::Signal},
    {"abi", Field::Abi},   {"exe", Field::Exe},       {"comm", Field::Comm},
    {"unit", Field::Unit}, {"path", Field::Path},     {"blocker", Field::Blocker},
    {"pid", Field::Pid},   {"uid", Field::Uid}};

Error usage(std::string_view option, const std::string& problem, const std::string& hint) {
  return Error{.action = std::string(option) + ": " + problem, .hint = hint};
}

template <std::size_t N>
std::vector<std::string_view> names(const FieldName (&table)[N]) {
  std::vector<std::string_view> all;
  for (const FieldName& one : table) {
    all.push_back(one.name);
  }
  return all;
}

template <std::size_t N>
std::string list(const FieldName (&table)[N]) {
  const auto all = names(table);
  return join({all.begin(), all.end()}, ", ");
}

Result<AuditCondition> parse_word(std::string_view word, std::string_view option) {
  for (const FieldName& one : kWords) {
    if (one.name == word) {
      return AuditCondition{.field = one.field};
    }
  }
  const auto near = nearest(word, names(kWords));
  return usage(option, "there is no word " + quote(word),
               near ? "did you mean " + *near + "?"
                    : "words are " + list(kWords) + "; a field has a value, as call=ptrace");
}

Status read_call(const std::string& value, std::string_view option, AuditCondition& condition) {
  condition.pattern = value;
  if (value.starts_with('@')) {
    const seccomp::Group* group = seccomp::find_group(value);
    if (group == nullptr) {
      return usage(option, "there is no group " + quote(value),
                   "see man sbx, or sbx syscall @debug");
    }
    condition.calls = seccomp::expand_group(*group);
    return {};
  }
  if (const auto number = parse_number(value)) {
    condition.number = static_cast<std::int64_t>(*number & 0x7fffffff);
    condition.pattern.clear();
    return {};
  }
  // A name that matches nothing would be an alarm that never rings.
  if (value.find_first_of("*?[") == std::string::npos && !seccomp::is_syscall_name(value)) {
    const auto near = nearest(value, seccomp::all_names());
    return usage(option, "there is no system call " + quote(value),
                 near ? "did you mean " + *near + "?" : "sbx syscall --dump lists them");
  }
  return {};
}

Status read_value(const std::string& value, std::string_view option, AuditCondition& condition) {
  if (condition.field == Field::Call) {
    return read_call(value, option, condition);
  }
  if (condition.field == Field::Pid || condition.field == Field::Uid) {
    const auto number = parse_number(value);
    if (!number || *number > 0xffffffff) {
      return usage(option, quote(value) + " is no number", "write it as pid=4711");
    }
    condition.number = static_cast<std::int64_t>(*number);
    return {};
  }
  if (condition.field == Field::Abi && !seccomp::find_abi(value)) {
    return usage(option, "there is no ABI " + quote(value),
                 "it is x86-64, i386, x32, aarch64 or arm");
  }
  condition.pattern = value;
  return {};
}

Result<AuditCondition> parse_condition(std::string_view text, std::string_view option) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return parse_word(text, option);
  }
  AuditCondition condition;
  std::string_view name = text.substr(0, equals);
  if (name.ends_with('!')) {
    condition.negated = true;
    name.remove_suffix(1);
  }
  const auto* found = std::find_if(std::begin(kFields), std::end(kFields),
                                   [&](const FieldName& one) { return one.name == name; });
  if (found == std::end(kFields)) {
    const auto near = nearest(name, names(kFields));
    return usage(option, "there is no field " + quote(name),
                 near ? "did you mean " + *near + "?" : "fields are " + list(kFields));
  }
  condition.field = found->field;
  const std::string value(text.substr(equals + 1));
  if (value.empty()) {
    return usage(option, std::string(name) + " has no value",
                 "write " + std::string(name) + "=VALUE");
  }
  SBX_TRY(read_value(value, option, condition));
  return condition;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) {
    text.remove_prefix(1);
  }
  while (text.ends_with(' ')) {
    text.remove_suffix(1);
  }
  return text;
}

Result<std::vector<AuditCondition>> parse_alternative(std::string_view text,
                                                      std::string_view option) {
  constexpr std::string_view kAnd = " and ";
  std::vector<AuditCondition> conditions;
  for (;;) {
    const std::size_t end = text.find(kAnd);
    const std::string_view one = trimmed(text.substr(0, end));
    if (one.empty()) {
      return usage(option, "a condition is empty",
                   "write conditions as kill,call=ptrace and uid=0");
    }
    auto condition = parse_condition(one, option);
    if (!condition) {
      return std::move(condition).error();
    }
    conditions.push_back(*std::move(condition));
    if (end == std::string_view::npos) {
      return conditions;
    }
    text.remove_prefix(end + kAnd.size());
  }
}

bool fits(const std::string& pattern, const std::string& text) {
  return ::fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

bool is_kill(const AuditRecord& record) {
  return record.kind == Kind::Seccomp &&
         (record.code == SECCOMP_RET_KILL_PROCESS || record.code == SECCOMP_RET_KILL_THREAD);
}

bool is_logged(const AuditRecord& record) {
  return record.kind == Kind::Seccomp &&
         (record.code == SECCOMP_RET_LOG || record.code == SECCOMP_RET_ALLOW);
}

bool is_call(const AuditCondition& condition, const AuditRecord& record) {
  const auto call =
      record.kind == Kind::Seccomp ? seccomp::abi_call(record.arch, record.number) : std::nullopt;
  if (!call) {
    return false;
  }
  if (!condition.calls.empty()) {
    return std::binary_search(condition.calls.begin(), condition.calls.end(), call->name);
  }
  return condition.pattern.empty() ? call->number == condition.number
                                   : fits(condition.pattern, std::string(call->name));
}

bool is_abi(const AuditCondition& condition, const AuditRecord& record) {
  const auto call =
      record.kind == Kind::Seccomp ? seccomp::abi_call(record.arch, record.number) : std::nullopt;
  return call && seccomp::abi_name(call->abi) == condition.pattern;
}

bool has_blocker(const AuditCondition& condition, const AuditRecord& record) {
  const auto blockers = split(record.blockers, ',');
  return std::any_of(blockers.begin(), blockers.end(),
                     [&](const std::string& blocker) { return fits(condition.pattern, blocker); });
}

bool holds(const AuditCondition& condition, const AuditRecord& record, const std::string& unit) {
  switch (condition.field) {
    case Field::Any:
      return true;
    case Field::Kill:
      return is_kill(record);
    case Field::Crash:
      return record.kind == Kind::Crash;
    case Field::Denied:
      return record.kind == Kind::LandlockAccess ||
             (record.kind == Kind::Seccomp && !is_logged(record));
    case Field::Logged:
      return is_logged(record);
    case Field::Seccomp:
      return record.kind == Kind::Seccomp;
    case Field::Landlock:
      return record.kind == Kind::LandlockAccess;
    case Field::Call:
      return is_call(condition, record);
    case Field::Action:
      return record.kind == Kind::Seccomp && fits(condition.pattern, action_name(record.code));
    case Field::Signal:
      return record.signal != 0 && fits(condition.pattern, signal_name(record.signal));
    case Field::Abi:
      return is_abi(condition, record);
    case Field::Exe:
      return record.has_process && fits(condition.pattern, record.exe);
    case Field::Comm:
      return record.has_process && fits(condition.pattern, record.comm);
    case Field::Unit:
      return fits(condition.pattern, unit);
    case Field::Path:
      return fits(condition.pattern, record.object);
    case Field::Blocker:
      return has_blocker(condition, record);
    case Field::Pid:
      return record.has_process && record.pid == condition.number;
    case Field::Uid:
      return record.has_process && record.uid == condition.number;
  }
  return false;
}

}  // namespace

Result<AuditMatch> parse_audit_match(std::string_view text, std::string_view option) {
  AuditMatch match;
  for (const std::string& part : split(text, ',')) {
    auto alternative = parse_alternative(part, option);
    if (!alternative) {
      return std::move(alternative).error();
    }
    match.push_back(*std::move(alternative));
  }
  return match;
}

bool matches(const AuditMatch& match, const AuditRecord& record, const std::string& unit) {
  return std::any_of(match.begin(), match.end(), [&](const auto& conditions) {
    return std::all_of(conditions.begin(), conditions.end(), [&](const AuditCondition& condition) {
      return holds(condition, record, unit) != condition.negated;
    });
  });
}

bool asks_for_unit(const AuditMatch& match) {
  return std::any_of(match.begin(), match.end(), [](const auto& conditions) {
    return std::any_of(conditions.begin(), conditions.end(), [](const AuditCondition& condition) {
      return condition.field == Field::Unit;
    });
  });
}

}  // namespace sbx::events
