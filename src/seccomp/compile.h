// SPDX-License-Identifier: Apache-2.0
// FilterSpec → classic BPF, and three ways to look at the result. The generator is our own:
// libseccomp 2.5.4 miscompiles ordered compares beside a second argument, and needs more than a
// millisecond for 300 rules. The kernel runs the filter once for every call number when it is
// attached (the bitmap of allowed calls, Linux 5.11), so the walked length counts, not the total:
// numbers with the same answer become ranges, and the ranges a balanced tree.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "seccomp/filter_spec.h"

namespace sbx::seccomp {

// Fails for more than BPF_MAXINSNS (4096) instructions, naming the policy's largest rules.
Result<FilterProgram> compile(const FilterSpec& spec);

// The meaning of a spec, straight from its definition: the rule that decides this call.
const Rule& evaluate(const FilterSpec& spec, const seccomp_data& call);

// Runs the program as the kernel's interpreter would; SECCOMP_RET_KILL_PROCESS for a program that
// the kernel would refuse.
std::uint32_t simulate(const FilterProgram& program, const seccomp_data& call);

// Compares simulate and evaluate over every known number, the first unknown ones, the foreign ABIs,
// and for each rule the boundary values of its tests (±1, upper halves). A difference is an Error:
// such a program is never loaded.
Status verify(const FilterSpec& spec, const FilterProgram& program);

// For people and golden files: one line for each range of calls with the same rules.
std::string listing(const FilterSpec& spec);

// A condition in the language of seccomp/when.h, with the argument names of `syscall`; "always".
std::string to_text(const Condition& condition, std::string_view syscall);

}  // namespace sbx::seccomp
