// SPDX-License-Identifier: Apache-2.0
// What a translation says of itself: the findings, and the proof for the system calls.
#pragma once

#include <string>
#include <vector>

#include "cli/json_writer.h"
#include "interop/format.h"
#include "plan/compare.h"

namespace sbx::cli {

// Both sides' answers to every call number and every class of arguments that either side's rules tell
// apart, as `sbx diff` has them. That a denied call is told of, or not, is no difference.
plan::Comparison prove(const seccomp::FilterSpec& source, const seccomp::FilterSpec& translation,
                       const policy::Policy& policy, const plan::LaunchPlan& plan);

// True if nothing differs but what sbx's own rules decide, whatever a policy says.
bool decides_the_same(const plan::Comparison& proof);

struct Translation {
  std::string title;  // "docker.json, oci → policy"
  std::vector<interop::Finding> findings;
  std::optional<plan::Comparison> proof;  // nothing: neither side says anything of system calls
  std::string a, b;                       // what the proof compares
};

std::string translation_text(const Translation& translation);
// Its members, into an object that is begun.
void write_finding(JsonWriter& json, const interop::Finding& finding);
void write_translation(JsonWriter& json, const Translation& translation);

// True if something was changed or dropped.
bool has_losses(const Translation& translation);

}  // namespace sbx::cli
