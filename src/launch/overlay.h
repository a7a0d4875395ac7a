// SPDX-License-Identifier: Apache-2.0
// One overlay of the plan, mounted in the child: only system calls. Private to launch/.
#pragma once

#include <cstdint>
#include <string>

#include "launch/prepared.h"

namespace sbx::launch {

// What resolve saw at a path of the host (O_PATH), or -ESTALE if something else stands there by now.
int open_source(const std::string& path, std::uint64_t device, std::uint64_t inode);

// Attaches a detached mount at a place of the new root (absolute inside). The place is opened without
// following any symbolic link: below a granted directory the names belong to the sandboxee's last
// run, which may have planted one.
int attach_at(int root, const std::string& destination, int mount);

// A tmpfs at the destination, and over it the overlay that keeps its changes there.
int mount_overlay(const plan::OverlayMount& op, const TmpfsOptions& options, int root);

}  // namespace sbx::launch
