// SPDX-License-Identifier: Apache-2.0
// sbx show: a policy as it is after merging.
#include "cli/output.h"
#include "cli/policies.h"
#include "cli/show_policy.h"
#include "cli/verbs.h"

namespace sbx::cli {

Result<int> show(const Command& command) {
  const Library library = open_library();
  const auto layers = load(command.operands.front(), library);
  if (!layers) {
    return layers.error();
  }
  const auto policy = policy::merge(*layers);
  if (!policy) {
    return policy.error();
  }
  SBX_TRY(print(command.json ? show_json(*policy) : show_toml(*policy, command.origin)));
  return 0;
}

}  // namespace sbx::cli
