// SPDX-License-Identifier: Apache-2.0
// The two halves of simulate() (compile.h): what the kernel checks when a filter is attached, and
// what it does at each call.
#pragma once

#include <cstdint>

#include "seccomp/filter_spec.h"

namespace sbx::seccomp {

// True if the kernel would attach this program.
bool is_loadable(const FilterProgram& program);

// Only for a program that is loadable.
std::uint32_t run_loadable(const FilterProgram& program, const seccomp_data& call);

}  // namespace sbx::seccomp
