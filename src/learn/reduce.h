// SPDX-License-Identifier: Apache-2.0
// Observations → a policy that grants what was seen, generalised where it must be to fit the next
// run, and a reason for every line of it. Pure: what it asks of the machine are parameters.
//
// The learned policy stands on its own feet: of the policy that the run was watched under (BASE) it
// takes over what was used and what is no grant (ids, limits, environment, refusals), and inherits
// from those shared policies that allow no calls (workdir, offline, interactive). So a later change
// of BASE cannot widen it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "learn/observations.h"
#include "policy/policy.h"
#include "policy/toml_writer.h"
#include "seccomp/filter_spec.h"

namespace sbx::learn {

// A path as the policy that is reduced against would show it, without what learning added.
struct Shown {
  bool visible = false;     // the host's file, or a place of the sandbox's own
  bool writable = false;
  bool executable = false;
};

// What the policy that is reduced against says of an address.
struct AddressAnswer {
  bool limited = false;  // it lists the addresses that may be used
  bool inside = false;   // one of the sandbox's own
  bool outside = false;  // connected to outside
  std::string entry;     // the entry of its list that allows it; empty: none does
};

enum class FileKind : std::uint8_t { Missing, File, Directory, Other };

struct Surroundings {
  seccomp::Arch arch = seccomp::Arch::X86_64;
  std::string home, cwd;  // absolute; cwd is the one that the command started in
  std::function<Shown(const std::string& path)> shown;    // under BASE
  std::function<bool(const std::string& path)> was_there;  // for the run that was watched
  std::function<FileKind(const std::string& path)> kind;  // on the host, links followed
  std::function<std::string(const std::string& path)> target;  // links followed; itself if it is missing
  std::function<AddressAnswer(const std::string& address, bool is_bind)> address;  // under BASE
};

struct Base {
  std::string name;                          // "nginx"
  std::vector<policy::PolicyLayer> layers;   // without base.toml; the last is the command line
};

struct Subject {
  std::vector<std::string> command;  // as the user gave it
  std::string program;               // its file, absolute
  std::string watched_how;           // one sentence: what the run saw and could change
  bool exact = false;                // every call was seen, so nothing is granted unseen
};

struct Learned {
  policy::PolicyLayer layer;
  // title: what it is; beside an entry: who, how often, when; at the end: what only a person can
  // decide.
  policy::TomlComments comments;
};

Learned reduce(const Observations& seen, const Base& base, const Subject& subject,
               const Surroundings& where);

}  // namespace sbx::learn
