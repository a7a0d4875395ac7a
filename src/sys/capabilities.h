// SPDX-License-Identifier: Apache-2.0
// capabilities(7) between clone and exec: raw system calls, no allocation.
#pragma once

namespace sbx::sys {

// Empties ambient, bounding, inheritable, permitted and effective sets of this process and locks
// the securebits, so that no exec, not even one by uid 0, gives any back. 0 or a negative errno.
int drop_all_capabilities();

// 0 if all five sets are empty and the securebits are locked; else -EPERM (something is left)
// or the negative errno of the question.
int verify_no_capabilities();

}  // namespace sbx::sys
