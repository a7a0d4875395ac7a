// SPDX-License-Identifier: Apache-2.0
// A whole file at once: who reads it sees the old text or the new, never a part.
#pragma once

#include <string>

#include "base/result.h"

namespace sbx::cli {

// With mode 0600; missing directories above it are made, 0700.
Status replace_file(const std::string& path, const std::string& text);

}  // namespace sbx::cli
