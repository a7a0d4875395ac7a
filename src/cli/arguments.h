// SPDX-License-Identifier: Apache-2.0
// Where the options of a command line end: the one decision that must be right before anything is
// parsed, since an option of sbx mistaken for the command's, or the reverse, changes who may do
// what.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/options.h"

namespace sbx::cli {

struct Arguments {
  std::vector<std::string> options;      // options with their values, as written
  std::vector<std::string> operands;     // the command, or policies
  std::vector<const OptionInfo*> named;  // the options among them, each once
};

// For `run` everything from the first word that is no option is an operand; for the other verbs
// options and operands may be mixed. "--" ends the options of each. Errors: an unknown option,
// a value for a flag, an option without its value.
Result<Arguments> split_arguments(Verb verb, std::span<const std::string> words);

}  // namespace sbx::cli
