// SPDX-License-Identifier: Apache-2.0
// The version in uname(2)'s release, compared by its first two numbers.
#pragma once

#include <compare>
#include <string_view>

namespace sbx::host {

struct KernelVersion {
  unsigned major = 0;
  unsigned minor = 0;

  friend auto operator<=>(const KernelVersion&, const KernelVersion&) = default;
};

// 5.14: mount_setattr (5.12), rootless overlay (5.11), NOTIF_ADDFD with SEND (5.14).
inline constexpr KernelVersion kOldestKernel{5, 14};

// "6.1.0-18-amd64" → 6.1; 0.0 for what has no such form.
KernelVersion parse_kernel_version(std::string_view release);

inline bool is_at_least(std::string_view release, KernelVersion wanted) {
  return parse_kernel_version(release) >= wanted;
}

}  // namespace sbx::host
