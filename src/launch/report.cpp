// SPDX-License-Identifier: Apache-2.0
#include "launch/report.h"

#include <fmt/format.h>

#include <cerrno>

#include "plan/print.h"

namespace sbx::launch {
namespace {

std::string mount_hint(const plan::MountOp& op, int errno_value) {
  const bool is_bind = std::holds_alternative<plan::Bind>(op.what);
  if (std::holds_alternative<plan::MakeOnHost>(op.what)) {
    return "sbx would read its files there: make the directory, or grant nothing writable above it";
  }
  const bool is_overlay = std::holds_alternative<plan::OverlayMount>(op.what);
  if (is_overlay && errno_value != ESTALE && errno_value != ELOOP && errno_value != ENOENT) {
    return "overlays in user namespaces need Linux 5.11 with CONFIG_OVERLAY_FS, and a file system "
           "that can be a lower layer; filesystem.read or filesystem.tmpfs work everywhere";
  }
  switch (errno_value) {
    case ENOENT:
      return is_bind || is_overlay ? "create it, or mark the line optional = true" : "its parent directory is missing inside";
    case EPERM:
      return std::holds_alternative<plan::Proc>(op.what)
                 ? "a fresh /proc is refused where parts of the host's are covered, as in most "
                   "containers: run sbx outside, or with an uncovered /proc (see sbx doctor)"
                 : "the host's mount forbids it: its flags are locked for user namespaces";
    case ESTALE:
      return "it was exchanged while sbx started: run again, and see who can write its directory";
    case ELOOP:
      return "a symbolic link stands where a mount belongs; it may have been planted by an earlier run";
    case ENOSPC:
      return "the kernel's limit of mounts is reached (sysctl fs.mount-max)";
    case EACCES:
      return "sbx can grant only what its user may reach";
    default:
      return "see sbx run --dry-run for the whole list of mounts";
  }
}

Error mount_error(const plan::LaunchPlan& plan, const ChildReport& report) {
  if (report.item < 0) {
    return Error{"cannot make a tmpfs for the new root", report.errno_value, {},
                 "the kernel refuses mounts in user namespaces: see sbx doctor"};
  }
  if (static_cast<std::size_t>(report.item) >= plan.mounts.size()) {
    return Error{"cannot open a file that was handed on again, where it is writable inside",
                 report.errno_value, {}, "it was exchanged while sbx started; or hand on a pipe (cat FILE | sbx run …)"};
  }
  const plan::MountOp& op = plan.mounts[static_cast<std::size_t>(report.item)];
  return Error{"cannot " + plan::describe(op), report.errno_value, op.origin,
               mount_hint(op, report.errno_value)};
}

Error exec_error(const plan::LaunchPlan& plan, int errno_value) {
  Error error{fmt::format("cannot execute {}", plan.program), errno_value, {}, "", ExitCode::CannotExecute};
  switch (errno_value) {
    case ENOENT:
      // The path itself was seen by resolve, so it is what the file needs to start.
      error.hint = "its interpreter (the #! line, or the ELF loader) is not visible inside: grant it with --ro";
      error.exit_code = ExitCode::NotFound;
      break;
    case EACCES:
      error.hint = "it lacks execute permission, or lies on a writable (noexec) mount: programs are "
                   "granted with --ro, not --rw";
      break;
    case ENOEXEC:
      error.hint = "it is no program for this machine, and no script with a #! line";
      break;
    case E2BIG:
      error.hint = "arguments and environment together are too long for the kernel";
      break;
    case EPERM:
      error.hint = "the policy's filter denies execve";
      break;
    default:
      break;
  }
  return error;
}

std::string_view step_hint(Step step, int errno_value) {
  switch (step) {
    case Step::MapIds:
      return errno_value == EPERM
                 ? "the kernel refuses the id map: see sbx doctor for user namespaces"
                 : "see sbx doctor";
    case Step::ForbidNamespaces:
      return "the kernel did not accept the limit of namespaces; sbx does not run without it";
    case Step::JoinCgroup:
      return "sbx doctor says which cgroups there are; limits.cgroup = \"never\" does without";
    case Step::OwnClocks:
      return "the kernel refuses a time namespace (Linux 5.6, CONFIG_TIME_NS): leave "
             "namespaces.time out";
    case Step::InstallFilter:
      return errno_value == EBUSY ? "an outer sandbox has the one seccomp listener that there may be, as sbx "
                                    "inside sbx: run it outside, or without reports: --allow-degraded notify"
                                  : "the kernel refuses the filter: see sbx doctor";
    case Step::LoopbackUp:
    case Step::OpenLowPorts:
      return "the network namespace is not under sbx's control: see sbx doctor";
    case Step::OpenTerminal:
      return "it is opened from the sandbox's own /dev/pts, which the policy must leave there; "
             "--tty never does without";
    case Step::RestrictPaths:
      return "the kernel refuses the ruleset: see sbx doctor";
    case Step::RefuseExecGain:
      return "the kernel lacks PR_SET_MDWE though it was found before";
    default:
      return "see sbx doctor";
  }
}

}  // namespace

Error to_error(const plan::LaunchPlan& plan, const ChildReport& report) {
  const auto step = static_cast<Step>(report.step);
  if (step == Step::BuildRoot) {
    return mount_error(plan, report);
  }
  if (step == Step::Execute) {
    return exec_error(plan, report.errno_value);
  }
  if (step == Step::SetLimits) {
    const plan::ResourceLimit& limit = plan.limits[static_cast<std::size_t>(report.item)];
    return Error{fmt::format("cannot set the limit {} = {}", limit.name, limit.value),
                 report.errno_value, limit.origin, "a limit must not be below what is in use already"};
  }
  if (step == Step::RestrictPaths && report.item >= 0) {
    const plan::LandlockRule& rule = plan.landlock.rules[static_cast<std::size_t>(report.item)];
    return Error{"cannot give Landlock the path " + rule.path, report.errno_value, {}, "see sbx doctor"};
  }
  if (step == Step::ChangeDirectory) {
    return Error{fmt::format("cannot change to the working directory {}", plan.cwd), report.errno_value,
                 {}, "choose one that is visible inside: --workdir"};
  }
  return Error{fmt::format("cannot {}", name_of(step)), report.errno_value, {},
               std::string(step_hint(step, report.errno_value))};
}

Error clone_error(int errno_value) {
  Error error{"cannot create the sandbox's namespaces", errno_value, {}, ""};
  switch (errno_value) {
    case EPERM:
    case EACCES:
      error.hint = "user namespaces are refused to this user: by AppArmor (Ubuntu: sysctl "
                   "kernel.apparmor_restrict_unprivileged_userns), by sysctl "
                   "kernel.unprivileged_userns_clone, in a chroot, or by a container's own filter; "
                   "sbx doctor says which";
      break;
    case ENOSPC:
      error.hint = "the limit of namespaces is reached: sysctl user.max_user_namespaces and its "
                   "siblings (0 forbids them); sbx inside sbx is refused this way too; see sbx doctor";
      break;
    case EUSERS:
      error.hint = "user namespaces are nested too deeply (32 levels)";
      break;
    case EINVAL:
    case ENOSYS:
      error.hint = "this kernel lacks a namespace that sbx needs: Linux 5.14 or later with "
                   "CONFIG_USER_NS, CONFIG_PID_NS, CONFIG_NET_NS, CONFIG_IPC_NS and CONFIG_UTS_NS";
      break;
    case EAGAIN:
      error.hint = "the limit of processes is reached (ulimit -u)";
      break;
    default:
      error.hint = "see sbx doctor";
      break;
  }
  return error;
}

}  // namespace sbx::launch
