// SPDX-License-Identifier: Apache-2.0
#include "plan/on_host_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/path.h"
#include "plan/answer.h"
#include "plan/view.h"

namespace sbx::plan {
namespace {

// Truncation is a right of its own from ABI 3 on (Linux 6.2): before, every file of the user's
// could be emptied.
constexpr int kLowestAbi = 3;

constexpr std::array kLosses{
    std::string_view("names, sizes and owners of the user's files can be seen (stat, access, readlink, chdir)"),
    std::string_view("/tmp is a private directory, TMPDIR; limits.scratch does not bound it; /dev/shm is closed"),
    std::string_view("files that the command wrote can be mapped executable, though not executed"),
    std::string_view("no loopback: without a network of its own the command has no sockets but pairs"),
    std::string_view("modes, owners, times and attributes of files cannot be changed at all"),
    std::string_view("/proc shows the command's first process to itself, and to the others nothing"),
    std::string_view("the host's host name, process ids and cgroup can be seen"),
    std::string_view("limits.processes counts all processes of the user"),
    std::string_view("should sbx and its init be killed at once, what the command started goes on"),
    std::string_view("before Linux 6.12 (Landlock ABI 6) the user's other processes can be signalled"),
};

// What of procfs does not tell about other processes. /proc/self is the command's own process.
constexpr std::array<std::string_view, 12> kProcFiles{
    "/proc/self",          "/proc/cpuinfo",     "/proc/meminfo", "/proc/stat",
    "/proc/filesystems",   "/proc/loadavg",     "/proc/uptime",  "/proc/version",
    "/proc/sys/kernel",    "/proc/sys/vm",      "/proc/sys/fs",  "/proc/devices"};

Error needs_namespaces(const std::string& what, const Origin& origin) {
  return Error{what + " needs user namespaces, which this host refuses", 0, origin,
               "sbx doctor says why they are refused; or take it out of the policy"};
}

bool is_set(const policy::Text& text) {
  return !text.value.empty() && text.origin.source != "built in";
}

Status check_settings(const policy::Policy& policy, const LaunchPlan& plan) {
  const Identity& id = plan.identity;
  if (id.outside_uid == 0) {
    return Error{"without user namespaces sbx runs nothing as root", 0, id.origin,
                 "name an ordinary user: --user nobody"};
  }
  if (id.inside_uid != id.outside_uid || id.inside_gid != id.outside_gid) {
    return needs_namespaces(fmt::format("uid {} and gid {} inside", id.inside_uid, id.inside_gid), id.origin);
  }
  if (!plan.publish.empty()) {
    return needs_namespaces("network.publish", plan.publish.front().origin);
  }
  if (is_set(policy.hostname)) {
    return needs_namespaces("identity.hostname", policy.hostname.origin);
  }
  if (is_set(policy.machine_id) && policy.machine_id.value != "none") {
    return needs_namespaces("identity.machine-id", policy.machine_id.origin);
  }
  if (plan.namespaces.nested != 0) {
    return needs_namespaces("namespaces.nested", plan.namespaces.nested_origin);
  }
  if (plan.capabilities != 0) {
    return needs_namespaces("capabilities.keep", policy.capabilities.front().origin);
  }
  for (const auto& [key, flag] : policy.namespaces) {
    if (flag.value) {
      return needs_namespaces(policy::qualified_name(key) + " = true", flag.origin);
    }
  }
  return {};
}

Status check_landlock(const HostFacts& facts, const LaunchPlan& plan) {
  if (plan.landlock.abi >= kLowestAbi) {
    return {};
  }
  return Error{fmt::format("without user namespaces sbx needs Landlock ABI {} (Linux 6.2), and this kernel has {}",
                           kLowestAbi, facts.landlock_abi == 0 ? "none" : std::to_string(facts.landlock_abi)),
               0, {}, "nothing else would keep the command from the user's files"};
}

bool is_scratch(const std::string& place, const Identity& identity) {
  return place == "/tmp" || place == "/var/tmp" || place == "/dev/shm" || place == identity.home;
}

class HostTree {
 public:
  HostTree(const LaunchPlan& plan, const Probes& probes) : plan_(plan), probes_(probes) {}

