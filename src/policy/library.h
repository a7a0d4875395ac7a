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

// Where policies are looked for, first to last.
struct SearchPath {
  // The user's own and the administrator's: $SBX_POLICY_PATH, $XDG_CONFIG_HOME/sbx/policies,
  // /etc/sbx/policies. Only these can hold NAME.local.toml, and only these are read through for
  // policy.programs: whoever edits files there does not know of the rule below.
  std::vector<std::string> directories;
  // Where the shipped policies are (beside a build's program, or in the data directory), searched
  // last. A policy in there that serves a second program has a second file of that name with
  // nothing but `extends`: a launch of a program without a policy would otherwise read every one of
  // them.
  std::vector<std::string> installed = {};
};

struct PolicyFile {
  std::string name;
  std::string path;
  std::optional<std::string> text = std::nullopt;  // if finding it has read it already
};

// Every policy of the search path, by name; where a name is there twice, the earlier directory's.
std::vector<PolicyFile> list_policies(const SearchPath& search, const FileSource& files);

// The file for a policy given as NAME or as a path (it has a slash or ends in .toml). Unknown name:
// an Error with the nearest known name as hint.
Result<PolicyFile> find_policy(const std::string& name_or_file, const SearchPath& search,
                               const FileSource& files);

// The policy whose file is named as this program, or (own directories only) whose `policy.programs`
// names it; nothing if there is none. `basename` is what the user typed, without directory. The
// policies that are no program's (base, default, service, strict) are never found so: service(8) is
// a program too.
Result<std::optional<PolicyFile>> policy_for_program(const std::string& basename,
                                                     const SearchPath& search,
                                                     const FileSource& files);

// The layers of a policy in merge order: base (always), its extends (parents first, each once),
// itself, then NAME.local.toml from the own directories if there is one; it has none if the policy
// was given as a path outside of the search path.
// Errors: cycle in extends (naming the circle), unknown parent (with the line that named it).
Result<std::vector<PolicyLayer>> load_layers(const PolicyFile& policy, const SearchPath& search,
                                             const FileSource& files);

}  // namespace sbx::policy
