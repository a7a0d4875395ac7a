// SPDX-License-Identifier: Apache-2.0
// A command line as a value: what parse makes of argv, and each verb takes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/options.h"
#include "interop/format.h"
#include "policy/policy.h"

namespace sbx::cli {

enum class Color { Auto, Always, Never };

// sbx learn.
struct LearnOptions {
  std::string view = "host";      // "host", "policy": which files are seen
  std::string verify = "auto";    // "auto", "always", "never"
  policy::Text check;             // the policy to check; empty: learn one
  std::string junit;              // --junit FILE
  std::string engine = "auto";    // "auto", "notify", "ebpf"
  std::string pid, unit;          // what runs already: a process, a systemd unit; empty: a command
  std::string length;             // --for TIME; empty: until it ends, or a signal comes
  bool exact = false;
  bool merge = false;
};

struct Command {
  Verb verb = Verb::Help;
  std::optional<Verb> help_for;  // `sbx VERB --help`, `sbx help VERB`

  policy::Text policy;                // --policy; empty: by the program's name
  policy::PolicyLayer layer;          // what the options say about policy keys
  std::vector<std::string> operands;  // run: the command; check, show: policies
  std::vector<int> keep_fds;
  std::vector<std::string> allow_degraded;
  std::string format;  // --from, --to
  std::string output;  // --output FILE; empty: standard output
  std::string output_directory;  // import: --outdir DIR; empty: one file
  policy::Text seccomp;  // --seccomp FILE; empty: the policy's own
  interop::Compat compat = interop::Compat::Runc;
  std::string report;  // --report FILE; empty: none
  std::string since;     // audit, events: --since TIME; empty: from the start
  std::string match;     // audit: --match; empty: every record
  std::optional<unsigned> threshold;  // score: in tenths
  std::string alert_on;  // audit: --alert-on; empty: none
  bool restart = false;  // --restart on-crash
  bool dry_run = false;
  bool self_test = false;
  bool explain = false;
  bool trace_launch = false;
  bool json = false;
  bool quiet = false;
  bool origin = false;
  bool names = false;
  bool neutral = false;
  bool only_wider = false;
  bool strict = false;
  bool follow = false;
  bool dump = false;
  bool dump_options = false;
  LearnOptions learn;
  bool csv = false;
  bool fix = false;
  std::string syscall, exe;  // of sbx events; empty: any
  Color color = Color::Auto;
};

}  // namespace sbx::cli
