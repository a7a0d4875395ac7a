// SPDX-License-Identifier: Apache-2.0
// The policies of this user on this machine: the real search path and file source for
// policy/library.h, and the way from a name to a merged Policy.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "plan/resolve.h"
#include "policy/library.h"
#include "policy/merge.h"

namespace sbx::cli {

struct Library {
  policy::SearchPath search;
  policy::FileSource files;
  std::string home;     // whose ~/.config/sbx is searched; empty: nobody's
  std::string program;  // sbx's own file
};

// $SBX_POLICY_PATH (directories separated by colons), $XDG_CONFIG_HOME/sbx/policies (by default
// below `home`), /etc/sbx/policies, then the policies that came with the program at `program`.
// Relative directories are left out: a policy must not depend on where the user happens to stand.
policy::SearchPath search_path(const std::map<std::string, std::string>& environment,
                               const std::string& home, const std::string& program);

// Policies' files, as they are on disk.
policy::FileSource file_source();

// The search path from the real environment. `home` is $HOME if it is the user's own directory:
// under `sudo` it may still be another's, whose policies are not root's.
Library open_library();

// The home directory of Library, by the real environment.
std::string own_home();

// Where a policy of the user's own belongs: $XDG_CONFIG_HOME/sbx/policies, or below the home
// directory; "": neither is known.
std::string own_policies(const Library& library);

// What a command must not write to, lest it decides about the next run: sbx's own directories
// ($XDG_CONFIG_HOME/sbx, its state, cache and run-time ones, whether they exist or not), every
// directory of the search path, the program, and the files of this policy.
std::vector<plan::OwnPath> own_paths(const Library& library, const plan::HostFacts& facts,
                                     const std::vector<policy::PolicyLayer>& layers);

// The layers of a policy by name or file, also a file of another tool's (cli/foreign.h).
Result<std::vector<policy::PolicyLayer>> load(const std::string& name_or_file,
                                              const Library& library);

}  // namespace sbx::cli
