// SPDX-License-Identifier: Apache-2.0
#include "plan/print.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <linux/sched.h>

#include "base/text.h"
#include "plan/namespaces.h"
#include "plan/on_host_tree.h"
#include "policy/capabilities.h"
#include "seccomp/compile.h"

namespace sbx::plan {
namespace {

struct Describe {
  std::string operator()(const MakeDirectory& op) const { return "make the directory " + op.destination; }
  std::string operator()(const MakeFile& op) const {
    return op.contents.empty() ? "make the mount point " + op.destination
                               : "write the file " + op.destination;
  }
  std::string operator()(const MakeSymlink& op) const {
    return fmt::format("link {} to {}", op.destination, op.target);
  }
  std::string operator()(const Bind& op) const {
    const std::string where =
        op.source == op.destination ? op.source : fmt::format("{} at {}", op.source, op.destination);
    return fmt::format("bind-mount {}, {}{}", where, op.read_only ? "read-only" : "writable",
                       op.device           ? " device"
                       : op.no_exec        ? ", noexec"
                       : op.libraries_only ? ", libraries: mapped, not executed"
                                           : "");
  }
  std::string operator()(const Tmpfs& op) const {
    const std::string size = op.size_bytes == 0 ? "" : fmt::format(", at most {} bytes", op.size_bytes);
    return fmt::format("mount a tmpfs on {}, mode {:04o}, {}noexec{}", op.destination, op.mode,
                       op.read_only ? "read-only, " : "", size);
  }
  std::string operator()(const OverlayMount& op) const {
    const std::string size = op.size_bytes == 0 ? "" : fmt::format(", at most {} bytes", op.size_bytes);
    return fmt::format("mount an overlay of {} on {}, changes in memory{}, noexec", op.source,
                       op.destination, size);
  }
  std::string operator()(const Proc& op) const {
    return fmt::format("mount a procfs on {}{}{}", op.destination, op.read_only ? ", read-only" : "",
                       op.show == Proc::Show::Pids      ? ", processes only"
                       : op.show == Proc::Show::Nothing ? ", for the launch alone"
                                                        : "");
  }
  std::string operator()(const Devpts& op) const { return "mount a devpts on " + op.destination; }
  std::string operator()(const Pin& op) const {
    return fmt::format("hold {} in its place{}", op.destination, op.read_only ? ", read-only" : "");
  }
  std::string operator()(const MakeOnHost& op) const {
    return fmt::format("make the directory {} outside, so that nothing inside can", op.on_host);
  }
};

std::string_view word(OnViolation on_violation) {
  switch (on_violation) {
    case OnViolation::Kill:
      return "kill";
    case OnViolation::Errno:
      return "errno";
    case OnViolation::Log:
      return "log";
  }
  return "";
}

// "  what                                   [origin]"
std::string line(const std::string& what, const Origin& origin) {
  const std::string where = to_text(origin);
  return where.empty() ? fmt::format("  {}\n", escape(what))
                       : fmt::format("  {:<64} [{}]\n", escape(what), escape(where));
}

std::string identity_text(const LaunchPlan& plan) {
  const Identity& id = plan.identity;
  std::string text = "identity\n";
  text += line(fmt::format("uid {} inside is uid {} outside, gid {} is gid {}", id.inside_uid,
                           id.outside_uid, id.inside_gid, id.outside_gid),
               id.origin);
  if (id.leave_root) {
    text += line(fmt::format("sbx leaves root and becomes uid {} before it starts anything", id.outside_uid), {});
  }
  text += line((plan.namespaces.own & CLONE_NEWUTS) == 0 ? "the host's hostname"
                                                         : fmt::format("hostname {}", plan.hostname), {});
  return text;
}

std::string rules_text(const AddressRules& rules, std::string_view verb, std::string_view where) {
  std::string text;
  if (rules.limited && rules.allowed.empty()) {
    text += line(fmt::format("{}nothing", verb), rules.origin);
  }
  for (const AddressRule& rule : rules.allowed) {
    text += line(fmt::format("{}{}{}", verb, rule.text, where), rule.origin);
  }
  return text;
}

std::string network_text(const LaunchPlan& plan) {
  std::string text = "network\n";
  text += line(!plan.own_network    ? "the host's own"
               : plan.on_host_tree ? "none: no sockets but pairs"
               : plan.loopback   ? "own namespace, loopback only"
                                 : "own namespace, loopback down",
               {});
  for (const Publish& entry : plan.publish) {
    text += line(fmt::format("publish {}{}{}:{} as port {} inside", entry.is_ipv6 ? "[" : "", entry.address,
                             entry.is_ipv6 ? "]" : "", entry.outside_port, entry.inside_port),
                 entry.origin);
  }
  return text + rules_text(plan.connect, "connect to ",
                           plan.own_network ? ", outside" : "") +
         rules_text(plan.bind, "bind ", "");
}

std::string namespaces_text(const LaunchPlan& plan) {
  const Namespaces& namespaces = plan.namespaces;
  const std::uint64_t own = namespaces.own & ~std::uint64_t{CLONE_NEWNET};  // see "network"
  if (plan.on_host_tree) {
    return line("no namespaces of its own; none can be made", {});
  }
  std::string text = line(
      fmt::format("own {} namespaces; {}", names_of_namespaces(own),
                  namespaces.nested == 0
                      ? "no nested user namespaces"
                      : fmt::format("nested ones: {}", names_of_namespaces(namespaces.nested))),
      namespaces.nested_origin);
  if (namespaces.nested != 0) {
    text += line("OPEN: inside a nested user namespace the command has every capability over what "
                 "it makes there, and reaches the kernel code behind it", namespaces.nested_origin);
  }
  if ((namespaces.own & CLONE_NEWIPC) == 0) {
    text += line("OPEN: the host's System V and POSIX queues, semaphores and shared memory", {});
  }
  if ((namespaces.own & CLONE_NEWTIME) != 0) {
    text += line("clocks that count since boot start at 0", {});
  }
  return text;
}

std::string capabilities_text(const LaunchPlan& plan) {
  if (plan.on_host_tree) {
    return line("capabilities: none but in the bounding set, which no_new_privs makes void", {});
  }
  if (plan.capabilities == 0) {
    return line("capabilities: none in any of the five sets, securebits locked", {});
  }
  std::string text = line("capabilities: exactly these in all five sets, securebits locked", {});
  const auto known = policy::capabilities();
  for (std::size_t i = 0; i < known.size(); ++i) {
    if ((plan.capabilities >> i & 1) != 0) {
      const bool works = known[i].effect == policy::Capability::Effect::Works;
      text += line(fmt::format("{}{}: {}", works ? "OPEN: " : "", known[i].name,
                               works ? std::string(known[i].reason)
                                     : fmt::format("without effect here, {}", known[i].reason)), {});
    }
  }
  return text;
}

// "none", or the numbers.
std::string ports_text(const std::vector<std::uint16_t>& ports) {
  return ports.empty() ? "none" : fmt::format("{}", fmt::join(ports, ", "));
}

std::string landlock_line(const Landlock& landlock) {
  constexpr int kHasPorts = 4, kHasScopes = 6;
  std::string text =
      landlock.paths ? fmt::format("Landlock ABI {}: {}write and execute by {} rules", landlock.abi,
                                   landlock.reads ? "read, " : "", landlock.rules.size())
                     : fmt::format("Landlock ABI {}: no rules on paths, which would forbid nested mounts",
                                   landlock.abi);
  if (landlock.abi >= kHasPorts && landlock.tcp_bind) {
    text += "; TCP ports to bind: " + ports_text(*landlock.tcp_bind);
  }
  if (landlock.abi >= kHasPorts && landlock.tcp_connect) {
    text += "; to connect to: " + ports_text(*landlock.tcp_connect);
  }
  return text + (landlock.abi >= kHasScopes ? "; no signals or abstract sockets to outside" : "");
}

std::string confinement_text(const LaunchPlan& plan) {
  std::string text = "confinement\n";
  text += namespaces_text(plan) + capabilities_text(plan);
  text += line("no_new_privs", {});
  text += line(plan.mdwe ? "kernel MDWE: no writable memory becomes executable"
                         : "no kernel MDWE (the policy allows W^X violations, or the kernel lacks it)",
               {});
  if (plan.landlock.abi > 0) {
    text += line(landlock_line(plan.landlock), {});
  }
  text += line(fmt::format("system call filter: {} instructions, denied calls: {}",
                           plan.filter_program.size(), word(plan.on_violation)),
               {});
  if (plan.watch.on) {
    text += line("file, exec and network calls are watched, and run (--explain)", {});
  } else if (plan.exec_once) {
    text += line("execve is denied: sbx lets its own one by", {});
  }
  for (const Opening& opening : plan.openings) {
    text += line("OPEN: " + opening.text, opening.origin);
  }
  for (const std::string& lost : plan.degraded) {
    text += line("WITHOUT " + lost + ", as --allow-degraded permits", {});
  }
  if (plan.on_host_tree) {
    for (const std::string_view loss : losses_on_host_tree()) {
      text += line(fmt::format("lost: {}", loss), {});
    }
  }
  if (!plan.listens) {
    text += line("lost: denied calls are answered by the kernel, and not reported", {});
    text += line("lost: a terminal of its own; the caller's is handed on", {});
  }
  return text;
}

std::string limits_text(const LaunchPlan& plan) {
  std::string text = "limits\n";
  for (const ResourceLimit& limit : plan.limits) {
    text += line(fmt::format("{} = {}, {}", limit.name, limit.value, mechanism(limit)), limit.origin);
  }
  if (plan.cgroup) {
    const std::string place = plan.cgroup->parent.empty()
                                  ? "a scope of the user's systemd"
                                  : plan.cgroup->parent;
    text += line("a cgroup below " + place, {});
    for (const CgroupSetting& setting : plan.cgroup->settings) {
      text += line(fmt::format("{} = {}, all processes together (cgroup, {})", setting.name,
                               setting.amount, setting.file),
                   setting.origin);
    }
  }
  if (plan.time_limit_seconds) {
    text += line(fmt::format("time = {} s", *plan.time_limit_seconds), plan.time_limit_origin);
  }
  return text;
}

std::string terminal_text(const Terminal& terminal) {
  if (terminal.inherits) {
    return line("THE CALLER'S TERMINAL is handed on: the command can write and read it as it likes",
                terminal.origin);
  }
  if (!terminal.own) {
    return "";
  }
  std::string descriptors;
  for (std::size_t i = 0; i < terminal.replaces.size(); ++i) {
    if (terminal.replaces[i]) {
      descriptors += fmt::format("{}{}", descriptors.empty() ? "" : ", ", i);
    }
  }
  return line("a terminal of its own, relayed, as descriptor " + descriptors, terminal.origin);
}

std::string reporting_text(const Reporting& reporting) {
  std::string text;
  for (const Sink& sink : reporting.sinks) {
    text += line(sink.kind == Sink::Kind::Descriptor
                     ? fmt::format("events to descriptor {}", sink.descriptor)
                     : fmt::format("events to {} at {}",
                                   sink.kind == Sink::Kind::Journal ? "the journal" : "syslog", sink.path),
                 sink.origin);
  }
  if (!reporting.notify_command.empty()) {
    text += line("RUN OUTSIDE, given the events: " + join(reporting.notify_command, " "),
                 reporting.notify_origin);
  }
  return text.empty() ? text : "reports\n" + text;
}

std::string command_text(const LaunchPlan& plan) {
  std::string text = "command\n";
  if (!plan.program.empty()) {
    text += line(plan.program, {});
  }
  for (std::size_t i = 0; i < plan.argv.size(); ++i) {
    text += line(fmt::format("argv[{}] = {}", i, quote(plan.argv[i])), {});
  }
  text += line("in " + plan.cwd, {});
  for (const std::string& entry : plan.environment) {
    text += line(entry, {});
  }
  text += terminal_text(plan.terminal);
  for (const int kept : plan.keep_fds) {
    text += line(fmt::format("descriptor {} stays open", kept), {});
  }
  return text;
}

std::string host_tree_text(const LaunchPlan& plan) {
  std::string text = "the host's own tree, by Landlock\n";
  for (const LandlockRule& rule : plan.landlock.rules) {
    text += line(fmt::format("{}: {}{}{}", rule.path, rule.read ? "read" : "", rule.write ? ", write" : "",
                             rule.execute ? ", execute" : ""), {});
  }
  return text;
}

}  // namespace

std::string_view mechanism(const ResourceLimit& limit) {
  switch (limit.resource) {
    case RLIMIT_AS:
      return "the address space of each process (RLIMIT_AS)";
    case RLIMIT_NPROC:
      return "all processes and threads together (RLIMIT_NPROC)";
    case RLIMIT_CPU:
      return "seconds of each process (RLIMIT_CPU)";
    case RLIMIT_NOFILE:
      return "each process (RLIMIT_NOFILE)";
    case RLIMIT_FSIZE:
      return "each file (RLIMIT_FSIZE)";
    default:
      return "each process (RLIMIT_CORE)";
  }
}

std::string describe(const MountOp& op) { return std::visit(Describe{}, op.what); }

std::string to_text(const LaunchPlan& plan) {
  std::string text = fmt::format("policy {}\n", plan.policy_name);
  for (const std::string& source : plan.policy_sources) {
    text += line(source, {});
  }
  text += identity_text(plan);
  text += plan.on_host_tree ? host_tree_text(plan) : "new root\n";
  for (const MountOp& op : plan.mounts) {
    text += line(describe(op), op.origin);
  }
  text += network_text(plan) + limits_text(plan) + confinement_text(plan) +
          reporting_text(plan.reporting) + command_text(plan);
  text += "system calls\n";
  return text + seccomp::listing(plan.filter);
}

}  // namespace sbx::plan
