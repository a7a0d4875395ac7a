// SPDX-License-Identifier: Apache-2.0
#include "score/policy.h"

#include <linux/seccomp.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/path.h"
#include "base/text.h"
#include "score/facts.h"
#include "seccomp/compile.h"
#include "seccomp/evaluate.h"
#include "seccomp/syscall_table.h"

namespace sbx::score {
namespace {

class Weighing {
 public:
  Weighing(const policy::Policy& policy, const plan::LaunchPlan& plan) : policy_(policy), plan_(plan) {}
  Facts all() const;

 private:
  void identity(Facts& facts) const;
  void files(Facts& facts) const;
  void home(Facts& facts) const;
  void kernel(Facts& facts) const;
  void network(Facts& facts) const;
  void families(Facts& facts) const;
  void calls(Facts& facts) const;
  void process(Facts& facts) const;

  bool owns(std::uint64_t kind) const { return (plan_.namespaces.own & kind) != 0; }
  // The rule that lets the call run, with some arguments at least.
  std::optional<Origin> opened_by(std::string_view call) const;
  bool can_make(std::string_view call, std::uint64_t first, std::uint64_t second = 0) const;
  // Binds of the host's files that are no devices.
  std::vector<std::pair<const plan::Bind*, Origin>> binds() const;

  const policy::Policy& policy_;
  const plan::LaunchPlan& plan_;
};

std::optional<Origin> Weighing::opened_by(std::string_view call) const {
  const auto number = seccomp::number_of(plan_.filter.arch, call);
  if (!number) {
    return std::nullopt;
  }
  for (const seccomp::Rule& rule : seccomp::rules_for(plan_.filter, *number)) {
    if (seccomp::lets_run(rule)) {
      return rule.origin;
    }
  }
  return std::nullopt;
}

bool Weighing::can_make(std::string_view call, std::uint64_t first, std::uint64_t second) const {
  seccomp_data data{};
  data.arch = seccomp::audit_arch(plan_.filter.arch);
  data.nr = seccomp::number_of(plan_.filter.arch, call).value_or(-1);
  data.args[0] = first;
  data.args[1] = second;
  return data.nr >= 0 && seccomp::lets_run(seccomp::evaluate(plan_.filter, data));
}

std::vector<std::pair<const plan::Bind*, Origin>> Weighing::binds() const {
  std::vector<std::pair<const plan::Bind*, Origin>> found;
  for (const plan::MountOp& op : plan_.mounts) {
    if (const auto* bind = std::get_if<plan::Bind>(&op.what); bind != nullptr && !bind->device && bind->source != "/dev/null") {
      found.emplace_back(bind, op.origin);
    }
  }
  return found;
}

void Weighing::identity(Facts& facts) const {
  const plan::Identity& identity = plan_.identity;
  rate(facts, Item::User, identity.outside_uid == 0 ? 10 : 0, {}, identity.origin);
  // Nobody may give groups up in a user namespace in which setgroups(2) is denied (user_namespaces(7)).
  rate(facts, Item::SupplementaryGroups, identity.leave_root ? 0 : 1,
       identity.leave_root ? "" : "keeps the groups of whoever starts it: only root can give them up");
  rate(facts, Item::DynamicIpc, owns(CLONE_NEWIPC) ? 0 : 1);
  rate(facts, Item::NoNewPrivileges, 0);
  rate(facts, Item::PrivateUsers, owns(CLONE_NEWUSER) ? 0 : 1);
  const Origin origin = policy_.capabilities.empty() ? Origin{} : policy_.capabilities.front().origin;
  rate(facts, Item::AmbientCapabilities, plan_.capabilities == 0 ? 0 : 1, {}, origin);
  rate_capabilities(facts, plan_.capabilities, " (in a user namespace of its own)", origin);
  rate_namespaces(facts, plan_.namespaces.nested, plan_.namespaces.nested_origin);
}

void Weighing::files(Facts& facts) const {
  rate(facts, Item::RootDirectory, 0);
  rate(facts, Item::PrivateMounts, 0);
  rate(facts, Item::RestrictSuidSgid, 0, "what it can write is mounted nosuid");
  unsigned system = 0, tmp = 0;
  Origin decides{}, shares_tmp{};
  std::vector<std::string> written;
  for (const auto& [bind, origin] : binds()) {
    if (bind->read_only) {
      continue;
    }
    const std::string& place = bind->source;
    const bool is_system = place == "/" || path::is_below(place, "/usr") || path::is_below(place, "/boot") || path::is_below(place, "/efi");
    const unsigned badness = is_system ? 10 : path::is_below(place, "/etc") ? 5 : 0;
    decides = badness >= system ? origin : decides;
    system = std::max(system, badness);
    written.push_back(place);
    if (place == "/tmp") {
      tmp = 1;
      shares_tmp = origin;
    }
  }
  constexpr std::size_t kExamples = 3;
  const std::size_t count = written.size();
  written.resize(std::min(count, kExamples));
  const std::string list = join(written, ", ") + (count > kExamples ? " and " + std::to_string(count - kExamples) + " more" : "");
  rate(facts, Item::ProtectSystem, system, system > 0 ? "writes to " + list : count > 0 ? "has the system read-only; writes to " + list : "",
       count > 0 ? decides : Origin{});
  rate(facts, Item::PrivateTmp, tmp, {}, shares_tmp);
  home(facts);
  const bool own_pids = owns(CLONE_NEWPID);
  rate(facts, Item::ProtectProc, own_pids || policy_.proc.value == "none" ? 0 : 3, own_pids ? "sees the sandbox's own processes only" : "");
  rate(facts, Item::ProcSubset, policy_.proc.value == "private" ? 1 : 0, {}, policy_.proc.origin);
  rate_umask(facts, plan_.umask, {});
}

void Weighing::home(Facts& facts) const {
  const auto is_home = [&](const std::string& path) {
    return path::is_below(path, "/root") || path.starts_with("/home/") || (plan_.identity.home.size() > 1 && path::is_below(path, plan_.identity.home));
  };
  unsigned badness = policy_.home.value == "private" ? 1 : 0;
  std::string text = badness == 0 ? "" : "has an empty home of its own";
  Origin decides = policy_.home.origin;
  for (const auto& [bind, origin] : binds()) {
    const bool whole = bind->source == "/" || bind->source == "/home" || bind->source == plan_.identity.home || bind->source == "/root";
    if (!whole && !is_home(bind->source)) {
      continue;
    }
    // As ProtectHome= counts: 10 to write to all of it, 5 to read it, and a part of it less.
    const unsigned found = whole ? (bind->read_only ? 5 : 10) : bind->read_only ? 2 : 3;
    if (found > badness) {
      badness = found;
      text = (bind->read_only ? "reads " : "writes to ") + bind->source;
      decides = origin;
    }
  }
  rate(facts, Item::ProtectHome, badness, text, decides);
}

void Weighing::kernel(Facts& facts) const {
  constexpr std::array<std::string_view, 7> kHarmless{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx"};
  std::vector<std::string> devices;
  Origin decides{};
  for (const plan::MountOp& op : plan_.mounts) {
    const auto* bind = std::get_if<plan::Bind>(&op.what);
    if (bind != nullptr && bind->device && std::find(kHarmless.begin(), kHarmless.end(), bind->source) == kHarmless.end()) {
      devices.push_back(bind->source);
      decides = op.origin;
    }
  }
  rate(facts, Item::PrivateDevices, 0);
  rate(facts, Item::DeviceAllow, devices.empty() ? 0 : 5, devices.empty() ? "" : "may open " + join(devices, ", "), decides);
  // The kernel asks for these capabilities in the initial user namespace, where a sandbox has none.
  for (const Item item : {Item::ProtectClock, Item::ProtectKernelModules, Item::ProtectKernelLogs}) {
    rate(facts, item, 0);
  }
  rate(facts, Item::ProtectKernelTunables, 0);
  rate(facts, Item::ProtectControlGroups, 0);
  rate(facts, Item::ProtectHostname, 0);
}

void Weighing::network(Facts& facts) const {
  std::vector<std::string> taken, reached;
  for (const plan::Publish& port : plan_.publish) {
    taken.push_back(port.address + ":" + std::to_string(port.outside_port));
  }
  for (const policy::Text& rule : policy_.connect) {
    reached.push_back(rule.value);
  }
  const std::string own = taken.empty() ? "" : "has a network of its own, and takes connections at " + join(taken, ", ");
  rate(facts, Item::PrivateNetwork, plan_.own_network ? 0 : 1, plan_.own_network ? own : "", policy_.network_mode.origin);
  const bool limited = plan_.connect.limited;
  const bool none = plan_.own_network ? !limited || plan_.connect.allowed.empty() : limited && plan_.connect.allowed.empty();
  const auto is_local = [](const std::string& rule) {
    return rule.find("127.") != std::string::npos || rule.find("[::1]") != std::string::npos || rule.starts_with("unix:") ||
           rule.find("localhost") != std::string::npos;
  };
  const bool local = std::all_of(reached.begin(), reached.end(), is_local);
  rate(facts, Item::AddressDeny, none ? 0 : !limited ? 10 : local ? 2 : 5, !none && limited ? "reaches " + join(reached, ", ") + " only" : "",
       limited ? plan_.connect.origin : policy_.network_mode.origin);
  families(facts);
}

void Weighing::families(Facts& facts) const {
  const auto opens = [&](int family) { return can_make("socket", static_cast<std::uint64_t>(family), SOCK_STREAM) ||
                                              can_make("socket", static_cast<std::uint64_t>(family), SOCK_DGRAM) ||
                                              can_make("socket", static_cast<std::uint64_t>(family), SOCK_RAW); };
  const Origin origin = policy_.families.empty() ? Origin{} : policy_.families.front().origin;
  rate(facts, Item::FamilyInet, opens(AF_INET) || opens(AF_INET6) ? 1 : 0, {}, origin);
  rate(facts, Item::FamilyUnix, opens(AF_UNIX) ? 1 : 0, {}, origin);
  rate(facts, Item::FamilyNetlink, opens(AF_NETLINK) ? 1 : 0, {}, origin);
  rate(facts, Item::FamilyPacket, opens(AF_PACKET) ? 1 : 0, {}, origin);
  std::vector<std::string> others;
  for (int family = 0; family < AF_MAX; ++family) {
    const bool is_common = family == AF_INET || family == AF_INET6 || family == AF_UNIX || family == AF_NETLINK || family == AF_PACKET;
    if (!is_common && opens(family)) {
      others.push_back(std::to_string(family));
    }
  }
  rate(facts, Item::FamilyOther, others.empty() ? 0 : 1, others.empty() ? "" : "opens sockets of the families " + join(others, ", "), origin);
}

void Weighing::calls(Facts& facts) const {
  rate(facts, Item::Architectures, seccomp::lets_run(plan_.filter.foreign) ? 10 : 0);
  rate_calls(facts, plan_.filter.arch, 9, [&](std::string_view call) { return opened_by(call); });
}

void Weighing::process(Facts& facts) const {
  rate(facts, Item::MemoryDenyWriteExecute, plan_.mdwe ? 0 : 1,
       plan_.mdwe && policy_.memfd.value == "allow" ? "cannot, but through a memfd" : "", policy_.wx.origin);
  constexpr std::uint64_t kSchedFifo = 1;
  const bool realtime = can_make("sched_setscheduler", 0, kSchedFifo) || opened_by("sched_setattr");
  // Without CAP_SYS_NICE the limit decides, and who starts sbx has it from the system.
  rate(facts, Item::RestrictRealtime, realtime ? 1 : 0);
  constexpr std::uint64_t kNoRandomAddresses = 0x0040000;
  rate(facts, Item::LockPersonality, can_make("personality", kNoRandomAddresses) ? 1 : 0);
  const bool keys = opened_by("keyctl") || opened_by("add_key") || opened_by("request_key");
  rate(facts, Item::KeyringMode, keys ? 1 : 0, keys ? "" : "reaches no keyring");
  rate(facts, Item::Delegate, 0);
  set_meaningless(facts, Item::NotifyAccess, "sbx passes nothing on to a service manager");
}

Facts Weighing::all() const {
  Facts facts{};
  identity(facts);
  files(facts);
  kernel(facts);
  network(facts);
  calls(facts);
  process(facts);
  return facts;
}

}  // namespace

Facts facts_of_policy(const policy::Policy& policy, const plan::LaunchPlan& plan) {
  return Weighing(policy, plan).all();
}

}  // namespace sbx::score
