// SPDX-License-Identifier: Apache-2.0
// A transient scope from the user's systemd: the way to a cgroup of one's own where the session's
// group belongs to root, as on every desktop and server with systemd.
#pragma once

#include <string>

#include "base/result.h"

namespace sbx::supervise {

// Moves this process to a new scope, sbx-PID.scope, that is delegated to it (Delegate=yes), and
// returns the scope's directory below `mount`, where cgroup version 2 is mounted. systemd removes
// it when its last process has ended. `bus` is the socket of the user's bus; `origin` is for
// errors.
Result<std::string> enter_scope(const std::string& bus, const std::string& mount,
                                const Origin& origin);

}  // namespace sbx::supervise
