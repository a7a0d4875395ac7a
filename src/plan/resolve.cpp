// SPDX-License-Identifier: Apache-2.0
#include "plan/resolve.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>

#include "base/path.h"
#include "base/text.h"
#include "plan/expand.h"
#include "plan/on_host_tree.h"
#include "plan/view.h"
#include "seccomp/compile.h"
#include "seccomp/syscall_table.h"

namespace sbx::plan {
namespace {

// Programs of daemons lie where an ordinary user's PATH does not look.
constexpr std::array<std::string_view, 3> kSystemPath{"/usr/local/sbin", "/usr/sbin", "/sbin"};

std::string variable(const std::vector<std::string>& environment, std::string_view name) {
  for (const std::string& entry : environment) {
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
      return entry.substr(name.size() + 1);
    }
  }
  return "";
}

// A program that the host has at `candidate`, as the path inside that starts it.
struct Found {
  bool on_host = false;
  bool executable = false;
  std::string inside;      // empty: not visible inside
  int errno_value = 0;
};

Found find_program(const std::string& candidate, const LaunchPlan& plan, const Probes& probes) {
  Found found;
  // The plan may show the path by other means than the host's own name for it (at = …).
  const Seen seen = look(plan.mounts, candidate);
  const PathFacts facts =
      probes.path(seen.kind == Seen::Kind::Host ? seen.host_path : candidate);
  found.errno_value = facts.errno_value;
  if (facts.kind != PathFacts::Kind::File) {
    return found;
  }
  found.on_host = true;
  found.executable = facts.executable;
  if (seen.kind == Seen::Kind::Host) {
    // Links of the host within a bind must end in something visible; else start what they end in.
    const auto target = inside_path_of(plan.mounts, facts.canonical);
    found.inside = target ? candidate : "";
  } else if (const auto inside = inside_path_of(plan.mounts, facts.canonical)) {
    found.inside = *inside;
  }
  return found;
}

Error not_found(const std::string& name) {
  return Error{"cannot find the program " + quote(name), ENOENT, {},
               "is it installed, and spelled so? sbx looks in PATH and in the sbin directories",
               ExitCode::NotFound};
}

Error not_visible(const std::string& name, const std::string& host_path) {
  return Error{fmt::format("the program {} is not visible inside the sandbox", quote(name)), 0, {},
               fmt::format("grant it: --ro {}", host_path), ExitCode::NotFound};
}

Status resolve_program(const std::string& name, const HostFacts& facts, const Probes& probes,
                       LaunchPlan& plan) {
  std::vector<std::string> candidates;
  if (name.find('/') != std::string::npos) {
    candidates.push_back(path::normalise(name, facts.cwd));
  } else {
    for (const std::string& directory : split(variable(plan.environment, "PATH"), ':')) {
      // An empty or relative entry would mean "wherever I stand".
      if (path::is_absolute(directory)) {
        candidates.push_back(path::join(path::normalise(directory), name));
      }
    }
    for (const std::string_view directory : kSystemPath) {
      candidates.push_back(path::join(directory, name));
    }
  }
  std::string hidden, not_executable;
  if (name.find('/') != std::string::npos &&
      probes.path(candidates.front()).kind == PathFacts::Kind::Directory) {
    return Error{"cannot execute " + candidates.front(), EISDIR, {}, "name a program",
                 ExitCode::CannotExecute};
  }
  for (const std::string& candidate : candidates) {
    const Found found = find_program(candidate, plan, probes);
    if (!found.on_host) {
      continue;
    }
    if (!found.executable) {
      not_executable = candidate;
    } else if (found.inside.empty()) {
      hidden = hidden.empty() ? candidate : hidden;
    } else {
      plan.program = found.inside;
      return {};
    }
  }
  if (!hidden.empty()) {
    return not_visible(name, hidden);
  }
  if (!not_executable.empty()) {
    return Error{"cannot execute " + not_executable, EACCES, {}, "it lacks execute permission (chmod +x)",
                 ExitCode::CannotExecute};
  }
  return not_found(name);
}

// What the kernel would only say as EACCES, or not at all.
Status check_program(const policy::Policy& policy, const Probes& probes, const LaunchPlan& plan) {
  const PathFacts found = probes.path(look(plan.mounts, plan.program).host_path);
  const auto inside = inside_path_of(plan.mounts, found.canonical);
  if (!policy.exec.empty() && !(inside && look(plan.mounts, *inside).executable)) {
    return Error{fmt::format("the policy does not let {} be executed", plan.program), 0,
                 policy.exec.front().entry.origin, "add it: filesystem.exec = [" + quote(found.canonical) + "]",
                 ExitCode::CannotExecute};
  }
  // The kernel makes such a stack whatever the filter and MDWE say (setup_arg_pages, exec.c).
  if (policy.wx.value == "deny" && probes.program(found.canonical).executable_stack) {
    return Error{fmt::format("{} asks for an executable stack, which memory.wx = \"deny\" forbids", plan.program),
                 0, policy.wx.origin,
                 "clear the mark in the file (execstack -c, patchelf --clear-execstack) if it is not "
                 "needed; else memory.wx = \"allow\"",
                 ExitCode::CannotExecute};
  }
  return {};
}

bool is_visible_directory(const std::string& directory, const LaunchPlan& plan, const Probes& probes) {
  const Seen seen = look(plan.mounts, directory);
  return seen.kind == Seen::Kind::Own ||
         (seen.kind == Seen::Kind::Host &&
          probes.path(seen.host_path).kind == PathFacts::Kind::Directory);
}

Status resolve_directory(const policy::Policy& policy, const HostFacts& facts, const Probes& probes,
                         LaunchPlan& plan) {
  if (!policy.workdir.value.empty()) {
    plan.cwd = path::normalise(policy.workdir.value, facts.cwd);
    if (!is_visible_directory(plan.cwd, plan, probes)) {
      return Error{fmt::format("the working directory {} is not visible inside", plan.cwd), 0,
                   policy.workdir.origin, fmt::format("grant it: --ro {0} or --rw {0}", plan.cwd)};
    }
    return {};
  }
  const std::string home = variable(plan.environment, "HOME");
  plan.cwd = is_visible_directory(facts.cwd, plan, probes) ? facts.cwd
             : is_visible_directory(home, plan, probes)    ? home
                                                           : "/";
  return {};
}

Status resolve_filter(const policy::Policy& policy, const HostFacts& facts, LaunchPlan& plan) {
  auto filter = expand_filter(policy, facts);
  if (!filter) {
    return filter.error();
  }
  plan.filter = std::move(*filter);
  seccomp_data execve{};
  execve.arch = seccomp::audit_arch(facts.arch);
  execve.nr = seccomp::number_of(facts.arch, "execve").value_or(-1);
  plan.exec_once =
      seccomp::evaluate(plan.filter, execve).action.verdict != seccomp::Verdict::Allow;
  if (!facts.has_listener) {
    SBX_TRY(do_without_listener(plan));
  }
  auto program = seccomp::compile(plan.filter);
  if (!program) {
    return program.error();
  }
  plan.filter_program = std::move(*program);
  return seccomp::verify(plan.filter, plan.filter_program);
}

OnViolation on_violation_of(const std::string& word) {
  return word == "kill" ? OnViolation::Kill : word == "log" ? OnViolation::Log : OnViolation::Errno;
}

// A program named by its path is granted by that: nobody means to run what is not there. Only the
// one file, read-only.
Result<std::vector<MountOp>> resolve_mounts(const policy::Policy& policy, const Request& request,
                                            const Identity& identity, const HostFacts& facts,
                                            const Probes& probes) {
  auto mounts = expand_filesystem(policy, identity, facts, probes);
  const bool by_path = !request.command.empty() && request.command.front().find('/') != std::string::npos;
  if (!mounts || !by_path) {
    return mounts;
  }
  const std::string program = path::normalise(request.command.front(), facts.cwd);
  const PathFacts found = probes.path(program);
  if (look(*mounts, program).kind == Seen::Kind::Host || found.kind != PathFacts::Kind::File ||
      !found.executable || inside_path_of(*mounts, found.canonical)) {
    return mounts;
  }
  policy::Policy with_program = policy;
  constexpr int kAfterAllLayers = 1 << 20;
  with_program.read.push_back({{program, "", false, {"the command itself", 0, 0}}, kAfterAllLayers});
  return expand_filesystem(with_program, identity, facts, probes);
}

Result<LaunchPlan> resolve_granted(const policy::Policy& policy, const Request& request,
                                   const HostFacts& facts, const Probes& probes) {
  LaunchPlan plan;
  plan.policy_name = policy.name;
  plan.policy_sources = policy.sources;
  plan.keep_fds = request.keep_fds;
  plan.own_network = policy.network_mode.value != "host";
  plan.loopback = policy.network_mode.value == "private";
  plan.hostname = policy.hostname.value;
  plan.openings = expand_openings(policy);
  plan.on_violation = on_violation_of(policy.on_violation.value);
  auto reporting = expand_report(policy);
  if (!reporting) {
    return reporting.error();
  }
  plan.reporting = std::move(*reporting);
  plan.wait_killable = facts.has_wait_killable;
  // Where the kernel has it (Linux 6.3); the filter's W^X rules stand on their own.
  plan.mdwe = policy.wx.value == "deny" && facts.has_mdwe;

  auto identity = expand_identity(policy, facts, probes);
  if (!identity) {
    return identity.error();
  }
  plan.identity = std::move(*identity);
  auto mounts = resolve_mounts(policy, request, plan.identity, facts, probes);
  if (!mounts) {
    return mounts.error();
  }
  plan.mounts = std::move(*mounts);
  auto held = expand_own_files(request.own_paths, plan.mounts, probes);
  if (!held) {
    return held.error();
  }
  plan.mounts.insert(plan.mounts.end(), held->begin(), held->end());
  auto namespaces = expand_namespaces(policy);
  if (!namespaces) {
    return namespaces.error();
  }
  plan.namespaces = std::move(*namespaces);
  plan.capabilities = expand_capabilities(policy);
  auto landlock = expand_landlock(plan.mounts, plan.namespaces, policy, request, facts);
  if (!landlock) {
    return landlock.error();
  }
  plan.landlock = std::move(*landlock);
  if (plan.landlock.abi == 0) {
    plan.degraded.push_back("landlock");
  } else if (static_cast<std::uint64_t>(plan.landlock.abi) < policy.landlock_abi.value) {
    plan.degraded.push_back(fmt::format("Landlock ABI {}", policy.landlock_abi.value));
  }
  auto publish = expand_publish(policy);
  if (!publish) {
    return publish.error();
  }
  plan.publish = std::move(*publish);
  auto terminal = expand_terminal(policy, facts);
  if (!terminal) {
    return terminal.error();
  }
  plan.terminal = std::move(*terminal);
  auto connect = expand_connect(policy, facts);
  if (!connect) {
    return connect.error();
  }
  plan.connect = std::move(*connect);
  auto bind = expand_bind(policy);
  if (!bind) {
    return bind.error();
  }
  plan.bind = std::move(*bind);
  auto limits = expand_limits(policy);
  if (!limits) {
    return limits.error();
  }
  plan.limits = std::move(*limits);
  auto cgroup =
      expand_cgroup(policy, plan.identity, request, probes, plan.limits, plan.degraded);
  if (!cgroup) {
    return cgroup.error();
  }
  plan.cgroup = std::move(*cgroup);
  if (const auto time = policy.limits.find(policy::Key::LimitsTime); time != policy.limits.end()) {
    plan.time_limit_seconds = time->second.value;
    plan.time_limit_origin = time->second.origin;
  }
  SBX_TRY(resolve_filter(policy, facts, plan));

  plan.environment = expand_environment(policy, plan.identity, facts);
  SBX_TRY(resolve_directory(policy, facts, probes, plan));
  plan.argv = request.command;
  if (request.command.size() == 1) {
    for (const policy::Text& argument : policy.args) {
      plan.argv.push_back(argument.value);
    }
  }
  if (!request.command.empty()) {
    SBX_TRY(resolve_program(request.command.front(), facts, probes, plan));
    SBX_TRY(check_program(policy, probes, plan));
  }
  if (!facts.has_namespaces) {
    SBX_TRY(move_to_host_tree(policy, facts, probes, plan));
  }
  return plan;
}

}  // namespace

Result<LaunchPlan> resolve(const policy::Policy& policy, const Request& request,
                           const HostFacts& facts, const Probes& probes) {
  if (policy.desktop.empty()) {
    return resolve_granted(policy, request, facts, probes);
  }
  const auto granted = expand_desktop(policy, facts, probes);
  return granted ? resolve_granted(*granted, request, facts, probes) : granted.error();
}

}  // namespace sbx::plan
