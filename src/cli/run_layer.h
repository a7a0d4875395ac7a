// SPDX-License-Identifier: Apache-2.0
// What the options mean: each becomes a field of Command, or a value of the policy layer "command
// line" whose Origin is the option as the user wrote it ("--ro /usr").
#pragma once

#include <string>

#include "base/result.h"
#include "cli/command.h"

namespace sbx::cli {

struct GivenOption {
  Option option;
  std::string value;  // empty for a flag
};

Status apply(const GivenOption& given, Command& command);

// Makes relative paths absolute (`~` and `$HOME` are left to the resolver, which knows the user's
// home), then checks every value as the reader of policy files does.
Status complete(policy::PolicyLayer& layer, const std::string& cwd);

}  // namespace sbx::cli
