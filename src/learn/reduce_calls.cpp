// SPDX-License-Identifier: Apache-2.0
// Calls: which to allow, with which arguments, which to refuse without a word. Siblings are added,
// since the next version of a C library does the same by another call; groups stand for their members
// where nearly all of them are needed.
#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "base/errno_name.h"
#include "base/text.h"
#include "learn/argument_classes.h"
#include "learn/notes.h"
#include "learn/reduction.h"
#include "seccomp/constants.h"
#include "seccomp/dangerous_calls.h"
#include "seccomp/everyday.h"
#include "seccomp/groups.h"
#include "seccomp/siblings.h"
#include "seccomp/syscall_table.h"

namespace sbx::learn {
namespace {

using policy::Key;
using Class = std::array<std::uint64_t, 3>;

// Families whose members are more than other words for the same: who needs one need not have all.
constexpr std::string_view kNoSiblings[] = {
    "starts a program",       "starts a process",      "sends a signal",     "changes the user id",
    "changes the group id",   "sets a resource limit", "changes the scheduling", "mounts",
    "unmounts",               "loads a module",        "loads a kernel",     "sets the clock",
    "reads and changes another process", "sets quotas", "enters other roots",
    "changes the protection of memory", "maps memory",  "locks memory", "waits for a process",
    "copies between descriptors", "receives", "sends"};

bool is_dangerous(std::string_view call) {
  const auto dangerous = seccomp::dangerous_calls();
  return std::any_of(dangerous.begin(), dangerous.end(),
                     [&](const seccomp::DangerousCall& one) { return one.name == call; });
}

std::string_view danger_of(std::string_view call) {
  for (const seccomp::DangerousCall& one : seccomp::dangerous_calls()) {
    if (one.name == call) {
      return one.reason;
    }
  }
  return {};
}

// The other names for what the call does, on this architecture.
std::vector<std::string> siblings_of(std::string_view call, seccomp::Arch arch) {
  std::vector<std::string> found;
  for (const seccomp::Family* family : seccomp::families_of(call)) {
    if (std::find(std::begin(kNoSiblings), std::end(kNoSiblings), family->what) !=
        std::end(kNoSiblings)) {
      continue;
    }
    for (const std::string_view member : seccomp::members_of(*family)) {
      if (member != call && seccomp::number_of(arch, member) && !is_dangerous(member)) {
        found.emplace_back(member);
      }
    }
  }
  return found;
}

constexpr const char* kEverybody = "every program: its start, reading, writing, lists";

struct Needed {
  Use use;
  std::vector<Class> classes;
};

// Calls that ran, by name.
std::map<std::string, Needed> needed_calls(const Observations& seen) {
  std::map<std::string, Needed> all;
  for (const CallUse& call : seen.calls) {
    if (call.fate == Fate::Granted || call.fate == Fate::Lacking) {
      Needed& needed = all[call.call];
      unite(needed.use, call.use);
      needed.classes.push_back(call.values);
    }
  }
  return all;
}

bool is_exact(const Reduction& to) {
  return to.subject.exact;
}

// Part of every learned policy, or of sbx itself.
bool is_given(std::string_view call, bool exact) {
  constexpr std::string_view kEnds[] = {"exit", "exit_group", "restart_syscall", "rt_sigreturn"};
  if (std::find(std::begin(kEnds), std::end(kEnds), call) != std::end(kEnds)) {
    return true;
  }
  return !exact && call != "fcntl" && seccomp::is_everyday(call);
}

void add_everyday(Reduction& to) {
  if (is_exact(to)) {
    to.learned.layer.removed[Key::SeccompAllow].push_back({"@floor", {}});
      return;
  }
  for (const std::string_view group : seccomp::kEverydayGroups) {
    to.add(Key::SeccompAllow, std::string(group), kEverybody);
  }
  for (const char* call : {"getdents", "getdents64"}) {
    if (seccomp::number_of(to.where.arch, call)) {
      to.add(Key::SeccompAllow, call, kEverybody);
    }
  }
}

void add_rule(Reduction& to, std::vector<std::string> calls, std::string when, std::string action,
              std::string note) {
  policy::SeccompRule rule;
  for (std::string& call : calls) {
    rule.syscalls.push_back({std::move(call), {}});
  }
  rule.when = {std::move(when), {}};
  rule.action = {std::move(action), {}};
  to.value<std::vector<policy::SeccompRule>>(Key::SeccompRules).push_back(std::move(rule));
  to.learned.comments.rules_beside.push_back(std::move(note));
}

std::vector<Class> everyday_fcntl() {
  std::vector<Class> classes;
  for (const char* name : {"F_DUPFD", "F_DUPFD_CLOEXEC", "F_GETFD", "F_SETFD", "F_GETFL", "F_SETFL"}) {
    classes.push_back({seccomp::constant_value(name).value_or(0), 0, 0});
  }
  return classes;
}

// The sibling by the same arguments of a call with classes; empty: none.
std::string_view classed_sibling(std::string_view call) {
  return call == "mknod" ? "mknodat" : call == "mknodat" ? "mknod" : "";
}

// A thread is another matter than a process: fork and vfork are siblings only of that, and which of them
// it was is not always known (plan/observe.cpp).
void complete_starts(std::map<std::string, Needed>& needed, seccomp::Arch arch) {
  const auto clone = needed.find("clone");
  const bool by_clone =
      clone != needed.end() &&
      std::any_of(clone->second.classes.begin(), clone->second.classes.end(),
                  [](const Class& one) { return one[0] == 0; });
  Use use;
  for (const char* call : {"fork", "vfork"}) {
    if (const auto found = needed.find(call); found != needed.end()) {
      unite(use, found->second.use);
    }
  }
  if (use.count != 0) {
    Needed& same = needed["clone"];
    unite(same.use, use);
    same.classes.push_back({0, 0, 0});
  } else if (by_clone) {
    use = clone->second.use;
  }
  for (const char* call : {"fork", "vfork"}) {
    if (use.count != 0 && seccomp::number_of(arch, call)) {
      needed.try_emplace(call, Needed{use, {}});
    }
  }
}

void add_conditional(Reduction& to, const std::string& call, const Needed& needed) {
  std::vector<Class> classes = needed.classes;
  if (call == "fcntl" && !is_exact(to)) {
    const auto everyday = everyday_fcntl();
    classes.insert(classes.end(), everyday.begin(), everyday.end());
  }
  const std::string when = when_of(call, classes);
  const std::string note = needed.use.count == 0 ? "every program: descriptors doubled, their flags"
                                                 : note_of(needed.use, to.seen.ready_us);
  std::vector<std::string> calls{call};
  const std::string_view sibling = classed_sibling(call);
  if (!sibling.empty() && seccomp::number_of(to.where.arch, sibling)) {
    calls.emplace_back(sibling);
  }
  add_rule(to, std::move(calls), when, "allow", note);
}

// The groups of which at least three in four members are needed, and no dangerous one is a member.
// Greedy, largest first: a member that is covered is not written again.
void use_groups(Reduction& to, std::map<std::string, std::string>& by_name) {
  constexpr std::size_t kLeast = 4;
  std::vector<std::pair<std::size_t, const seccomp::Group*>> fitting;
  for (const seccomp::Group& group : seccomp::groups()) {
    std::size_t there = 0;
    std::size_t needed = 0;
    bool dangerous = false;
    for (const std::string_view member : seccomp::expand_group(group)) {
      if (!seccomp::number_of(to.where.arch, member)) {
        continue;
      }
      const bool has = by_name.contains(std::string(member));
      const bool given = !is_exact(to) && is_given(member, false);
      dangerous = dangerous || (is_dangerous(member) && !has) || !class_arguments(member).empty();
      there += given ? 0 : 1;
      needed += has && !given ? 1 : 0;
    }
    if (!dangerous && needed >= kLeast && needed * 4 >= there * 3) {
      fitting.emplace_back(needed, &group);
    }
  }
  std::stable_sort(fitting.begin(), fitting.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (const auto& [count, group] : fitting) {
    std::vector<std::string> members;
    for (const std::string_view member : seccomp::expand_group(*group)) {
      if (by_name.contains(std::string(member))) {
        members.emplace_back(member);
      }
    }
    if (members.size() < kLeast) {
      continue;  // a larger group has most of them
    }
    to.add(Key::SeccompAllow, std::string(group->name),
           fmt::format("{} of its calls were needed", members.size()));
    for (const std::string& member : members) {
      by_name.erase(member);
    }
  }
}

void add_allowed(Reduction& to) {
  std::map<std::string, Needed> needed = needed_calls(to.seen);
  if (!needs_sockets(to)) {
    needed.erase("socket");
    needed.erase("connect");
  }
  complete_starts(needed, to.where.arch);
  if (!is_exact(to)) {
    needed.try_emplace("fcntl");
  }
  std::map<std::string, std::string> by_name;  // call → note
  for (const auto& [call, one] : needed) {
    if (is_given(call, is_exact(to)) || !when_of(call, one.classes).empty() || call == "fcntl") {
      continue;
    }
    std::string note = note_of(one.use, to.seen.ready_us);
    if (is_dangerous(call)) {
      note = fmt::format("DANGEROUS, {}: {}", danger_of(call), note);
    }
    by_name[call] = note;
  }
  const std::map<std::string, std::string> seen_names = by_name;
  for (const auto& [call, note] : seen_names) {
    for (const std::string& sibling : siblings_of(call, to.where.arch)) {
      if (!is_given(sibling, is_exact(to)) && class_arguments(sibling).empty()) {
        by_name.try_emplace(sibling, note);  // does the same, so it stands beside it
      }
    }
  }
  use_groups(to, by_name);
  // Calls with the same story stand together.
  std::vector<std::pair<std::string, std::string>> by_note;
  for (const auto& [call, note] : by_name) {
    by_note.emplace_back(note, call);
  }
  std::sort(by_note.begin(), by_note.end());
  for (const auto& [note, call] : by_note) {
    to.add(Key::SeccompAllow, call, note);
  }
  for (const auto& [call, one] : needed) {
    if (!is_given(call, is_exact(to)) && (!when_of(call, one.classes).empty() || call == "fcntl")) {
      add_conditional(to, call, one);
    }
  }
}

// Refused while learning, and the program went on: refused again, without a word.
void add_refused(Reduction& to) {
  struct Refused {
    Use use;
    std::vector<Class> classes;
    bool told = false;
  };
  std::map<std::pair<int, std::string>, Refused> all;  // errno, call
  const auto needed = needed_calls(to.seen);
  for (const CallUse& call : to.seen.calls) {
    const bool is_refused = call.fate == Fate::Refused;
    const bool is_denied = call.fate == Fate::Denied && (call.by_policy || is_dangerous(call.call));
    // A call without classes that ran at another time is allowed, and cannot be refused too.
    if ((!is_refused && !is_denied) ||
        (needed.contains(call.call) && class_arguments(call.call).empty())) {
      continue;
    }
    Refused& one = all[{is_denied ? 1 : call.errno_value, call.call}];
    unite(one.use, call.use);
    one.classes.push_back(call.values);
    one.told = one.told || is_denied;
  }
  std::map<std::tuple<int, std::string, bool>, std::pair<std::vector<std::string>, Use>> rules;
  for (const auto& [key, one] : all) {
    auto& rule = rules[{key.first, when_of(key.second, one.classes), one.told}];
    rule.first.push_back(key.second);
    unite(rule.second, one.use);
    if (one.told) {
      const std::string_view danger = danger_of(key.second);
      to.decide(fmt::format(
          "{} was refused ({}); it went on without. To allow it, put seccomp.allow = [\"{}\"] in place "
          "of its rule{}{}",
          key.second, note_of(one.use, to.seen.ready_us), key.second,
          key.second == "socket" ? ", and its family into network.families" : "",
          danger.empty() ? "." : fmt::format(". It is dangerous: {}.", danger)));
    }
  }
  for (auto& [key, rule] : rules) {
    const auto& [errno_value, when, told] = key;
    add_rule(to, rule.first, when, fmt::format("errno({})", errno_name(errno_value)),
             fmt::format("{}, and was refused while learning{}", note_of(rule.second, to.seen.ready_us),
                         told ? ": decide" : ""));
  }
}

// What sbx's own rules refused: nothing that a list of calls could change.
void tell_own_refusals(Reduction& to) {
  std::map<std::string, Use> refused;
  for (const CallUse& call : to.seen.calls) {
    if (call.fate == Fate::Denied && !call.by_policy && !is_dangerous(call.call)) {
      unite(refused[call.call], call.use);
    }
  }
  for (const auto& [call, use] : refused) {
    to.decide(fmt::format(
        "{} was refused by sbx's own rules ({}), as it will be under this policy: see sbx explain, and "
        "memory.wx or namespaces.nested.",
        call, note_of(use, to.seen.ready_us)));
  }
}

}  // namespace

void reduce_calls(Reduction& to) {
  add_everyday(to);
  add_allowed(to);
  add_refused(to);
  tell_own_refusals(to);
}

}  // namespace sbx::learn
