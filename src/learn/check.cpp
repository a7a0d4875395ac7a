// SPDX-License-Identifier: Apache-2.0
#include "learn/check.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/path.h"
#include "base/text.h"
#include "learn/argument_classes.h"
#include "learn/notes.h"
#include "learn/reduction.h"
#include "policy/toml_writer.h"
#include "seccomp/everyday.h"
#include "seccomp/groups.h"
#include "seccomp/siblings.h"

namespace sbx::learn {
namespace {

using policy::Key;

Finding file_finding(std::string_view kind, Key key, const std::string& path, const Use& use,
                     const Observations& seen, const Surroundings& where) {
  return {std::string(kind), path, note_of(use, seen.ready_us),
          fmt::format("{} = [{}]", policy::qualified_name(key),
                      policy::toml_string(as_written(where, path)))};
}

void find_calls(const Observations& seen, std::vector<Finding>& found) {
  std::map<std::string, std::pair<Use, std::vector<std::array<std::uint64_t, 3>>>> lacking;
  for (const CallUse& call : seen.calls) {
    if (call.fate == Fate::Lacking || (call.fate == Fate::Denied && call.by_policy)) {
      auto& one = lacking[call.call];
      unite(one.first, call.use);
      one.second.push_back(call.values);
    }
  }
  for (const auto& [call, one] : lacking) {
    const std::string when = when_of(call, one.second);
    found.push_back({"call", call + (when.empty() ? "" : " when " + when),
                     note_of(one.first, seen.ready_us),
                     when.empty() ? fmt::format("seccomp.allow = [\"{}\"]", call)
                                  : fmt::format("[[seccomp.rule]] syscall = \"{}\", when = {}, action = \"allow\"",
                                                call, policy::toml_string(when))});
  }
}

// Where the policy lists addresses; where it does not, the kernel has answered.
void find_addresses(const Observations& seen, const Surroundings& where, std::vector<Finding>& found) {
  for (const AddressUse& one : seen.addresses) {
    const AddressAnswer answer = where.address(one.address, one.is_bind);
    if (answer.limited && answer.entry.empty() && !answer.inside) {
      const Key key = one.is_bind ? Key::NetworkBind : Key::NetworkConnect;
      found.push_back({one.is_bind ? "bind" : "connect", one.address, note_of(one.use, seen.ready_us),
                       fmt::format("{} = [\"{}\"]", policy::qualified_name(key), one.address)});
    }
  }
}

std::string place_of(const policy::PathEntry& entry, const Surroundings& where) {
  const std::string& written = entry.at.empty() ? entry.path : entry.at;
  return written.starts_with("~") ? path::normalise(where.home + written.substr(1)) : written;
}

bool is_used(const Observations& seen, const std::string& word) {
  std::vector<std::string_view> calls{word};
  if (const seccomp::Group* group = seccomp::find_group(word)) {
    calls = seccomp::expand_group(*group);
  }
  const auto ran = [&](std::string_view call) {
    return std::any_of(seen.calls.begin(), seen.calls.end(), [&](const CallUse& use) {
      return use.call == call && use.fate == Fate::Granted;
    });
  };
  return std::any_of(calls.begin(), calls.end(), [&](std::string_view call) {
    const auto families = seccomp::families_of(call);
    // Granted for another version of the C library.
    return seccomp::is_everyday(call) || ran(call) ||
           std::any_of(families.begin(), families.end(), [&](const seccomp::Family* family) {
             const auto members = seccomp::members_of(*family);
             return std::any_of(members.begin(), members.end(), ran);
           });
  });
}

}  // namespace

std::vector<Finding> find_lacks(const Observations& watched, const Surroundings& where) {
  const Observations seen = with_targets(watched, where);
  std::vector<Finding> found;
  find_calls(seen, found);
  for (const FileUse& file : seen.files) {
    const Shown shown = where.shown(file.path);
    const FileKind kind = where.kind(file.path);
    const bool is_there = (kind == FileKind::File || kind == FileKind::Directory) && where.was_there(file.path);
    if ((file.doings & kExecuted) != 0 && is_there && !shown.executable) {
      found.push_back(file_finding("execute", Key::FilesystemExec, file.path, file.use, seen, where));
    }
    const bool changes = (file.doings & (kWrote | kMade)) != 0;
    // A new file in an empty home is made there, in memory.
    const bool in_memory = path::is_below(file.path, where.home) && !shown.visible && kind == FileKind::Missing;
    if (changes && !shown.writable && !in_memory && where.was_there(file.path)) {
      found.push_back(file_finding("write", Key::FilesystemWrite, file.path, file.use, seen, where));
    } else if ((file.doings & (kRead | kListed)) != 0 && is_there && !shown.visible) {
      found.push_back(file_finding("read", Key::FilesystemRead, file.path, file.use, seen, where));
    }
  }
  find_addresses(seen, where, found);
  return found;
}

std::vector<Finding> find_unused(const Observations& seen, const policy::PolicyLayer& layer,
                                 const Surroundings& where) {
  std::vector<Finding> found;
  const auto allowed = layer.values.find(Key::SeccompAllow);
  if (allowed != layer.values.end()) {
    for (const policy::Text& name : std::get<std::vector<policy::Text>>(allowed->second)) {
      if (!is_used(seen, name.value)) {
        found.push_back({"seccomp.allow", name.value, "", to_text(name.origin)});
      }
    }
  }
  for (const Key key : {Key::NetworkConnect, Key::NetworkBind}) {
    const auto granted = layer.values.find(key);
    if (granted == layer.values.end()) {
      continue;
    }
    for (const policy::Text& entry : std::get<std::vector<policy::Text>>(granted->second)) {
      const bool used = std::any_of(seen.addresses.begin(), seen.addresses.end(), [&](const AddressUse& one) {
        return one.is_bind == (key == Key::NetworkBind) &&
               where.address(one.address, one.is_bind).entry == entry.value;
      });
      if (!used && entry.value != "none") {
        found.push_back({policy::qualified_name(key), entry.value, "", to_text(entry.origin)});
      }
    }
  }
  for (const Key key : {Key::FilesystemRead, Key::FilesystemWrite, Key::FilesystemTmpfs}) {
    const auto granted = layer.values.find(key);
    if (granted == layer.values.end()) {
      continue;
    }
    for (const policy::PathEntry& entry : std::get<std::vector<policy::PathEntry>>(granted->second)) {
      const std::string place = place_of(entry, where);
      const bool used = std::any_of(seen.files.begin(), seen.files.end(),
                                    [&](const FileUse& file) { return path::is_below(file.path, place); });
      if (!used) {
        found.push_back({policy::qualified_name(key), entry.path, "", to_text(entry.origin)});
      }
    }
  }
  return found;
}

}  // namespace sbx::learn
