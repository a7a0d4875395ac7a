// SPDX-License-Identifier: Apache-2.0
// Families of system calls that do the same thing: who denies chmod and forgets fchmodat2 has denied
// nothing. The kernel adds members to old families (fchmodat2 in Linux 6.6), and C libraries change
// from one member to the next, so a rule about one should be a rule about all.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace sbx::seccomp {

// The kernel whose calls the table covers.
inline constexpr std::string_view kSiblingsVersion = "6.18";

struct Family {
  std::string_view what;     // "changes a file's mode"
  std::string_view members;  // names separated by blanks, oldest first
};

std::span<const Family> families();

std::vector<std::string_view> members_of(const Family& family);

// The families that a call belongs to: unlinkat removes files and directories.
std::vector<const Family*> families_of(std::string_view call);

}  // namespace sbx::seccomp
