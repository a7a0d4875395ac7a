// SPDX-License-Identifier: Apache-2.0
// capabilities(7): raw system calls, no allocation. Sets are masks: bit N is capability N.
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

// What an unprivileged process does: drops all but `kept` from the permitted and effective sets, and
// with them the ambient one, and empties the inheritable one. 0 or a negative errno.
int limit_capabilities(std::uint64_t kept);

inline constexpr std::uint64_t kNetBindService = 1u << 10;  // CAP_NET_BIND_SERVICE

// limit_capabilities(0), verified. 0, -EPERM (something is left) or a negative errno.
int drop_own_capabilities();

}  // namespace sbx::sys
