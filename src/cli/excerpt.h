// SPDX-License-Identifier: Apache-2.0
// The line of a policy that an error is about, quoted, with a caret under the place:
//
//   14 | raed = ["/srv/www"]
//      | ^
#pragma once

#include <string>
#include <string_view>

#include "base/origin.h"
#include "policy/library.h"

namespace sbx::cli {

// Both lines, each ended by a newline; for to_text(Error, excerpt). Empty if the origin has no line
// or the text is shorter. `text` is the whole file; its bytes are escaped.
std::string excerpt(const Origin& origin, std::string_view text);

// Reads the file that the origin names; empty if that fails.
std::string excerpt(const Origin& origin, const policy::FileSource& files);

}  // namespace sbx::cli
