// SPDX-License-Identifier: Apache-2.0
// [limits] → setrlimit(2). limits.time is the supervisor's, limits.scratch the size of every tmpfs.
#include <sys/resource.h>

#include <array>

#include "plan/expand.h"

namespace sbx::plan {
namespace {

struct Row {
  policy::Key key;
  int resource;
};

constexpr std::array kRows{
    Row{policy::Key::LimitsMemory, RLIMIT_AS},
    // Counted in the own user namespace: the user's processes outside do not count (Linux 5.14).
    Row{policy::Key::LimitsProcesses, RLIMIT_NPROC},
    Row{policy::Key::LimitsCpu, RLIMIT_CPU},
    Row{policy::Key::LimitsFiles, RLIMIT_NOFILE},
    Row{policy::Key::LimitsFileSize, RLIMIT_FSIZE},
    Row{policy::Key::LimitsCore, RLIMIT_CORE},
};

}  // namespace

Result<std::vector<ResourceLimit>> expand_limits(const policy::Policy& policy) {
  std::vector<ResourceLimit> list;
  for (const Row& row : kRows) {
    const auto found = policy.limits.find(row.key);
    if (found == policy.limits.end()) {
      continue;
    }
    const bool none_left = found->second.value == 0 && row.key != policy::Key::LimitsCore;
    if (none_left) {
      return Error{"the limit " + std::string(policy::info(row.key).name) + " = 0 lets no program run", 0,
                   found->second.origin, "leave it out for no limit"};
    }
    list.push_back({row.resource, std::string(policy::info(row.key).name), found->second.value,
                    found->second.origin});
  }
  return list;
}

}  // namespace sbx::plan
