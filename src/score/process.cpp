// SPDX-License-Identifier: Apache-2.0
#include "score/process.h"

#include <sched.h>

#include <algorithm>

#include "base/text.h"
#include "policy/capabilities.h"
#include "score/facts.h"

namespace sbx::score {
namespace {

constexpr int kStrict = 1, kFilter = 2;  // Seccomp of /proc/PID/status

class Watched {
 public:
  explicit Watched(const Look& look) : look_(look), process_(look.process) {}
  Facts all() const;

 private:
  std::optional<bool> owns(const std::string& kind) const;
  bool owns_users() const { return owns("user").value_or(false); }
  std::optional<bool> shares(const std::string& place) const;
  bool holds(std::string_view capability) const;
  std::uint64_t reachable() const { return process_.no_new_privs ? process_.permitted : process_.bounding; }
  // Nothing: the mounts cannot be seen.
  const plan::LiveMount* mount_of(std::string_view place) const;

  void rate_if_seen(Facts& facts, Item item, std::optional<bool> is_open, std::string text = {}) const;
  void identity(Facts& facts) const;
  void files(Facts& facts) const;
  void proc(Facts& facts) const;
  void kernel(Facts& facts) const;
  void network(Facts& facts) const;
  void filter(Facts& facts) const;

  const Look& look_;
  const plan::LiveProcess& process_;
};

std::optional<bool> Watched::owns(const std::string& kind) const {
  const auto its = process_.namespaces.find(kind), host = look_.host.find(kind);
  if (its == process_.namespaces.end() || host == look_.host.end()) {
    return std::nullopt;
  }
  return its->second != host->second;
}

std::optional<bool> Watched::shares(const std::string& place) const {
  const auto found = look_.same.find(place);
  return found == look_.same.end() ? std::nullopt : std::optional(found->second);
}

bool Watched::holds(std::string_view capability) const {
  const auto number = policy::find_capability(capability) - policy::capabilities().data();
  return ((reachable() >> number) & 1) != 0;
}

const plan::LiveMount* Watched::mount_of(std::string_view place) const {
  const plan::LiveMount* found = nullptr;
  for (const plan::LiveMount& mount : process_.mounts) {
    const bool is_above = mount.place == "/" || place == mount.place || place.starts_with(mount.place + "/");
    // Of two at one place the later lies on top.
    if (is_above && (found == nullptr || mount.place.size() >= found->place.size())) {
      found = &mount;
    }
  }
  return found;
}

void Watched::rate_if_seen(Facts& facts, Item item, std::optional<bool> is_open, std::string text) const {
  if (is_open) {
    rate(facts, item, *is_open ? info(item).range : 0, std::move(text));
  } else {
    set_unseen(facts, item, "another user's process does not show it");
  }
}

void Watched::identity(Facts& facts) const {
  constexpr std::uint32_t kNobody = 65534;
  const std::uint32_t uid = process_.uid;
  rate(facts, Item::User, uid == 0 ? 10 : uid == kNobody ? 9 : 0,
       uid == kNobody ? "shares the user nobody with others" : uid == 0 ? "" : "is uid " + std::to_string(uid));
  if (uid == 0) {
    set_meaningless(facts, Item::SupplementaryGroups, "root needs no group");
    set_meaningless(facts, Item::DynamicIpc, "root's IPC objects stay in any case");
  } else {
    std::vector<std::string> groups;
    for (const std::uint32_t group : process_.groups) {
      if (group != process_.gid && group != kNobody) {
        groups.push_back(std::to_string(group));
      }
    }
    rate(facts, Item::SupplementaryGroups, groups.empty() ? 0 : 1, groups.empty() ? "" : "belongs to the groups " + join(groups, ", "));
    const auto own = owns("ipc");
    rate_if_seen(facts, Item::DynamicIpc, own ? std::optional(!*own) : std::nullopt);
  }
  rate(facts, Item::NoNewPrivileges, process_.no_new_privs ? 0 : 1);
  const auto own = owns("user");
  rate_if_seen(facts, Item::PrivateUsers, own ? std::optional(!*own) : std::nullopt);
  rate(facts, Item::AmbientCapabilities, process_.ambient == 0 ? 0 : 1);
  rate_capabilities(facts, reachable(), owns_users() ? " (in a user namespace of its own)" : "", {});
}

void Watched::files(Facts& facts) const {
  rate_if_seen(facts, Item::RootDirectory, shares("/"));
  const auto own_mounts = owns("mnt");
  rate_if_seen(facts, Item::PrivateMounts, own_mounts ? std::optional(!*own_mounts) : std::nullopt);
  rate_if_seen(facts, Item::PrivateTmp, shares("/tmp"));
  const auto *root = mount_of("/"), *usr = mount_of("/usr"), *etc = mount_of("/etc"), *var = mount_of("/var");
  if (root == nullptr) {
    set_unseen(facts, Item::ProtectSystem, "another user's mounts cannot be seen");
  } else {
    const unsigned badness = !usr->read_only ? 10 : !etc->read_only ? 5 : !var->read_only || !root->read_only ? 3 : 0;
    rate(facts, Item::ProtectSystem, badness, badness == 5 ? "has /usr read-only, /etc not" : badness == 3 ? "has /usr and /etc read-only" : "");
  }
  const auto home = shares("/home"), roots_home = shares("/root");
  if (!home && !roots_home) {
    set_unseen(facts, Item::ProtectHome, "another user's mounts cannot be seen");
  } else {
    const bool sees = home.value_or(false) || roots_home.value_or(false);
    const auto* at = mount_of(home.value_or(false) ? "/home" : "/root");
    const bool reads = sees && at != nullptr && at->read_only;
    rate(facts, Item::ProtectHome, !sees ? 0 : reads ? 5 : 10, reads ? "reads the homes" : "");
  }
  proc(facts);
  if (process_.umask) {
    rate_umask(facts, *process_.umask, {});
  } else {
    set_unseen(facts, Item::UMask, "the kernel does not show it");
  }
  const bool all_nosuid = !process_.mounts.empty() && std::all_of(process_.mounts.begin(), process_.mounts.end(), [](const auto& mount) {
    return mount.read_only || mount.no_suid;
  });
  if (all_nosuid) {
    rate(facts, Item::RestrictSuidSgid, 0, "what it can write is mounted nosuid");
  } else if (process_.seccomp_mode == kFilter) {
    set_unseen(facts, Item::RestrictSuidSgid, "what the filter says cannot be seen");
  } else {
    rate(facts, Item::RestrictSuidSgid, 1);
  }
}

void Watched::proc(Facts& facts) const {
  const auto* mount = mount_of("/proc");
  if (mount == nullptr) {
    set_unseen(facts, Item::ProtectProc, "another user's mounts cannot be seen");
    set_unseen(facts, Item::ProcSubset, "another user's mounts cannot be seen");
    return;
  }
  const bool is_there = mount->type == "proc";
  const auto has = [&](std::string_view option) {
    const auto options = split(mount->options, ',');
    return std::find(options.begin(), options.end(), option) != options.end();
  };
  const bool hides = has("hidepid=invisible") || has("hidepid=2") || has("hidepid=ptraceable") || has("hidepid=4");
  const bool half = has("hidepid=noaccess") || has("hidepid=1");
  const bool own = owns("pid").value_or(false);
  rate(facts, Item::ProtectProc, !is_there || own || hides ? 0 : half ? 1 : 3, own ? "sees the processes of its pid namespace only" : "");
  rate(facts, Item::ProcSubset, !is_there || has("subset=pid") ? 0 : 1);
}

void Watched::kernel(Facts& facts) const {
  const auto shares_devices = shares("/dev");
  rate_if_seen(facts, Item::PrivateDevices, shares_devices);
  if (shares_devices && !*shares_devices) {
    rate(facts, Item::DeviceAllow, 0);
  } else {
    set_unseen(facts, Item::DeviceAllow, "which devices its cgroup may open cannot be seen");
  }
  // These ask for capabilities in the initial user namespace (capabilities(7)).
  const bool own = owns_users();
  rate(facts, Item::ProtectClock, !own && (holds("CAP_SYS_TIME") || holds("CAP_WAKE_ALARM")) ? 1 : 0);
  rate(facts, Item::ProtectKernelModules, !own && holds("CAP_SYS_MODULE") ? 1 : 0);
  rate(facts, Item::ProtectKernelLogs, !own && holds("CAP_SYSLOG") ? 1 : 0);
  rate(facts, Item::ProtectHostname, !owns("uts").value_or(false) && !own && holds("CAP_SYS_ADMIN") ? 1 : 0);
  const auto *tunables = mount_of("/proc/sys"), *groups = mount_of("/sys/fs/cgroup");
  const bool root = process_.uid == 0 && !own;
  rate_if_seen(facts, Item::ProtectKernelTunables, tunables == nullptr ? std::nullopt : std::optional(root && !tunables->read_only));
  rate_if_seen(facts, Item::ProtectControlGroups, groups == nullptr ? std::nullopt : std::optional(!groups->read_only && groups->type.starts_with("cgroup")));
}

void Watched::network(Facts& facts) const {
  const auto own = owns("net");
  rate_if_seen(facts, Item::PrivateNetwork, own ? std::optional(!*own) : std::nullopt);
  if (own.value_or(false) && look_.only_loopback.value_or(false)) {
    rate(facts, Item::AddressDeny, 0, "its network has no interface but the loopback");
  } else {
    set_unseen(facts, Item::AddressDeny, "what packet filters and BPF programs let through cannot be seen");
  }
}

// All that a filter alone can close.
void Watched::filter(Facts& facts) const {
  constexpr std::array kOthers = {Item::FamilyInet, Item::FamilyOther, Item::FamilyPacket, Item::FamilyNetlink, Item::FamilyUnix,
                                  Item::NewUser,    Item::NewMount,    Item::NewPid,       Item::NewNet,        Item::NewIpc,
                                  Item::NewCgroup,  Item::NewUts,      Item::Architectures, Item::LockPersonality, Item::KeyringMode};
  const auto say = [&](Item item) {
    if (process_.seccomp_mode == kFilter) {
      set_unseen(facts, item, "a filter is attached; what it says cannot be seen");
    } else {
      rate(facts, item, process_.seccomp_mode == kStrict ? 0 : info(item).range);
    }
  };
  std::for_each(kOthers.begin(), kOthers.end(), say);
  std::for_each(call_items().begin(), call_items().end(), say);
  if (process_.seccomp_mode == kStrict) {
    rate(facts, Item::MemoryDenyWriteExecute, 0);
  } else {
    set_unseen(facts, Item::MemoryDenyWriteExecute, "the kernel shows it to the process itself only");
  }
  const auto limit = process_.limits.find("Max realtime priority");
  const bool no_limit = limit != process_.limits.end() && limit->second.hard == 0;
  if (no_limit && (owns_users() || !holds("CAP_SYS_NICE"))) {
    rate(facts, Item::RestrictRealtime, 0, "its limit of realtime priority is 0");
  } else {
    say(Item::RestrictRealtime);
  }
}

Facts Watched::all() const {
  Facts facts{};
  identity(facts);
  files(facts);
  kernel(facts);
  network(facts);
  filter(facts);
  set_meaningless(facts, Item::Delegate, "a matter of units");
  set_meaningless(facts, Item::NotifyAccess, "a matter of units");
  return facts;
}

}  // namespace

Facts facts_of_process(const Look& look) {
  return Watched(look).all();
}

}  // namespace sbx::score
