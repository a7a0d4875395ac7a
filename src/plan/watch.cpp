// SPDX-License-Identifier: Apache-2.0
#include "plan/watch.h"

#include <fmt/format.h>

#include "base/path.h"
#include "base/text.h"
#include "plan/access.h"
#include "seccomp/compile.h"
#include "seccomp/syscall_table.h"

namespace sbx::plan {
namespace {

using Kind = Access::Kind;

constexpr int kAbiWithPorts = 4;  // Landlock's of Linux 6.7

constexpr WatchedCall kCalls[] = {
    {"open", -1, 0, Want::Flags, 1},   {"openat", 0, 1, Want::Flags, 2},
    {"openat2", 0, 1, Want::Flags, 2}, {"creat", -1, 0, Want::Make},
    {"stat", -1, 0, Want::Look},       {"lstat", -1, 0, Want::Look},
    {"newfstatat", 0, 1, Want::Look},  {"statx", 0, 1, Want::Look},
    {"access", -1, 0, Want::Look},     {"faccessat", 0, 1, Want::Look},
    {"faccessat2", 0, 1, Want::Look},  {"readlink", -1, 0, Want::Look},
    {"readlinkat", 0, 1, Want::Look},  {"chdir", -1, 0, Want::Look},
    {"execve", -1, 0, Want::Execute},  {"execveat", 0, 1, Want::Execute},
    {"mkdir", -1, 0, Want::Make},      {"mkdirat", 0, 1, Want::Make},
    {"mknod", -1, 0, Want::Make},      {"mknodat", 0, 1, Want::Make},
    {"symlink", -1, 1, Want::Make},    {"symlinkat", 1, 2, Want::Make},
    {"link", -1, 1, Want::Make},       {"linkat", 2, 3, Want::Make},
    {"unlink", -1, 0, Want::Write},    {"unlinkat", 0, 1, Want::Write},
    {"rmdir", -1, 0, Want::Write},     {"rename", -1, 1, Want::Make},
    {"renameat", 2, 3, Want::Make},    {"renameat2", 2, 3, Want::Make},
    {"truncate", -1, 0, Want::Write},  {"chmod", -1, 0, Want::Write},
    {"fchmodat", 0, 1, Want::Write},   {"fchmodat2", 0, 1, Want::Write},
    {"utimensat", 0, 1, Want::Write},  {"connect", -1, 1, Want::Connect},
    {"bind", -1, 1, Want::Bind},       {"sendto", -1, 4, Want::Connect},
    {"sendmsg", -1, 1, Want::Connect}, {"sendmmsg", -1, 1, Want::Connect},
};

Refusal refusal(const Access& access, const std::string& place, std::string answer,
                std::string rule) {
  Refusal refusal;
  refusal.object = place;
  refusal.answer = std::move(answer);
  refusal.rule = std::move(rule);
  refusal.origin = access.op == nullptr ? Origin{} : access.op->origin;
  return refusal;
}

seccomp::Remedy grant(std::string_view option, std::string_view key, const std::string& place) {
  seccomp::Remedy remedy;
  remedy.option = fmt::format("{} {}", option, place);
  remedy.key = key;
  remedy.value = quote(place);
  remedy.is_list = true;
  return remedy;
}

seccomp::Remedy granting(Want want, const std::string& place, const HostLook& host) {
  if (host.is_device) {
    return {.option = {},
            .key = {},
            .value = {},
            .is_list = false,
            .advice = "devices are what filesystem.dev and [desktop] give",
            .warning = {}};
  }
  const bool writes = want == Want::Write || want == Want::Make;
  return writes ? grant("--rw", "filesystem.write", place)
                : grant("--ro", "filesystem.read", place);
}

bool would_do(Want want, const HostLook& host) {
  return host.there && (want == Want::Read      ? host.readable
                        : want == Want::Execute ? host.executable
                        : want == Want::Write   ? host.writable
                                                : true);
}

// It is not there inside; on the host it is.
std::optional<Refusal> hidden(const Access& access, const std::string& place, Want want,
                              const HostLooker& host) {
  if (access.kind == Kind::Host || access.kind == Kind::System) {
    return std::nullopt;  // the same directory, or the sandbox's own: missing here as there
  }
  const HostLook found = host(place);
  if (!would_do(want, found)) {
    return std::nullopt;
  }
  Refusal refused =
      refusal(access, place, "ENOENT",
              access.kind == Kind::Hidden ? "filesystem.hide: something empty covers it"
                                          : "the host has it, and nothing in filesystem shows it");
  refused.remedy = granting(want, place, found);
  if (access.kind == Kind::Hidden) {
    refused.remedy = {.option = {},
                      .key = {},
                      .value = {},
                      .is_list = false,
                      .advice = "take it out of what hides it",
                      .warning = {}};
  }
  return refused;
}

// It cannot be written to (or, for a directory, in) because of its mount or Landlock.
std::optional<Refusal> unwritable(const LaunchPlan& plan, const std::string& place,
                                  const HostLooker& host) {
  const Access access = access_at(plan, place);
  if (access.write || access.kind == Kind::System) {
    return std::nullopt;
  }
  const HostLook found = host(access.kind == Kind::Host ? access.host_path : place);
  if (!found.there || !found.writable) {
    return std::nullopt;
  }
  Refusal refused = refusal(access, place, access.landlock_decides ? "EACCES" : "EROFS",
                            fmt::format("{}{}", to_text(access, place),
                                        access.landlock_decides ? ", says Landlock" : ""));
  refused.remedy = granting(Want::Write, place, found);
  return refused;
}

std::optional<Refusal> not_executable(const LaunchPlan& plan, const std::string& place,
                                      const HostLooker& host) {
  const Access access = access_at(plan, place);
  if (access.execute || access.kind == Kind::System) {
    return std::nullopt;
  }
  if (access.kind == Kind::Host && !host(access.host_path).executable) {
    return std::nullopt;
  }
  Refusal refused = refusal(access, place, "EACCES", to_text(access, place));
  refused.remedy = access.write ? seccomp::Remedy{.option = {},
                                                  .key = {},
                                                  .value = {},
                                                  .is_list = false,
                                                  .advice =
                                                      "nothing that can be written can be "
                                                      "executed; show it with filesystem.read",
                                                  .warning = {}}
                                : grant("--exec", "filesystem.exec", place);
  return refused;
}

void watch_rules(const WatchedCall& call, std::vector<seccomp::Rule>& rules) {
  std::vector<seccomp::Rule> watched;
  for (seccomp::Rule& rule : rules) {
    if (rule.action.verdict == seccomp::Verdict::Allow) {
      seccomp::Rule seen = rule;
      seen.action = {seccomp::Verdict::Notify, 0};
      seen.mediation = seccomp::Mediation::Watch;
      if (call.name != "sendto") {
        watched.push_back(std::move(seen));
        continue;
      }
      // send(3) is a sendto without an address: what is connected was looked at as it connected.
      seccomp::Condition named;
      named.kind = seccomp::Condition::Kind::Test;
      named.test.argument = 4;
      named.test.compare = seccomp::Compare::NotEqual;  // with 0
      if (seen.condition.kind == seccomp::Condition::Kind::Always) {
        seen.condition = std::move(named);
      } else {
        seen.condition = {
            seccomp::Condition::Kind::And, {}, {std::move(seen.condition), std::move(named)}};
      }
      watched.push_back(std::move(seen));
    }
    watched.push_back(std::move(rule));
  }
  rules = std::move(watched);
}

}  // namespace

std::span<const WatchedCall> watched_calls() {
  return kCalls;
}

Status watch_accesses(const policy::Policy& policy, LaunchPlan& plan) {
  if (!plan.listens) {
    return Error{.action = "--explain needs the supervisor, which cannot be asked here",
                 .hint = "leave out --allow-degraded, or ask sbx explain about one path at a time"};
  }
  for (const WatchedCall& call : kCalls) {
    const auto number = seccomp::number_of(plan.filter.arch, call.name);
    const auto rules = number ? plan.filter.calls.find(*number) : plan.filter.calls.end();
    if (rules != plan.filter.calls.end()) {
      watch_rules(call, rules->second);
    }
  }
  seccomp_data execve{};
  execve.arch = seccomp::audit_arch(plan.filter.arch);
  execve.nr = seccomp::number_of(plan.filter.arch, "execve").value_or(-1);
  // The launch lets its own execve by, which waits now.
  plan.exec_once =
      seccomp::evaluate(plan.filter, execve).action.verdict == seccomp::Verdict::Notify;
  plan.watch = {true, "network.mode = " + policy.network_mode.value, policy.network_mode.origin};
  auto program = seccomp::compile(plan.filter);
  if (!program) {
    return std::move(program).error();
  }
  plan.filter_program = *std::move(program);
  return seccomp::verify(plan.filter, plan.filter_program);
}

std::optional<Refusal> refused_path(const LaunchPlan& plan, const PathLook& look, Want want,
                                    const HostLooker& host) {
  const Access access = access_at(plan, look.place);
  if (look.there) {
    if (access.kind == Kind::Hidden && want != Want::Look) {
      const HostLook found = host(look.place);
      if (!would_do(want == Want::Make ? Want::Write : want, found)) {
        return std::nullopt;
      }
      Refusal refused =
          refusal(access, look.place, "EACCES", "filesystem.hide: something empty covers it");
      refused.remedy.advice = "take it out of what hides it";
      return refused;
    }
    return want == Want::Execute                       ? not_executable(plan, look.place, host)
           : want == Want::Write || want == Want::Make ? unwritable(plan, look.place, host)
                                                       : std::nullopt;
  }
  if (want != Want::Make) {
    return hidden(access, look.place, want, host);
  }
  const std::string parent(path::parent(look.place));
  return look.parent_there ? unwritable(plan, parent, host)
                           : hidden(access_at(plan, parent), parent, Want::Write, host);
}

std::optional<Refusal> refused_socket(const LaunchPlan& plan, const PathLook& look,
                                      const HostLooker& host) {
  if (look.there || decide_unix(plan.connect, look.place) != nullptr) {
    return std::nullopt;
  }
  auto refused = hidden(access_at(plan, look.place), look.place, Want::Write, host);
  if (refused) {
    refused->remedy = grant("--connect", "network.connect", "unix:" + look.place);
  }
  return refused;
}

std::optional<Refusal> refused_address(const LaunchPlan& plan, const Destination& place,
                                       bool binds) {
  if (!plan.own_network) {
    return std::nullopt;
  }
  const Destination reached = binds ? place : reached_by(place);
  const auto& ports = binds ? plan.landlock.tcp_bind : plan.landlock.tcp_connect;
  const bool by_landlock = place.transport == Transport::Tcp && ports && ports->empty() &&
                           plan.landlock.abi >= kAbiWithPorts;
  const bool out_of_reach = !binds && !(plan.loopback && is_loopback(reached)) &&
                            decide_connect(plan.connect, reached) == nullptr;
  if (!by_landlock && !out_of_reach) {
    return std::nullopt;
  }
  Refusal refused;
  refused.object = to_text(reached);
  refused.answer = by_landlock ? "EACCES" : "ENETUNREACH";
  refused.rule = plan.watch.network;
  refused.origin = plan.watch.network_origin;
  refused.is_network = true;
  if (binds) {
    refused.remedy.option = "--net private";
    refused.remedy.key = "network.mode";
    refused.remedy.value = quote("private");
    return refused;
  }
  refused.remedy = grant("--connect", "network.connect", to_text(reached));
  if (!plan.loopback) {
    refused.remedy.option = "--net private " + refused.remedy.option;
    refused.remedy.advice = "with network.mode = \"private\"";
  }
  return refused;
}

}  // namespace sbx::plan
