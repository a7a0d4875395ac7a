// SPDX-License-Identifier: Apache-2.0
// Named groups of system calls: systemd's @names with the membership of version 252 as our own
// table (never read from the host, so that a policy means the same everywhere), and our own groups.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace sbx::seccomp {

struct Group {
  std::string_view name;         // "@basic-io"
  std::string_view description;
  std::string_view members;      // names and @groups, separated by blanks
};

std::span<const Group> groups();
const Group* find_group(std::string_view name);

// All call names of a group, nested groups expanded, sorted, each once.
std::vector<std::string_view> expand_group(const Group& group);

// The same in no order, and a name perhaps several times: for callers to whom that is all one.
std::vector<std::string_view> members_of(const Group& group);

}  // namespace sbx::seccomp
