// SPDX-License-Identifier: Apache-2.0
// What the user wants, independent of any host: the vocabulary of the policy language. The file
// to read first. A TOML file and a command line both become a PolicyLayer; policy/merge.h makes
// one Policy of several layers; plan/resolve.h makes a LaunchPlan of a Policy.
//
// Nothing here knows the kernel: system calls, groups and `when` expressions are text with an
// Origin, and are given a meaning (and an error with that Origin) by plan/expand_filter.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/origin.h"
#include "base/result.h"
#include "policy/keys.h"

namespace sbx::policy {

// A value and the line it came from.
template <typename T>
struct Setting {
  T value{};
  Origin origin{};

  friend bool operator==(const Setting&, const Setting&) = default;
};

using Text = Setting<std::string>;
using Flag = Setting<bool>;
using Number = Setting<std::uint64_t>;

// One entry of filesystem.read, write, hide, tmpfs …:  "/srv/www"  or
// { path = "/srv/www", at = "/var/www", optional = true }.
struct PathEntry {
  std::string path;       // on the host; `~` and `$HOME` at its start mean the user's home
  std::string at;         // inside; empty: the same path
  bool optional = false;  // absent on the host: leave it out
  Origin origin{};

  friend bool operator==(const PathEntry&, const PathEntry&) = default;
};

// One [[seccomp.rule]].
struct SeccompRule {
  std::vector<Text> syscalls;  // names or @groups
  Text when;                   // empty: always; grammar in seccomp/when.h
  Text action;                 // allow, deny, errno(NAME), kill, log, notify
  Origin origin{};

  friend bool operator==(const SeccompRule&, const SeccompRule&) = default;
};

// A value of any key, as a layer holds it. Which alternative a key takes is fixed by its KeyType.
using Value = std::variant<Flag, Number, Text, std::vector<Text>, std::vector<PathEntry>,
                           std::map<std::string, Text>, std::vector<SeccompRule>>;

// One source of wishes: a file, or the command line. Only the keys that it sets are present.
struct PolicyLayer {
  std::string name;     // "nginx"; "command line"
  std::string source;   // the file's path; empty for the command line
  std::map<Key, Value> values;
  // `remove.<list key> = [...]`: entries of earlier layers' lists that this layer takes away.
  std::map<Key, std::vector<Text>> removed;

  friend bool operator==(const PolicyLayer&, const PolicyLayer&) = default;
};

// A list entry that remembers which layer it came from: `layer` is 0 for the first layer merged
// and grows, so that "the later layer wins" can be decided after merging.
struct LayeredName {
  std::string value;
  Origin origin{};
  int layer = 0;

  friend bool operator==(const LayeredName&, const LayeredName&) = default;
};

struct LayeredRule {
  SeccompRule rule;
  int layer = 0;

  friend bool operator==(const LayeredRule&, const LayeredRule&) = default;
};

struct LayeredPath {
  PathEntry entry;
  int layer = 0;

  friend bool operator==(const LayeredPath&, const LayeredPath&) = default;
};

// The merged, validated, complete policy: every key has a value, the default's Origin says
// "built in". Choices are already checked, so `value` is one of the words that keys.h lists.
struct Policy {
  std::string name;
  std::vector<std::string> sources;  // the files, first layer first, for `show`
  Text description;
  std::vector<LayeredName> accept;   // "NAME: reason", see policy/cautions.h

  std::vector<Text> args;            // [command]
  Text workdir;                      // empty: the caller's, if visible inside

  Text user;                         // [identity] name or number inside; empty: the caller's own
  Text group;
  Text single_uid;                   // "map" | "pretend"
  Text hostname;
  Text machine_id;                   // "none" | "random" | 32 hexadecimal digits

  std::map<Key, Flag> namespaces;    // [namespaces] those that are set, without nested
  std::vector<LayeredName> nested;   // kinds that the command may make: "user", "mount" …

  Text system;                       // [filesystem] "usr" | "none" | "host"
  std::vector<LayeredPath> system_usr, system_host;
  Text home;                         // "private" | "none" | "read" | "write"
  Text cwd;                          // "none" | "read" | "write"
  std::vector<LayeredPath> read, write, exec, overlay;
  Text tmp;                          // "private" | "none" | "host"
  std::vector<LayeredPath> tmpfs, hide, create, dev;
  Text proc;                         // "private" | "pids" | "none"

  Text network_mode;                 // [network] "none" | "private" | "host"
  std::vector<Text> publish;         // "[address:]outside:inside[/tcp]"
  std::vector<Text> connect, bind;   // plan/address_rules.h has the grammar
  std::vector<Text> families;        // "unix", "inet" …
  std::vector<Text> dns;             // "none" | "host" | numeric addresses
  bool asks_host_dns() const { return !dns.empty() && dns.front().value == "host"; }

  Text seccomp_default;              // "deny" (answered by the supervisor) | "errno(NAME)" | "kill"
  std::vector<LayeredName> allow, deny;
  std::vector<LayeredRule> rules;

  Text wx;                           // [memory] "deny" | "allow"
  Text memfd;                        // "deny" | "allow"

  std::vector<Text> capabilities;    // kept, by name; policy/capabilities.h
  Number landlock_abi;               // lowest that will do; 0: any
  Text landlock_reads;               // "mounts" | "rules"

  std::map<Key, Number> limits;      // only those that are set; bytes, seconds or counts
  Text cgroup;                       // "auto", "require", "never"

  std::vector<Text> env_keep, env_unset;  // [environment]
  std::map<std::string, Text> env_set;
  Text env_pass;                     // "none" | "safe" | "all"

  Text terminal_mode;                // "auto" | "always" | "never" | "inherit"
  std::map<Key, Text> desktop;       // [desktop]: "on" or "optional"; others are left out

  Text on_violation;                 // [report] "kill" | "errno" | "log"
  Text log;                          // "none" | "problems" | "all"
  std::vector<LayeredName> sinks;    // "journald", "syslog:/run/x", "fd:3"
  std::vector<Text> notify_command;  // argv
};

}  // namespace sbx::policy
