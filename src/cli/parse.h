// SPDX-License-Identifier: Apache-2.0
// argv → Command. parse.cpp is the only file that includes CLI11: it takes eight seconds to
// compile. Options of `run` end at the first word that is none, so that everything behind the
// command's name belongs to the command.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/command.h"

namespace sbx::cli {

// `arguments` without argv[0]. Only the options that they name are built: the whole tree costs time
// that a launch need not pay. Errors name the option and end in a hint.
Result<Command> parse(std::span<const std::string> arguments);

// One option of CLI11's whole tree, as `sbx help --dump-options` prints it.
struct TreeOption {
  std::string verb;  // empty: before the verb
  std::vector<std::string> names;
  bool takes_value = false;
  std::string description;
};

// Every verb and option, read back from CLI11.
std::vector<TreeOption> option_tree();

}  // namespace sbx::cli
