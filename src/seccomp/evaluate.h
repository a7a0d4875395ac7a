// SPDX-License-Identifier: Apache-2.0
// The meaning of conditions and rule lists, without numbers and architectures around them.
#pragma once

#include <vector>

#include "seccomp/filter_spec.h"

namespace sbx::seccomp {

bool holds(const ArgumentTest& test, const seccomp_data& call);
bool holds(const Condition& condition, const seccomp_data& call);

// The first rule that matches; `rules` ends in one that always does.
const Rule& first_match(const std::vector<Rule>& rules, const seccomp_data& call);

// The rules that decide calls of this number under the machine's own ABI, in order; the last one
// always matches.
std::vector<Rule> rules_for(const FilterSpec& spec, int number);

// True if a call that the rule decides is made, at once or through the supervisor.
bool lets_run(const Rule& rule);

// True if the call came through another ABI: another architecture, or x32 on x86_64.
bool is_foreign(Arch arch, const seccomp_data& call);

}  // namespace sbx::seccomp
