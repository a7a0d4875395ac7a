// SPDX-License-Identifier: Apache-2.0
// What `sbx explain` is asked:
//
//   question := call | group | path | address | setting
//   call     := NAME | NUMBER | NAME arguments          (arguments: seccomp/when.h)
//   group    := @NAME
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "seccomp/assume.h"

namespace sbx::plan {

struct CallQuestion {
  std::string text;  // as asked: "socket(AF_INET, _)"
  std::string name;  // empty for a number that nobody knows
  int number = 0;
  seccomp::KnownArguments arguments{};
};

struct GroupQuestion {
  std::string name;
};

using Question = std::variant<CallQuestion, GroupQuestion>;

// An Error points into the text: its Origin has the source "question", line 1.
Result<Question> parse_question(std::string_view text, seccomp::Arch arch);

}  // namespace sbx::plan
