// SPDX-License-Identifier: Apache-2.0
// A path as another process would see it. Every function returns a descriptor or a negative errno.
#pragma once

namespace sbx::sys {

// O_PATH on what `path` leads to below `root`: "..", absolute paths and symbolic links stay inside,
// and a link of procfs, which would lead out, is only its text. Step by step, as openat2(2) with
// RESOLVE_IN_ROOT would: that call's flags lie in memory, so the supervisor's own filter, which
// lets it open for reading only, could not tell a harmless one (supervise/confine.cpp).
int open_path_in_root(int root, const char* path);

// O_PATH on any path of this process's own view: "/proc/7/root".
int open_path(const char* path);

// A regular file for reading, whatever `path_fd` (O_PATH) names; -EINVAL for anything else: opening
// a FIFO could wait, opening a device could have effects.
int open_regular(int path_fd);

}  // namespace sbx::sys
