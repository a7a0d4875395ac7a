// SPDX-License-Identifier: Apache-2.0
// landlock(7): rules on files that hold beside the mounts, and survive what undoes a mount. The
// constants are our own: the headers of Debian 12 stop at ABI 2. No allocation; 0, a descriptor or
// a negative errno.
#pragma once

#include <cstdint>

namespace sbx::sys {

// Access rights, linux/landlock.h.
inline constexpr std::uint64_t kLandlockExecute = 1u << 0;
inline constexpr std::uint64_t kLandlockWriteFile = 1u << 1;
inline constexpr std::uint64_t kLandlockReadFile = 1u << 2;
inline constexpr std::uint64_t kLandlockReadDirectory = 1u << 3;
inline constexpr std::uint64_t kLandlockRemoveAndMake = 0x1ff0;   // REMOVE_DIR … MAKE_SYM, ABI 1
inline constexpr std::uint64_t kLandlockRefer = 1u << 13;         // ABI 2, Linux 5.19
inline constexpr std::uint64_t kLandlockTruncate = 1u << 14;      // ABI 3, Linux 6.2
inline constexpr std::uint64_t kLandlockIoctlDevice = 1u << 15;   // ABI 5, Linux 6.10
inline constexpr std::uint64_t kLandlockBindTcp = 1u << 0;        // ABI 4, Linux 6.7
inline constexpr std::uint64_t kLandlockConnectTcp = 1u << 1;
inline constexpr std::uint64_t kLandlockScopeAbstractUnix = 1u << 0;  // ABI 6, Linux 6.12
inline constexpr std::uint64_t kLandlockScopeSignal = 1u << 1;

// What this ABI can hold of the rights above, without reading; ports and scopes likewise.
std::uint64_t landlock_rights(int abi);
std::uint64_t landlock_network(int abi);
std::uint64_t landlock_scopes(int abi);

// A ruleset that forbids `rights` everywhere, and `network` on every port, but where a rule allows
// them.
int create_ruleset(std::uint64_t rights, std::uint64_t network, std::uint64_t scopes);

// Allows rights below (a directory) or on (a file) what `place` is.
int allow_beneath(int ruleset, int place, std::uint64_t rights);

// Allows rights of the network on a TCP port.
int allow_port(int ruleset, std::uint16_t port, std::uint64_t network);

int restrict_self(int ruleset);

}  // namespace sbx::sys
