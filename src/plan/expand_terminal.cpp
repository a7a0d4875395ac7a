// SPDX-License-Identifier: Apache-2.0
// terminal.mode × which of 0, 1 and 2 are terminals → what becomes of them.
#include <fmt/format.h>

#include <algorithm>

#include "plan/expand.h"

namespace sbx::plan {

Result<Terminal> expand_terminal(const policy::Policy& policy, const HostFacts& facts) {
  const std::string& mode = policy.terminal_mode.value;
  const auto& terminals = facts.terminals;
  const auto first = std::find(terminals.begin(), terminals.end(), true);
  const bool any = first != terminals.end();
  Terminal terminal;
  terminal.origin = policy.terminal_mode.origin;
  if (mode == "always") {
    terminal.own = true;
    terminal.replaces.fill(true);
  } else if (mode == "auto") {
    terminal.own = any;
    terminal.replaces = terminals;
  } else if (mode == "inherit") {
    terminal.inherits = any;
  } else if (any) {
    return Error{fmt::format("descriptor {} is a terminal, which terminal.mode = never keeps out",
                             first - terminals.begin()),
                 0, terminal.origin,
                 "redirect it to a file or a pipe, or let the command have a terminal of its own: "
                 "--tty auto"};
  }
  return terminal;
}

}  // namespace sbx::plan
