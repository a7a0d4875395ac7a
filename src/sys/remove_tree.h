// SPDX-License-Identifier: Apache-2.0
// Removes a directory and all below it, by descriptors: no symbolic link in it is followed, whoever
// made it. For a directory of this user's in which nothing runs any more.
#pragma once

namespace sbx::sys {

// 0, also if it is not there; or the first negative errno, with the rest removed as far as possible.
int remove_tree(const char* path);

}  // namespace sbx::sys
