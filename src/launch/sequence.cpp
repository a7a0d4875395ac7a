// SPDX-License-Identifier: Apache-2.0
// THE ORDER OF OPERATIONS of a launch. Read this first.
//
//   supervisor (sbx, outside)       init (pid 1 inside)               sandboxee (pid 2 inside)
//   ------------------------------  --------------------------------  -------------------------------
//   resolve, prepare: all opens
//   no_new_privs, Landlock scope
//   block all signals
//   leave root, if it is root
//   clone: user mount pid net ipc
//     uts cgroup namespaces  ─────► die with supervisor
//   confine itself: descriptors,    map ids
//     capabilities, seccomp         own session, loopback up
//   wait for a report               mounts private, build root,
//                                     pivot, old root gone
//                                   hostname, no nested namespaces,
//                                     low ports, seal root
//                                   drop capabilities
//                                   no_new_privs
//                                   a terminal of its own, if the
//                                     caller has one
//   take the terminal's master ◄─── report: it is fd N
//                                   clone, sharing memory and  ─────► own process group, in the
//                                     descriptor table                  terminal's foreground
//                                   asleep until exec (vfork)         limits, umask, directory
//                                        ·                            close descriptors at exec
//                                        ·                            MDWE, Landlock
//                                        ·                            signals to default
//   take the listener from init          ·                            seccomp filter, last
//   make ready to supervise              ·                            hide memory: waits for the
//   let that call by ───────────────────────────────────────────────►   supervisor
//   (exec_once: let one execve by)       ·                            execve ─────► the command runs
//                                   close every descriptor, seccomp
//   read "started"  ◄────────────── report "started"
//   supervise: one loop             reap, forward signals
//                                   write the wait status, end
//   pidfd readable: all is dead
//
// Without user namespaces (--allow-degraded userns) the same with the second pair of tables: no ids, no
// mounts, no network; init adopts what the command leaves behind, and kills it at the end, since no
// pid namespace does; Landlock handles reading as well.
//
// Why this order:
// - Ids first: without a mapping every file belongs to nobody and most calls are refused.
// - Capabilities and no_new_privs go before the fork, not after: so the sandboxee never coexists with
//   a more powerful process of its own uid, and both are checked by the same code.
// - Each later step can do with less: what needs CAP_SYS_ADMIN (mounts), CAP_NET_ADMIN (loopback,
//   ports) or CAP_SYS_RESOURCE (namespace limits) stands before DropCapabilities.
// - MDWE before the filter, which denies prctl under most policies; signals just before the
//   filter, since rt_sigprocmask may be denied after it.
// - After the filter one call before execve, known by a mark (plan::kLaunchMark): it waits until the
//   supervisor has the listener and everything else it needs. So nothing that can fail there is
//   left when the command begins. The call itself makes the memory that init and the sandboxee share
//   undumpable (prctl(2), PR_SET_DUMPABLE): nobody inside may look into /proc/1. It could not come
//   earlier, since pidfd_getfd(2) wants init dumpable, nor later, since init sleeps until exec.
#include "launch/sequence.h"

#include <array>

#include "launch/prepared.h"
#include "launch/steps.h"
#include "launch/trace.h"

