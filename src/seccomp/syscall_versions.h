// SPDX-License-Identifier: Apache-2.0
// Since which kernel a system call exists, on the architecture that had it first. Up to Linux 6.18.
// Source: syscalls(2), and the kernel's history for what is newer or given otherwise there.
#pragma once

#include <string_view>

namespace sbx::seccomp {

// "6.6"; "1.0" for that or earlier; "2.2", "2.4" and "2.6" for what came in the development series
// before it. Empty for a number that is reserved and was never implemented, and for calls of
// architectures that sbx does not run on.
std::string_view since_kernel(std::string_view call);

}  // namespace sbx::seccomp
