// SPDX-License-Identifier: Apache-2.0
// capabilities(7) between clone and exec: raw system calls, no allocation. Sets are masks: bit N is
// capability N.
#pragma once

#include <cstdint>

namespace sbx::sys {

// Sets the ambient, bounding, inheritable, permitted and effective sets of this process to exactly
// `kept` and locks the securebits, so that no exec, not even one by uid 0, gives more. 0 or a
// negative errno.
int keep_capabilities(std::uint64_t kept);

// 0 if all five sets are `kept` and the securebits are locked; else -EPERM (something differs) or
// the negative errno of the question.
int verify_capabilities(std::uint64_t kept);

}  // namespace sbx::sys
