// SPDX-License-Identifier: Apache-2.0
#include "host/doctor.h"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/errno_name.h"
#include "base/text.h"
#include "host/kernel_version.h"

namespace sbx::host {
namespace {

using State = Finding::State;

std::string refused(int errno_value) {
  const char* description = ::strerrordesc_np(errno_value);
  return "refused: " + std::string(description != nullptr ? description : "unknown error") + " (" +
         errno_name(errno_value) + ")";
}

Finding kernel_version(const DoctorFacts& facts) {
  if (is_at_least(facts.os_release, kOldestKernel)) {
    return {"kernel", State::Good, "Linux " + facts.os_release, "new enough (5.14 is the floor)",
            ""};
  }
  return {"kernel", State::Broken, "Linux " + facts.os_release,
          "sbx needs Linux 5.14: mount_setattr and seccomp's ADDFD with SEND",
          "boot a newer kernel"};
}

Finding own_privilege(const DoctorFacts& facts) {
  if (!facts.borrowed_privilege) {
    return {"sbx's own rights", State::Good, "those of its user", "as it should be", ""};
  }
  return {"sbx's own rights", State::Broken, "setuid, setgid or file capabilities",
          "sbx refuses to run with rights that its user lacks",
          "chmod ug-s $(command -v sbx); setcap -r $(command -v sbx)"};
}

// Why user namespaces are refused, by the switch that is off.
void explain_user_namespaces(const DoctorFacts& facts, Finding& finding) {
  if (facts.unprivileged_userns_clone == "0") {
    finding.consequence += "; kernel.unprivileged_userns_clone is 0";
    finding.remedy = "sudo sysctl kernel.unprivileged_userns_clone=1";
  } else if (facts.max_user_namespaces == "0") {
    finding.consequence += "; user.max_user_namespaces is 0, as it is inside another sbx";
    finding.remedy =
        "outside of a sandbox: sudo sysctl user.max_user_namespaces=10000; inside of one: run sbx "
        "outside of it, or give the outer policy namespaces.nested";
  } else if (facts.trials[Trial::UserNamespace] == ENOSPC) {
    finding.consequence += "; the limit of an outer namespace is reached";
    finding.remedy = "raise user.max_user_namespaces there";
  } else if (facts.apparmor_restrict_userns == "1") {
    finding.consequence += "; AppArmor keeps them from programs without a profile (Ubuntu 23.10 on)";
    finding.remedy =
        "install sbx's AppArmor profile, packaging/apparmor/sbx: sudo cp it to /etc/apparmor.d/ and "
        "sudo apparmor_parser -r /etc/apparmor.d/sbx; or: sudo sysctl "
        "kernel.apparmor_restrict_unprivileged_userns=0";
  } else if (facts.is_chroot) {
    finding.consequence += "; this is a chroot, in which the kernel gives none";
    finding.remedy = "run sbx outside of the chroot, or enter it by pivot_root (systemd-nspawn, bwrap)";
  } else if (facts.seccomp_mode == "2") {
    finding.consequence += "; sbx itself runs under a seccomp filter, as in a container";
    finding.remedy =
        "docker run --security-opt seccomp=unconfined …, or a profile that allows "
        "unshare, clone, mount and pivot_root";
  } else {
    finding.consequence += "; a chroot or a security module may be the reason";
    finding.remedy = "check that the kernel has CONFIG_USER_NS, and that this is no chroot";
  }
  finding.remedy += "; or with less protection: sbx run --allow-degraded userns …";
}

Finding user_namespaces(const DoctorFacts& facts) {
  const int created = facts.trials[Trial::UserNamespace];
  const int mapped = facts.trials[Trial::IdMap];
  if (created == 0 && mapped == 0) {
    return {"user namespaces", State::Good, "allowed", "sbx needs no root", ""};
  }
  Finding finding{"user namespaces", State::Broken,
                  created == kNotTried ? "could not be tried"
                  : created != 0       ? refused(created)
                                       : "allowed, but the id map is " + refused(mapped),
                  "sbx run cannot work", ""};
  explain_user_namespaces(facts, finding);
  return finding;
}

struct Needed {
  Trial trial;
  const char* subject;
  const char* consequence;  // of its absence
  const char* remedy;
};

// In the order of a launch.
constexpr Needed kNeeded[] = {
    {Trial::MountNamespace, "mount namespaces", "no minimal root can be built", ""},
    {Trial::PidNamespace, "pid namespaces", "the command would see other processes",
     "raise user.max_pid_namespaces"},
    {Trial::NetworkNamespace, "network namespaces", "the network could not be closed",
     "raise user.max_net_namespaces"},
    {Trial::IpcNamespace, "ipc namespaces", "shared memory could not be separated",
     "raise user.max_ipc_namespaces"},
    {Trial::UtsNamespace, "uts namespaces", "the host name could not be separated",
     "raise user.max_uts_namespaces"},
    {Trial::CgroupNamespace, "cgroup namespaces", "the cgroup tree would show",
     "raise user.max_cgroup_namespaces"},
    {Trial::PrivateMounts, "private mounts", "mounts inside would show outside", ""},
    {Trial::Tmpfs, "tmpfs", "the new root is one", ""},
    {Trial::BindByDescriptor, "open_tree, move_mount, mount_setattr",
     "directories could not be shown read-only",
     "in a container, allow these calls in its seccomp profile"},
    {Trial::Devpts, "devpts", "no terminals inside", ""},
    {Trial::Procfs, "procfs",
     "the command needs a /proc of its own; a container that masks parts of "
     "/proc keeps the kernel from giving one",
     "docker run --security-opt systempaths=unconfined …; podman run --security-opt unmask=ALL …"},
    {Trial::NewRoot, "pivot_root", "the old root would stay reachable",
     "the kernel refuses it on an initramfs and in a chroot: run sbx outside"},
    {Trial::Loopback, "loopback in a network namespace",
     "servers inside could not be reached there", ""},
    {Trial::LowPorts, "low ports in a network namespace",
     "a server could not bind port 80 inside; /proc/sys must be writable there",
     "in a container: --security-opt systempaths=unconfined"},
    {Trial::NoNewPrivs, "no_new_privs", "setuid programs would gain privilege", ""},
    {Trial::Listener, "seccomp notification",
     "denied calls could not be told; EBUSY: an outer sandbox has the one listener that there may be",
     "run sbx outside of that sandbox; or without reports: sbx run --allow-degraded notify …"},
    {Trial::AddDescriptor, "seccomp descriptor injection", "ports could not be published", ""},
    {Trial::TakeDescriptor, "pidfd_getfd", "the listener could not be handed over",
     "in a container, allow pidfd_getfd in its seccomp profile"},
};

Finding needed(const Needed& row, const DoctorFacts& facts) {
  const int result = facts.trials[row.trial];
  if (result == 0) {
    return {row.subject, State::Good, "work", "", ""};
  }
  if (result == kNotTried) {
    return {row.subject, State::Unknown, "not tried: something before it is broken", "", ""};
  }
  Finding finding{row.subject, State::Broken, refused(result), row.consequence, row.remedy};
  const bool inside_namespace = facts.trials.passed(Trial::UserNamespace);
  if (result == EPERM && inside_namespace && facts.apparmor_restrict_userns == "1") {
    explain_user_namespaces(facts, finding);
  }
  return finding;
}

void append_layers(const DoctorFacts& facts, std::vector<Finding>& findings) {
  findings.push_back(facts.has_mdwe ? Finding{"memory-deny-write-execute", State::Good,
                                              "in the kernel", "backs the filter's W^X rules", ""}
                                    : Finding{"memory-deny-write-execute", State::Absent,
                                              "not in this kernel (Linux 6.3)",
                                              "W^X rests on the filter and on noexec mounts alone",
                                              "a newer kernel adds it"});
  findings.push_back(
      facts.has_wait_killable
          ? Finding{"killable notifications", State::Good, "in the kernel",
                    "a signal does not repeat a mediated call", ""}
          : Finding{"killable notifications", State::Absent, "not in this kernel (Linux 5.19)",
                    "a signal may interrupt a call while the supervisor decides", ""});
  findings.push_back(
      facts.landlock_abi > 0
          ? Finding{"Landlock", State::Good, "ABI " + std::to_string(facts.landlock_abi),
                    "a second layer over the mounts", ""}
          : Finding{"Landlock", State::Broken, "not in this kernel, or not enabled",
                    "sbx run refuses to go without this second layer over the mounts",
                    "boot with lsm=landlock,…; or: sbx run --allow-degraded landlock …"});
}

Finding port_start(const DoctorFacts& facts) {
  const std::string& first = facts.unprivileged_port_start;
  return {
      "published ports", State::Note, first.empty() ? "any port" : "from " + first + " up",
      first.empty() || first == "0"
          ? "--publish may use every port"
          : "--publish below " + first + " outside needs root; inside every port is free",
      first.empty() || first == "0" ? "" : "sudo sysctl net.ipv4.ip_unprivileged_port_start=80"};
}

Finding ptrace_scope(const DoctorFacts& facts) {
  const bool none = facts.ptrace_scope == "3";
  return {
      "ptrace scope", none ? State::Absent : State::Good,
      facts.ptrace_scope.empty() ? "no Yama" : "kernel.yama.ptrace_scope is " + facts.ptrace_scope,
      none ? "the supervisor cannot read arguments of denied calls from memory"
           : "the supervisor can read the arguments of denied calls",
      none ? "ptrace_scope 3 stays until a reboot: set kernel.yama.ptrace_scope=1 in sysctl.d"
           : ""};
}

Finding terminal(const DoctorFacts& facts) {
  const bool open = facts.legacy_tiocsti != "0";
  return {"typing into terminals", State::Note,
          open ? "TIOCSTI works on this kernel" : "TIOCSTI is off in the kernel",
          open ? "sbx denies it by filter, and the command has a terminal of its own" : "",
          open && !facts.legacy_tiocsti.empty() ? "sudo sysctl dev.tty.legacy_tiocsti=0" : ""};
}

Finding cgroup(const DoctorFacts& facts) {
  const plan::CgroupFacts& found = facts.cgroup;
  const bool own = !found.delegated.empty() && !found.controllers.empty();
  if (own || !found.user_bus.empty()) {
    return {"cgroups", State::Good,
            own ? fmt::format("below {}: {}", found.delegated, join(found.controllers, " "))
                : fmt::format("scopes of the user's systemd: {}", join(found.bus_controllers, " ")),
            "limits.memory counts the whole sandbox; limits.cpu-percent and cpu-weight can be had", ""};
  }
  return {"cgroups", State::Note, found.why_not,
          "limits.memory counts the address space of each process (setrlimit)",
          "systemd-run --user --scope -p Delegate=yes sbx run …"};
}

}  // namespace

std::vector<Finding> examine(const DoctorFacts& facts) {
  std::vector<Finding> findings{kernel_version(facts), own_privilege(facts),
                                user_namespaces(facts)};
  for (const Needed& row : kNeeded) {
    findings.push_back(needed(row, facts));
  }
  append_layers(facts, findings);
  if (facts.policies_error.empty()) {
    findings.push_back({"policies", State::Good, "base and default are found", "", ""});
  } else {
    findings.push_back({"policies", State::Broken, facts.policies_error,
                        "no command can be run without the policies base and default",
                        "install share/sbx/policies, or set SBX_POLICY_PATH"});
  }
  findings.push_back(port_start(facts));
  findings.push_back(ptrace_scope(facts));
  findings.push_back(terminal(facts));
  findings.push_back(cgroup(facts));
  return findings;
}

}  // namespace sbx::host
