// SPDX-License-Identifier: Apache-2.0
// What a filter answers. seccomp(2) gives the numbers; Notify is "denied, and the supervisor says so".
#pragma once

#include <cstdint>

namespace sbx::seccomp {

enum class Verdict : std::uint8_t {
  Allow,
  Errno,   // the kernel answers with errno_value at once; nobody is told
  Kill,    // kill the process at once
  Notify,  // ask the supervisor: a denied call, a mediated one, or one to be logged
};

struct Action {
  Verdict verdict = Verdict::Notify;
  std::uint16_t errno_value = 0;  // for Errno; at most 4095 (seccomp(2), SECCOMP_RET_ERRNO)

  friend bool operator==(const Action&, const Action&) = default;
};

// SECCOMP_RET_* with its data bits, as the filter returns it.
std::uint32_t to_return_value(Action action);

}  // namespace sbx::seccomp
