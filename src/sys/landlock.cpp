// SPDX-License-Identifier: Apache-2.0
#include "sys/landlock.h"

#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace sbx::sys {
namespace {

// struct landlock_ruleset_attr as of ABI 6.
struct RulesetAttributes {
  std::uint64_t handled_access_fs;
  std::uint64_t handled_access_net;
  std::uint64_t scoped;
};
constexpr std::size_t kSizeOfFiles = 8;     // ABI 1 to 3 know the first member only
constexpr std::size_t kSizeWithPorts = 16;  // ABI 4 and 5
constexpr int kRuleNetPort = 2;             // LANDLOCK_RULE_NET_PORT

// struct landlock_net_port_attr
struct NetPortAttributes {
  std::uint64_t allowed_access;
  std::uint64_t port;
};

}  // namespace

std::uint64_t landlock_rights(int abi) {
  return kLandlockExecute | kLandlockWriteFile | kLandlockRemoveAndMake |
         (abi >= 2 ? kLandlockRefer : 0) | (abi >= 3 ? kLandlockTruncate : 0) |
         (abi >= 5 ? kLandlockIoctlDevice : 0);
}

std::uint64_t landlock_network(int abi) {
  return abi >= 4 ? kLandlockBindTcp | kLandlockConnectTcp : 0;
}

std::uint64_t landlock_scopes(int abi) {
  return abi >= 6 ? kLandlockScopeAbstractUnix | kLandlockScopeSignal : 0;
}

int create_ruleset(std::uint64_t rights, std::uint64_t network, std::uint64_t scopes) {
  const RulesetAttributes attributes{rights, network, scopes};
  const std::size_t size = scopes != 0    ? sizeof attributes
                           : network != 0 ? kSizeWithPorts
                                          : kSizeOfFiles;
  const long ruleset = ::syscall(SYS_landlock_create_ruleset, &attributes, size, 0);
  return ruleset < 0 ? -errno : static_cast<int>(ruleset);
}

int allow_beneath(int ruleset, int place, std::uint64_t rights) {
  landlock_path_beneath_attr rule{};
  rule.allowed_access = rights;
  rule.parent_fd = place;
  return ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0 ? -errno : 0;
}

int allow_port(int ruleset, std::uint16_t port, std::uint64_t network) {
  const NetPortAttributes rule{network, port};
  return ::syscall(SYS_landlock_add_rule, ruleset, kRuleNetPort, &rule, 0) != 0 ? -errno : 0;
}

int restrict_self(int ruleset) {
  return ::syscall(SYS_landlock_restrict_self, ruleset, 0) != 0 ? -errno : 0;
}

}  // namespace sbx::sys
