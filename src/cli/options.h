// SPDX-License-Identifier: Apache-2.0
// The one table of all verbs and options: parse.cpp makes CLI11's tree of it, help.cpp the texts,
// run_layer.cpp gives the values a meaning. Tests hold the completions and the manual page to it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/keys.h"

namespace sbx::cli {

enum class Verb { Run, Learn, Minimize, Check, Show, Explain, Diff, List, Syscall, Schema, Import, Export, Unit, Score, Verify, Audit, Why, Events, Doctor, Help, Version };

struct VerbInfo {
  Verb verb;
  std::string_view name;      // "run"
  std::string_view operands;  // "[--] COMMAND [ARGUMENT]…"
  std::string_view summary;   // one line for `sbx --help`
  std::string_view text;      // what `sbx VERB --help` says first; lines up to 80 columns
  std::string_view examples;  // lines, each "command  # what it does"
};

std::span<const VerbInfo> verbs();
const VerbInfo& info(Verb verb);
std::optional<Verb> find_verb(std::string_view name);

enum class Option {
  Policy,
  ReadOnly,
  ReadWrite,
  Overlay,
  Exec,
  Tmpfs,
  Hide,
  Workdir,
  Home,
  Net,
  Publish,
  Connect,
  Bind,
  Dns,
  Allow,
  Deny,
  OnViolation,
  Log,
  Sink,
  NotifyCommand,
  Restart,
  Limit,
  Env,
  KeepFd,
  Tty,
  User,
  AllowDegraded,
  Seccomp,
  Compat,
  From,
  To,
  Output,
  OutputDirectory,
  DryRun,
  SelfTest,
  Explain,
  TraceLaunch,
  Report,
  Json,
  Quiet,
  Color,
  NoColor,
  Origin,
  Names,
  Neutral,
  OnlyWider,
  Strict,
  Follow,
  Since,
  Match,
  AlertOn,
  Dump,
  DumpOptions,
  Exact,
  Engine,
  Pid,
  Unit,
  For,
  View,
  Verify,
  Syscall,
  Exe,
  Csv,
  Fix,
  Merge,
  CheckPolicy,
  Junit,
  Threshold,
  Help,
};

// What a shell may offer as the option's value.
enum class Offer { Nothing, Path, Directory, Policy, Words };

struct OptionInfo {
  Option option;
  std::string_view verbs;       // names, separated by blanks
  std::string_view group;       // heading in the help text
  std::string_view name;        // "--ro"
  std::string_view short_name;  // "-p"; may be empty
  std::string_view value;       // "PATH"; empty for a flag
  bool repeatable = false;
  Offer offer = Offer::Nothing;
  std::string_view words;  // for Offer::Words: "auto|always|never"; empty: see words_of
  std::string_view description;
  std::optional<policy::Key> key = {};  // the policy key that the option sets
};

std::span<const OptionInfo> options();
const OptionInfo& info(Option option);
std::vector<const OptionInfo*> options_of(Verb verb);

// The words that may stand as the option's value (for --limit, with its "="): from the table, or
// from policy/keys.h where the option sets a key.
std::vector<std::string> words_of(const OptionInfo& option);

}  // namespace sbx::cli