  Result<std::vector<LandlockRule>> rules();

 private:
  Status add(const MountOp& op);
  Status add_bind(const Bind& bind, const Origin& origin);
  Status check_covered(const std::string& place, const Origin& origin) const;
  bool is_way_to_another(const MountOp& op) const;

  const LaunchPlan& plan_;
  const Probes& probes_;
  std::vector<LandlockRule> rules_;
};

// Landlock adds rights on the way up the tree and takes none away: what lies in a granted directory
// cannot be hidden.
Status HostTree::check_covered(const std::string& place, const Origin& origin) const {
  for (const MountOp& op : plan_.mounts) {
    const auto* bind = std::get_if<Bind>(&op.what);
    if (bind != nullptr && bind->destination != place && path::is_below(place, bind->destination)) {
      return needs_namespaces(fmt::format("hiding {} below {}", place, bind->destination), origin);
    }
  }
  return {};
}

Status HostTree::add_bind(const Bind& bind, const Origin& origin) {
  if (bind.source == "/dev/null" && bind.destination != bind.source) {
    return path::is_below(bind.destination, "/proc") ? Status{} : check_covered(bind.destination, origin);
  }
  if (bind.source != bind.destination) {
    return needs_namespaces(fmt::format("showing {} at {}", bind.source, bind.destination), origin);
  }
  rules_.push_back({.path = bind.source, .execute = !bind.no_exec, .write = !bind.read_only || bind.device,
                    .device_ioctl = bind.device, .read = true});
  return {};
}

Status HostTree::add(const MountOp& op) {
  if (const auto* bind = std::get_if<Bind>(&op.what)) {
    return add_bind(*bind, op.origin);
  }
  if (const auto* tmpfs = std::get_if<Tmpfs>(&op.what)) {
    if (tmpfs->mode == 0 || tmpfs->read_only) {
      return check_covered(tmpfs->destination, op.origin);
    }
    return is_scratch(tmpfs->destination, plan_.identity)
               ? Status{}
               : needs_namespaces("an own directory in memory at " + tmpfs->destination, op.origin);
  }
  if (const auto* directory = std::get_if<MakeDirectory>(&op.what)) {
    const bool is_there = probes_.path(directory->destination).kind == PathFacts::Kind::Directory;
    return is_there ? Status{} : needs_namespaces("making the directory " + directory->destination, op.origin);
  }
  if (std::holds_alternative<Pin>(op.what) || std::holds_alternative<MakeOnHost>(op.what)) {
    return needs_namespaces("keeping sbx's own " + destination_of(op) + " from being exchanged", op.origin);
  }
  const auto* file = std::get_if<MakeFile>(&op.what);
  const bool is_nothing_lost = std::holds_alternative<MakeSymlink>(op.what) || std::holds_alternative<Proc>(op.what) ||
                               std::holds_alternative<Devpts>(op.what) || (file != nullptr && file->contents.empty());
  if (!is_nothing_lost) {
    return needs_namespaces("what is shown at " + destination_of(op), op.origin);
  }
  return {};  // links are the host's own; procfs follows; a terminal of its own there is not
}

// A directory that is made for what is mounted upon it or below: the host has it, or there is no source.
bool HostTree::is_way_to_another(const MountOp& op) const {
  return std::holds_alternative<MakeDirectory>(op.what) &&
         std::any_of(plan_.mounts.begin(), plan_.mounts.end(), [&](const MountOp& other) {
           return &other != &op && path::is_below(destination_of(other), destination_of(op));
         });
}

Result<std::vector<LandlockRule>> HostTree::rules() {
  for (const MountOp& op : plan_.mounts) {
    if (!is_way_to_another(op)) {
      SBX_TRY(add(op));
    }
  }
  for (const std::string_view file : kProcFiles) {
    if (probes_.path(std::string(file)).kind != PathFacts::Kind::Missing) {
      rules_.push_back({.path = std::string(file), .read = true});
    }
  }
  rules_.push_back({.path = plan_.scratch, .write = true, .read = true});
  return std::move(rules_);
}

void set_variable(std::vector<std::string>& environment, const std::string& name, const std::string& value) {
  const std::string prefix = name + "=";
  const auto found = std::find_if(environment.begin(), environment.end(),
                                  [&](const std::string& entry) { return entry.starts_with(prefix); });
  if (found == environment.end()) {
    environment.push_back(prefix + value);
  } else {
    *found = prefix + value;
  }
}

void without_listener(seccomp::Rule& rule, OnViolation on_violation) {
  if (rule.action.verdict != seccomp::Verdict::Notify) {
    return;
  }
  const Answer answer = answer_to(rule, on_violation);
  switch (answer.kind) {
    case Answer::Kind::Run:
    case Answer::Kind::RunTold:
      rule.action = {seccomp::Verdict::Allow, 0};
      break;
    case Answer::Kind::Kill:
      rule.action = {seccomp::Verdict::Kill, 0};
      break;
    case Answer::Kind::Supervised:
    case Answer::Kind::Fail:
      rule.action = {seccomp::Verdict::Errno, rule.denied_errno};
      break;
  }
}

}  // namespace

std::span<const std::string_view> losses_on_host_tree() { return kLosses; }

Status move_to_host_tree(const policy::Policy& policy, const HostFacts& facts, const Probes& probes,
                         LaunchPlan& plan) {
  SBX_TRY(check_landlock(facts, plan));
  SBX_TRY(check_settings(policy, plan));
  plan.on_host_tree = true;
  plan.degraded.push_back("userns");
  plan.scratch = "/tmp/sbx-" + probes.random_machine_id();
  auto rules = HostTree(plan, probes).rules();
  if (!rules) {
    return rules.error();
  }
  plan.landlock.rules = std::move(*rules);
  plan.landlock.reads = true;
  if (plan.own_network) {
    plan.landlock.tcp_bind = plan.landlock.tcp_connect = std::vector<std::uint16_t>{};
  }
  plan.mounts.clear();
  plan.namespaces.own = 0;
  if (policy.home.value == "private") {
    set_variable(plan.environment, "HOME", plan.scratch);
    plan.cwd = plan.cwd == plan.identity.home ? plan.scratch : plan.cwd;
  }
  set_variable(plan.environment, "TMPDIR", plan.scratch);
  return {};
}

Status do_without_listener(LaunchPlan& plan) {
  if (!plan.publish.empty()) {
    return Error{"network.publish needs seccomp notification, which this host refuses", 0,
                 plan.publish.front().origin, "sbx doctor says why; or take it out of the policy"};
  }
  if (plan.exec_once) {
    return Error{"a policy that denies execve needs seccomp notification, which this host refuses", 0,
                 {}, "sbx lets its own execve by with it; allow execve, or run sbx where it has a listener"};
  }
  if (plan.on_violation == OnViolation::Log) {
    return Error{"report.on-violation = log needs seccomp notification, which this host refuses", 0, {},
                 "without reports it would only let every call through"};
  }
  plan.listens = false;
  // Its master is handed over as the listener is, by pidfd_getfd.
  plan.terminal.inherits = plan.terminal.inherits || plan.terminal.own;
  plan.terminal.own = false;
  plan.degraded.push_back("notify");
  for (auto& [number, rules] : plan.filter.calls) {
    for (seccomp::Rule& rule : rules) {
      without_listener(rule, plan.on_violation);
    }
  }
  for (seccomp::Rule* rule : {&plan.filter.denied, &plan.filter.unknown, &plan.filter.foreign}) {
    without_listener(*rule, plan.on_violation);
  }
  return {};
}

}  // namespace sbx::plan
