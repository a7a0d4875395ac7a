// SPDX-License-Identifier: Apache-2.0
// [limits] → a cgroup (cgroups(7), version 2) where resource limits cannot do it, or not as well:
// RLIMIT_AS counts the address space of each process, of which node, java and AddressSanitizer
// reserve terabytes and touch little; RLIMIT_NPROC does not hold the host's uid 0. All other limits
// are left to setrlimit, so that a launch that needs no cgroup makes none.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>

#include "plan/expand.h"

namespace sbx::plan {
namespace {

using policy::Key;

bool has(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

struct Wish {
  std::string controller;  // "memory"
  CgroupSetting setting;
  int replaces = -1;  // the resource limit that is not needed beside it; -1: none
  bool needs_cgroup = false;
};

class Wishes {
 public:
  explicit Wishes(const policy::Policy& policy) : policy_(policy) {}

  void add(Key key, const char* controller, const char* file, std::uint64_t factor,
           const char* rest, int replaces, bool needs_cgroup) {
    const auto found = policy_.limits.find(key);
    if (found != policy_.limits.end()) {
      const std::uint64_t amount = found->second.value;
      list.push_back({controller,
                      {file, fmt::format("{}{}", amount * factor, rest),
                       std::string(policy::info(key).name), amount, found->second.origin},
                      replaces,
                      needs_cgroup});
    }
  }

  std::vector<Wish> list;

 private:
  const policy::Policy& policy_;
};

std::vector<Wish> wishes_of(const policy::Policy& policy, bool holds_root) {
  constexpr std::uint64_t kMicrosecondsPerPercent = 1000;  // of a period of 100 ms
  Wishes wishes(policy);
  wishes.add(Key::LimitsMemory, "memory", "memory.max", 1, "", RLIMIT_AS, false);
  wishes.add(Key::LimitsCpuPercent, "cpu", "cpu.max", kMicrosecondsPerPercent, " 100000", -1, true);
  wishes.add(Key::LimitsCpuWeight, "cpu", "cpu.weight", 1, "", -1, true);
  if (!wishes.list.empty() || holds_root || policy.cgroup.value == "require") {
    wishes.add(Key::LimitsProcesses, "pids", "pids.max", 1, "", RLIMIT_NPROC, false);
  }
  return std::move(wishes.list);
}

Error no_cgroup(const std::string& what, const Origin& origin, const CgroupFacts& facts) {
  return Error{
      fmt::format("cannot limit {} without a cgroup: {}", what, facts.why_not), 0, origin,
      "start it in a subtree of yours, as systemd-run --user --scope -p Delegate=yes sbx …; "
      "or run without the limit: --allow-degraded cgroup"};
}

}  // namespace

Result<std::optional<Cgroup>> expand_cgroup(const policy::Policy& policy, const Identity& identity,
                                            const Request& request, const Probes& probes,
                                            std::vector<ResourceLimit>& limits,
                                            std::vector<std::string>& degraded) {
  const std::string& choice = policy.cgroup.value;
  // RLIMIT_NPROC counts the processes of a uid in its user namespace, but lets uid 0 of the host
  // pass.
  std::vector<Wish> wishes = wishes_of(policy, identity.outside_uid == 0);
  const bool may_lose = has(request.allow_degraded, "cgroup");
  if (wishes.empty()) {
    return std::optional<Cgroup>();
  }
  CgroupFacts facts;
  if (choice == "never") {
    facts.why_not = "limits.cgroup is never";
  } else {
    facts = probes.cgroup();
  }
  Cgroup cgroup;
  cgroup.parent = facts.delegated;
  cgroup.vacate = facts.vacate;
  const auto* controllers = &facts.controllers;
  // A subtree of the user's own first: it needs nobody's answer.
  const bool complete =
      !facts.delegated.empty() && std::all_of(wishes.begin(), wishes.end(), [&](const Wish& wish) {
        return has(facts.controllers, wish.controller);
      });
  if (!complete && !facts.user_bus.empty()) {
    cgroup.parent.clear();
    cgroup.vacate = true;
    cgroup.user_bus = facts.user_bus;
    cgroup.mount = facts.mount;
    controllers = &facts.bus_controllers;
  }
  for (Wish& wish : wishes) {
    const bool possible = has(*controllers, wish.controller);
    if (!possible) {
      if (facts.why_not.empty()) {
        facts.why_not = fmt::format("it has no {} controller", wish.controller);
      }
      if (!may_lose && (wish.needs_cgroup || choice == "require")) {
        return no_cgroup(wish.setting.name, wish.setting.origin, facts);
      }
      if (wish.needs_cgroup || choice == "require") {
        degraded.push_back("limits." + wish.setting.name + " by a cgroup");
      }
      continue;
    }
    if (!has(cgroup.controllers, wish.controller)) {
      cgroup.controllers.push_back(wish.controller);
    }
    std::erase_if(limits,
                  [&](const ResourceLimit& limit) { return limit.resource == wish.replaces; });
    cgroup.settings.push_back(std::move(wish.setting));
  }
  return cgroup.settings.empty() ? std::optional<Cgroup>() : std::optional(std::move(cgroup));
}

}  // namespace sbx::plan
