// SPDX-License-Identifier: Apache-2.0
#include "base/errno_name.h"

#include <cerrno>
#include <cstring>

namespace sbx {

std::string errno_name(int value) {
  // glibc 2.32: async-signal-safe, untranslated, nullptr for a number without a name.
  const char* name = ::strerrorname_np(value);
  return name != nullptr ? name : "errno " + std::to_string(value);
}

std::optional<int> errno_from_name(std::string_view name) {
  if (name == "EWOULDBLOCK") {
    return EAGAIN;
  }
  if (name == "ENOTSUP") {
    return EOPNOTSUPP;
  }
  constexpr int kHighestErrno = 133;  // EHWPOISON
  for (int value = 1; value <= kHighestErrno; ++value) {
    if (const char* known = ::strerrorname_np(value); known != nullptr && name == known) {
      return value;
    }
  }
  return std::nullopt;
}

}  // namespace sbx