namespace sbx::launch {
namespace {

constexpr std::array kInitSequence{
    // prctl(2) PR_SET_PDEATHSIG. First: from here on SIGKILL to the supervisor ends everything.
    ChildStep{Step::DieWithSupervisor, "tie the sandbox to its supervisor", die_with_supervisor},
    // user_namespaces(7): a process may map its own ids without any privilege once setgroups is denied.
    ChildStep{Step::MapIds, "map user and group ids", map_ids},
    // Before its cgroup namespace is made, whose root is the group that its maker is in.
    ChildStep{Step::JoinCgroup, "join the sandbox's cgroup", join_cgroup},
    // The caller's terminal controls nothing inside: nothing can be pushed into its input (TIOCSTI), and
    // its signals reach the command only once, by way of the supervisor.
    ChildStep{Step::OwnSession, "open a session of its own", own_session},
    // time_namespaces(7): clone(2) has no flag for it. Offsets can be set only while nobody is in it.
    ChildStep{Step::OwnClocks, "start clocks of its own", own_clocks},
    // Needs CAP_NET_ADMIN over the network namespace.
    ChildStep{Step::LoopbackUp, "bring the loopback interface up", loopback_up},
    // Before the first mount, or the host would see them (shared propagation is systemd's default).
    ChildStep{Step::MountsPrivate, "make all mounts private", mounts_private},
    ChildStep{Step::BuildRoot, "build the new root", build_root},
    // pivot_root(2) needs CAP_SYS_ADMIN. The old root is unreachable from here on.
    ChildStep{Step::PivotRoot, "pivot into the new root", pivot_root},
    ChildStep{Step::SetHostname, "set the hostname", set_hostname},
    // The limits of namespaces count for all below this one; verified by attempts.
    ChildStep{Step::ForbidNamespaces, "forbid nested namespaces", forbid_namespaces},
    // Own network namespace: any port may be bound without CAP_NET_BIND_SERVICE.
    ChildStep{Step::OpenLowPorts, "open low ports inside", open_low_ports},
    // After the last write to /proc/sys: procfs becomes read-only, and with it /proc/self/mem; or goes.
    ChildStep{Step::SealRoot, "make the new root read-only", seal_root},
    ChildStep{Step::DropCapabilities, "drop capabilities", drop_capabilities},
    // seccomp(2) wants it, and no setuid bit counts from here on.
    ChildStep{Step::SetNoNewPrivs, "set no_new_privs", set_no_new_privs},
    // On the finished root: the terminal is one of the sandbox's own /dev/pts, so that its name means
    // the same inside. From here on 0, 1 and 2 are no terminal of the caller's.
    ChildStep{Step::OpenTerminal, "open a terminal of its own", open_terminal},
    ChildStep{Step::ForkSandboxee, "start the command's process", fork_sandboxee},
};

constexpr std::array kSandboxeeSequence{
    // In init's session, so that the group is not orphaned and can be stopped (setpgid(2)).
    ChildStep{Step::OwnProcessGroup, "open a process group of its own", own_process_group},
    // As a shell does for its job: keys that mean signals then reach the sandboxee.
    ChildStep{Step::TakeForeground, "come to the terminal's foreground", take_foreground},
    ChildStep{Step::SetLimits, "set the resource limits", set_limits},
    // With the sandboxee's rights, after the capabilities are gone.
    ChildStep{Step::ChangeDirectory, "change to the working directory", change_directory},
    ChildStep{Step::CloseDescriptors, "close inherited descriptors", close_descriptors},
    // Survives execve (the mm flag is inherited, Linux 6.3).
    ChildStep{Step::RefuseExecGain, "refuse writable memory to become executable", refuse_exec_gain},
    // landlock(7) wants no_new_privs; paths are opened in the finished root.
    ChildStep{Step::RestrictPaths, "apply the Landlock ruleset", restrict_paths},
    ChildStep{Step::ResetSignals, "reset the signal mask", reset_signals},
    ChildStep{Step::InstallFilter, "install the system call filter", install_filter},
    ChildStep{Step::AwaitSupervisor, "hide the memory of init", await_supervisor},
    ChildStep{Step::Execute, "execute the command", execute},
};

// --allow-degraded userns.
constexpr std::array kInitOnHostTree{
    ChildStep{Step::DieWithSupervisor, "tie the sandbox to its supervisor", die_with_supervisor},
    // prctl(2) PR_SET_CHILD_SUBREAPER: no process of the command gets out of reach by losing its parent.
    ChildStep{Step::AdoptOrphans, "adopt the command's orphans", adopt_orphans},
    ChildStep{Step::OwnSession, "open a session of its own", own_session},
    // An ordinary user has none, but for what its login or its container gave it.
    ChildStep{Step::DropCapabilities, "drop capabilities", drop_own_capabilities},
    ChildStep{Step::SetNoNewPrivs, "set no_new_privs", set_no_new_privs},
    ChildStep{Step::OpenTerminal, "open a terminal of its own", open_terminal},
    ChildStep{Step::ForkSandboxee, "start the command's process", fork_sandboxee},
};

template <std::size_t N>
constexpr std::array<ChildStep, N + 1> after(const ChildStep& first, const std::array<ChildStep, N>& steps) {
  std::array<ChildStep, N + 1> all{};
  all[0] = first;
  for (std::size_t i = 0; i < N; ++i) {
    all[i + 1] = steps[i];
  }
  return all;
}

constexpr auto kSandboxeeOnHostTree =
    after(ChildStep{Step::DieWithInit, "tie the command to init", die_with_init}, kSandboxeeSequence);

template <std::size_t N>
constexpr bool in_order(const std::array<ChildStep, N>& steps, Step first) {
  for (std::size_t i = 1; i < N; ++i) {
    if (static_cast<int>(steps[i].step) <= static_cast<int>(steps[i - 1].step)) {
      return false;
    }
  }
  return steps[0].step == first;
}

template <std::size_t N>
constexpr bool has(const std::array<ChildStep, N>& steps, Step step) {
  for (const ChildStep& one : steps) {
    if (one.step == step) {
      return true;
    }
  }
  return false;
}

constexpr bool every_step_has_its_place() {
  for (std::size_t i = 0; i < kStepCount; ++i) {
    const auto step = static_cast<Step>(i);
    const bool full = has(kInitSequence, step) || has(kSandboxeeSequence, step);
    if (!full && !has(kInitOnHostTree, step) && !has(kSandboxeeOnHostTree, step)) {
      return false;
    }
  }
  return true;
}

constexpr bool precedes(Step a, Step b) { return static_cast<int>(a) < static_cast<int>(b); }

// The tables hold their steps once, in the order of the enumeration.
static_assert(in_order(kInitSequence, Step::DieWithSupervisor));
static_assert(in_order(kSandboxeeSequence, Step::OwnProcessGroup));
static_assert(in_order(kInitOnHostTree, Step::DieWithSupervisor));
static_assert(in_order(kSandboxeeOnHostTree, Step::DieWithInit));
static_assert(every_step_has_its_place());
// Two steps are of the second tables only.
static_assert(kInitSequence.size() + kSandboxeeSequence.size() + 2 == kStepCount);
// What must not be changed without breaking the confinement.
static_assert(precedes(Step::OwnSession, Step::OpenTerminal));
static_assert(precedes(Step::PivotRoot, Step::OpenTerminal));
static_assert(precedes(Step::OpenTerminal, Step::CloseDescriptors));
static_assert(precedes(Step::TakeForeground, Step::ResetSignals));
static_assert(precedes(Step::MountsPrivate, Step::BuildRoot));
static_assert(precedes(Step::PivotRoot, Step::DropCapabilities));
static_assert(precedes(Step::ForbidNamespaces, Step::SealRoot));
static_assert(precedes(Step::OpenLowPorts, Step::SealRoot));
static_assert(precedes(Step::SealRoot, Step::DropCapabilities));
static_assert(precedes(Step::DropCapabilities, Step::ForkSandboxee));
static_assert(precedes(Step::SetNoNewPrivs, Step::RestrictPaths));
static_assert(precedes(Step::SetNoNewPrivs, Step::InstallFilter));
static_assert(precedes(Step::CloseDescriptors, Step::InstallFilter));
static_assert(static_cast<int>(Step::InstallFilter) + 1 == static_cast<int>(Step::AwaitSupervisor));
static_assert(static_cast<int>(Step::AwaitSupervisor) + 1 == static_cast<int>(Step::Execute));

}  // namespace

std::span<const ChildStep> init_sequence(const plan::LaunchPlan& plan) {
  return plan.on_host_tree ? std::span<const ChildStep>(kInitOnHostTree) : kInitSequence;
}

std::span<const ChildStep> sandboxee_sequence(const plan::LaunchPlan& plan) {
  return plan.on_host_tree ? std::span<const ChildStep>(kSandboxeeOnHostTree) : kSandboxeeSequence;
}

std::string_view name_of(Step step) {
  for (const std::span<const ChildStep> table :
       {std::span<const ChildStep>(kInitSequence), std::span<const ChildStep>(kSandboxeeSequence),
        std::span<const ChildStep>(kInitOnHostTree), std::span<const ChildStep>(kSandboxeeOnHostTree)}) {
    for (const ChildStep& entry : table) {
      if (entry.step == step) {
        return entry.name;
      }
    }
  }
  return "";
}

StepResult run_steps(std::span<const ChildStep> steps, const PreparedLaunch& prepared,
                     ChildState& state, Step* failed) noexcept {
  for (const ChildStep& step : steps) {
    const StepResult result = step.run(prepared, state);
    if (result.errno_value != 0) {
      *failed = step.step;
      return result;
    }
    mark(prepared.trace, step.step);
  }
  return {};
}

}  // namespace sbx::launch
