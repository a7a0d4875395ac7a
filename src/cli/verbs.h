// SPDX-License-Identifier: Apache-2.0
// The verbs, a file each (verb_*.cpp). Each returns the exit status, or the Error that main prints.
#pragma once

#include "base/result.h"
#include "cli/command.h"

namespace sbx::cli {

Result<int> run(Command command);
Result<int> learn(const Command& command);
Result<int> minimize(Command command);
Result<int> check(const Command& command);
Result<int> show(const Command& command);
Result<int> explain(Command command);
Result<int> diff(const Command& command);
Result<int> list(const Command& command);
Result<int> syscall(const Command& command);
Result<int> schema();
Result<int> import(const Command& command);
Result<int> write_export(const Command& command);
Result<int> score(const Command& command);
Result<int> unit(const Command& command);
Result<int> verify(const Command& command);
Result<int> audit(const Command& command);
Result<int> why(const Command& command);
Result<int> events(const Command& command);
Result<int> doctor(const Command& command);
Result<int> help(const Command& command);
Result<int> version();

}  // namespace sbx::cli
