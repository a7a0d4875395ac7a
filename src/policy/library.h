// SPDX-License-Identifier: Apache-2.0
// Finds policies by name or by program, and follows `extends`. Files come in through an injected
// reader, so that the search order and the cycle check are tested without a file system.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "policy/policy.h"

namespace sbx::policy {

// What the library may ask of the world.
struct FileSource {
  // Whole text of a file; an Error with errno_value ENOENT if there is none.
  std::function<Result<std::string>(const std::string& path)> read;
  // Names (without directory) of the *.toml files of a directory; empty if there is none.
  std::function<std::vector<std::string>(const std::string& directory)> list;
};

// The directories, in the order of search: $SBX_POLICY_PATH, $XDG_CONFIG_HOME/sbx/policies,
// /etc/sbx/policies, the installed data directory.
struct SearchPath {
  std::vector<std::string> directories;
};

struct PolicyFile {
  std::string name;
  std::string path;
};

// Every policy of the search path, by name; where a name is there twice, the earlier directory's.
std::vector<PolicyFile> list_policies(const SearchPath& search, const FileSource& files);

// The file for a policy given as NAME or as a path (it has a slash or ends in .toml). Unknown name:
// an Error with the nearest known name as hint.
Result<PolicyFile> find_policy(const std::string& name_or_file, const SearchPath& search,
                               const FileSource& files);

// The policy whose file name or `policy.programs` names this program; nothing if there is none.
// `basename` is what the user typed, without directory.
Result<std::optional<PolicyFile>> policy_for_program(const std::string& basename,
                                                     const SearchPath& search,
                                                     const FileSource& files);

// The layers of a policy in merge order: base (always), its extends (parents first, each once),
// itself, then NAME.local.toml from the user's own policy directories if there is one.
// Errors: cycle in extends (naming the circle), unknown parent (with the line that named it).
Result<std::vector<PolicyLayer>> load_layers(const PolicyFile& policy, const SearchPath& search,
                                             const FileSource& files);

}  // namespace sbx::policy
