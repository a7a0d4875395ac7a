// SPDX-License-Identifier: Apache-2.0
// The kinds of namespaces (namespaces(7)) by the policy's word.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.h"

namespace sbx::plan {

struct NamespaceKind {
  std::string_view name;   // "mount", as in namespaces.nested
  std::uint64_t flag = 0;  // CLONE_NEWNS
  const char* limit = "";  // of how many there may be, a file of procfs (namespaces(7))
};

// In the order in which texts name them.
std::span<const NamespaceKind> namespace_kinds();

// The flags of what namespaces.nested names.
std::uint64_t flags_of(const std::vector<policy::LayeredName>& kinds);

// "user, mount and pid"
std::string names_of_namespaces(std::uint64_t flags);

}  // namespace sbx::plan
