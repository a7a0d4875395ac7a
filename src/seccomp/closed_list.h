// SPDX-License-Identifier: Apache-2.0
// The filter that sbx puts on its own processes: what the list names is allowed, anything else
// kills the process, and with it the sandbox. No policy comes near it.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "seccomp/filter_spec.h"

namespace sbx::seccomp {

struct ListedCalls {
  std::string_view
      names;           // of calls, separated by blanks; one that this architecture lacks is skipped
  std::string when{};  // in the language of seccomp/when.h, for each of them; empty: always
};

// A call may stand in several rows: each allows what its condition says. An Error is a mistake in
// the list, which tests find.
Result<FilterSpec> closed_list(std::span<const ListedCalls> list);

}  // namespace sbx::seccomp
