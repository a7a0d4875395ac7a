// SPDX-License-Identifier: Apache-2.0
// What a watched run needed and its policy lacks, and what the policy grants and the run never used.
// Pure, like reduce.h; for a machine that guards a policy.
#pragma once

#include <string>
#include <vector>

#include "learn/observations.h"
#include "learn/reduce.h"
#include "policy/policy.h"

namespace sbx::learn {

struct Finding {
  std::string kind;    // "call", "read", "write", "execute", "connect", "bind"; unused: the key, "seccomp.allow"
  std::string what;    // a call, a path, an entry
  std::string by;      // who and how often; unused: empty
  std::string remedy;  // the line that grants it; unused: the place of the grant
};

// `where` as for reduce: shown() under the policy that is checked.
std::vector<Finding> find_lacks(const Observations& seen, const Surroundings& where);

// Of the entries of this layer. Everyday calls are not watched, so they count as used.
std::vector<Finding> find_unused(const Observations& seen, const policy::PolicyLayer& layer,
                                 const Surroundings& where);

}  // namespace sbx::learn
