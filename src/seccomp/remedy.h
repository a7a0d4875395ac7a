// SPDX-License-Identifier: Apache-2.0
// What would allow a denied call: told with each denial, and by `sbx explain` beforehand.
#pragma once

#include <string>

#include "seccomp/filter_spec.h"

namespace sbx::seccomp {

// "getpid"; "i386 call 20" for a foreign ABI; "call 470" for a number without a name.
std::string call_name(const FilterSpec& spec, const seccomp_data& call);

// What would allow the call, and why one should hesitate. Both may be empty.
struct Remedy {
  std::string text;
  std::string warning;
};

// `rule` is what denies the call.
Remedy remedy_for(const FilterSpec& spec, const seccomp_data& call, const Rule& rule);

}  // namespace sbx::seccomp
