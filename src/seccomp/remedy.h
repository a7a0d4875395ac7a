// SPDX-License-Identifier: Apache-2.0
// What would allow a denied call: told with each denial, and by `sbx explain` beforehand.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "seccomp/filter_spec.h"

namespace sbx::seccomp {

// What would allow the call, and why one should hesitate. All of it may be empty. A policy's line is
// held in parts, so that several can become one file (policy_lines).
struct Remedy {
  std::string option;   // of sbx run: "--allow getpid"; empty where there is none
  std::string key;      // "seccomp.allow"; empty where no line of a policy would do
  std::string value;    // as TOML: "\"getpid\"", or a rule's table; of a list one element
  bool is_list = false;
  std::string advice;   // in words, instead of or beside them: "leave out --deny ptrace"
  std::string warning;
  // Lines that it takes beside that one: a call that nothing lists may be denied by W^X as well.
  struct Line {
    std::string key;
    std::string value;
    bool is_list = false;

    friend bool operator==(const Line&, const Line&) = default;
  };
  std::vector<Line> more = {};

  friend bool operator==(const Remedy&, const Remedy&) = default;
};

// The line: seccomp.allow = ["getpid"]; several are separated by a newline. Empty if there is none.
std::string policy_line(const Remedy& remedy);
// One line for each key, each ended by a newline, each value once: a policy file but for its
// `schema`, since a dotted key stands for itself at the top of one.
std::string policy_lines(std::span<const Remedy> remedies);
// For people: sbx run --allow getpid …, or  seccomp.allow = ["getpid"]
std::string to_text(const Remedy& remedy);

// { syscall = "socket", when = "domain == AF_PACKET", action = "allow" } for seccomp.rule, which decides
// before any line of seccomp.allow and seccomp.deny.
Remedy rule_allowing(std::string_view name, std::string_view when);

// `rule` is what denies the call.
Remedy remedy_for(const FilterSpec& spec, const seccomp_data& call, const Rule& rule);

}  // namespace sbx::seccomp
