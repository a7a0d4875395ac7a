// SPDX-License-Identifier: Apache-2.0
// What every program does all the time and every learned policy grants: reading, writing, memory,
// looking for libraries. While a program is learned these calls are not watched, so that it keeps its
// speed; those of them that name a file are watched, but where the file lies below a directory that
// the program has opened, as in a walk through a tree.
#pragma once

#include <string_view>

#include "seccomp/filter_spec.h"

namespace sbx::seccomp {

// The groups that a learned policy allows without having seen them used.
inline constexpr std::string_view kEverydayGroups[] = {"@loader", "@basic-io"};

// fcntl's requests that only duplicate or ask: part of the same.
inline constexpr std::string_view kEverydayFcntl =
    "cmd in {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL}";

// True for a member of these groups, and for listing a directory.
bool is_everyday(std::string_view call);

// The everyday uses of a call that is to be watched otherwise, in the language of seccomp/when.h;
// empty: none. "*": all of them.
std::string_view everyday_when(std::string_view call);

}  // namespace sbx::seccomp
