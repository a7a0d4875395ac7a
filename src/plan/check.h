// SPDX-License-Identifier: Apache-2.0
// Everything that can be said of a policy without running it: its errors, and warnings of what is
// legal but unwise (policy/cautions.h has their names). Warnings are decided by what the policy does,
// on the filter and the paths that come of it, and not by its text: a rule is hidden if it can
// decide no call, whoever hides it.
#pragma once

#include <string>
#include <vector>

#include "plan/resolve.h"
#include "policy/cautions.h"

namespace sbx::plan {

struct Warning {
  policy::Caution caution = policy::Caution::UnusedAccept;
  std::string text;  // names its object: "filesystem.write grants all of /etc"
  Origin origin{};
  std::string hint{};

  friend bool operator==(const Warning&, const Warning&) = default;
};

// `layers` as load_layers gives them; of `facts` the home and the architecture matter. `own`: sbx's
// own files, as Request::own_paths.
// Warnings come in the order of files and lines, without those that policy.accept names in the same
// layer or a later one.
Result<std::vector<Warning>> check(const std::vector<policy::PolicyLayer>& layers,
                                   const HostFacts& facts, const std::vector<OwnPath>& own);

}  // namespace sbx::plan
