// SPDX-License-Identifier: Apache-2.0
// Where a setting came from. Every value of a policy keeps its Origin until the last error text
// or the last line of `sbx show --origin`, so that a user is always led to the line that decided.
#pragma once

#include <string>

#include "base/shared_text.h"

namespace sbx {

struct Origin {
  SharedText source;  // a path as the user would open it, or an option: "--ro /usr", "built in"
  int line = 0;        // 1-based; 0: the source has no lines
  int column = 0;      // 1-based, in bytes; 0: unknown

  friend bool operator==(const Origin&, const Origin&) = default;
};

// "policies/base.toml:12" or "--ro /usr"; empty for an empty origin. The column is left out:
// it serves the caret under the source line only.
std::string to_text(const Origin& origin);

}  // namespace sbx
