// SPDX-License-Identifier: Apache-2.0
// Socket addresses of the sandboxee: copied once, and shown.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "sys/socket_options.h"

namespace sbx::supervise {

// The copy on which everything else is decided. `length` is the call's third argument, an int.
// Returns 0 or the errno that the kernel would give for such an address.
int copy_address(pid_t thread, std::uint64_t pointer, std::uint64_t length,
                 sys::SocketAddress& address);

// "127.0.0.1:80", "[::1]:80", "unix:/run/a", "unix:@name", "AF_NETLINK" by number otherwise.
std::string address_text(const sys::SocketAddress& address);

// The path of an AF_UNIX address; empty for an abstract or unnamed one.
std::string unix_path(const sys::SocketAddress& address);

// The name of an abstract AF_UNIX address, without its leading NUL; empty for others.
std::string unix_abstract(const sys::SocketAddress& address);

// The address of a path, which is shorter than sun_path.
sys::SocketAddress unix_address(const std::string& path);

}  // namespace sbx::supervise
