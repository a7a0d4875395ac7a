// SPDX-License-Identifier: Apache-2.0
// A file of another tool's as the policy that `sbx import` writes, with what became of its items.
#pragma once

#include <string>

#include "cli/foreign.h"
#include "cli/translation.h"

namespace sbx::cli {

struct Imported {
  const interop::Format* format = nullptr;
  std::string text;  // TOML
  Translation translation;
};

// The text is read back and resolved, so that what is written is known to be a policy. `prove`:
// what the file says about system calls is evaluated beside it.
Result<Imported> import_policy(const ForeignRequest& request, ForeignFiles& files,
                               const Library& library, bool prove);

}  // namespace sbx::cli
