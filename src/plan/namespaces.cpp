// SPDX-License-Identifier: Apache-2.0
#include "plan/namespaces.h"

#include <linux/sched.h>

#include <array>

#include "base/text.h"

namespace sbx::plan {
namespace {

constexpr std::array kKinds = {
    NamespaceKind{"user", CLONE_NEWUSER, "/proc/sys/user/max_user_namespaces"},
    NamespaceKind{"mount", CLONE_NEWNS, "/proc/sys/user/max_mnt_namespaces"},
    NamespaceKind{"pid", CLONE_NEWPID, "/proc/sys/user/max_pid_namespaces"},
    NamespaceKind{"net", CLONE_NEWNET, "/proc/sys/user/max_net_namespaces"},
    NamespaceKind{"ipc", CLONE_NEWIPC, "/proc/sys/user/max_ipc_namespaces"},
    NamespaceKind{"uts", CLONE_NEWUTS, "/proc/sys/user/max_uts_namespaces"},
    NamespaceKind{"cgroup", CLONE_NEWCGROUP, "/proc/sys/user/max_cgroup_namespaces"},
    NamespaceKind{"time", CLONE_NEWTIME, "/proc/sys/user/max_time_namespaces"},
};

}  // namespace

std::span<const NamespaceKind> namespace_kinds() { return kKinds; }

std::uint64_t flags_of(const std::vector<policy::LayeredName>& kinds) {
  std::uint64_t flags = 0;
  for (const policy::LayeredName& name : kinds) {
    for (const NamespaceKind& kind : kKinds) {
      flags |= kind.name == name.value ? kind.flag : 0;
    }
  }
  return flags;
}

std::string names_of_namespaces(std::uint64_t flags) {
  std::vector<std::string> names;
  for (const NamespaceKind& kind : kKinds) {
    if ((flags & kind.flag) != 0) {
      names.emplace_back(kind.name);
    }
  }
  if (names.size() < 2) {
    return names.empty() ? "no" : names.front();
  }
  const std::string last = names.back();
  names.pop_back();
  return join(names, ", ") + " and " + last;
}

}  // namespace sbx::plan
