// SPDX-License-Identifier: Apache-2.0
// What `sbx why --fix` writes: a policy file with the lines that would have allowed what was denied,
// for a person to read before it counts. Pure.
#pragma once

#include <string>

#include "base/result.h"
#include "events/story.h"

namespace sbx::cli {

struct Fix {
  std::string text;            // the whole new file
  std::size_t added = 0;       // entries that were not in the old one
  std::size_t held_back = 0;   // those with a warning, which stand in it as comments
  bool lost_comments = false;  // the old file's, where its form leaves no place for new lines
};

// `old` is the text of the file that the new one is to replace, "" if there is none, and `source` its
// path. What is in it stays, and the new one says all that it says. Errors: it is no policy.
Result<Fix> compose_fix(const std::string& old, const std::string& source,
                        const events::Story& story);

}  // namespace sbx::cli
