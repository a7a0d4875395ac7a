// SPDX-License-Identifier: Apache-2.0
#include "plan/observe.h"

#include <fcntl.h>

#include <catch2/catch.hpp>

#include "plan/expand.h"
#include "policy/merge.h"
#include "seccomp/compile.h"
#include "seccomp/syscall_table.h"

using namespace sbx;

namespace {

plan::LaunchPlan plan_of(const std::vector<std::string>& allowed, plan::Watching watching,
                         plan::Granted granted = plan::Granted::ToSupervisor) {
  policy::PolicyLayer layer;
  std::vector<policy::Text> names;
  for (const std::string& name : allowed) {
    names.push_back({name, {}});
  }
  layer.values[policy::Key::SeccompAllow] = names;
  const auto merged = policy::merge({plan::unnamed_calls(), layer});
  REQUIRE(merged);
  plan::LaunchPlan plan;
  auto filter = plan::expand_filter(*merged, plan::HostFacts{});
  REQUIRE(filter);
  plan.filter = *std::move(filter);
  REQUIRE(plan::observe(plan, watching, granted));
  return plan;
}

seccomp::Rule rule_for(const plan::LaunchPlan& plan, std::string_view call,
                       std::array<std::uint64_t, 6> arguments = {}) {
  seccomp_data data{};
  data.arch = seccomp::audit_arch(plan.filter.arch);
  data.nr = *seccomp::number_of(plan.filter.arch, call);
  std::copy(arguments.begin(), arguments.end(), std::begin(data.args));
  return seccomp::evaluate(plan.filter, data);
}

constexpr auto kHere = static_cast<std::uint64_t>(AT_FDCWD);

}  // namespace

TEST_CASE("observe: everyday calls keep their speed, others are recorded") {
  const auto plan = plan_of({"@loader", "@basic-io", "getuid"}, plan::Watching::Notable);
  CHECK(rule_for(plan, "read").action.verdict == seccomp::Verdict::Allow);
  CHECK(rule_for(plan, "futex").action.verdict == seccomp::Verdict::Allow);
  CHECK(rule_for(plan, "getuid").mediation == seccomp::Mediation::Observe);
  CHECK(rule_for(plan, "newfstatat", {5}).action.verdict == seccomp::Verdict::Allow);
  CHECK(rule_for(plan, "newfstatat", {kHere}).mediation == seccomp::Mediation::Observe);
  CHECK(rule_for(plan, "openat", {5, 0, O_DIRECTORY}).action.verdict == seccomp::Verdict::Allow);
  CHECK(rule_for(plan, "openat", {5, 0, O_RDONLY}).mediation == seccomp::Mediation::Observe);
  CHECK(rule_for(plan, "openat", {5, 0, O_DIRECTORY | O_PATH}).mediation == seccomp::Mediation::Observe);
  CHECK(rule_for(plan, "openat", {5, 0, O_TMPFILE | O_RDWR}).mediation == seccomp::Mediation::Observe);
  CHECK(rule_for(plan, "exit_group").mediation == seccomp::Mediation::Observe);
  CHECK(plan.exec_once);
}

TEST_CASE("observe: where the kernel counts, the supervisor hears only of what the policy lacks") {
  const auto plan = plan_of({"@loader", "@basic-io", "getuid"}, plan::Watching::Exact, plan::Granted::Elsewhere);
  CHECK(rule_for(plan, "read").action.verdict == seccomp::Verdict::Allow);
  CHECK(rule_for(plan, "getuid").action.verdict == seccomp::Verdict::Allow);
  CHECK(rule_for(plan, "newfstatat", {kHere}).action.verdict == seccomp::Verdict::Allow);
  CHECK(rule_for(plan, "msgget").mediation == seccomp::Mediation::ObserveLacking);
  CHECK(rule_for(plan, "ptrace").mediation == seccomp::Mediation::Deny);
}

TEST_CASE("observe: exact records everything") {
  const auto plan = plan_of({"@loader", "@basic-io"}, plan::Watching::Exact);
  for (const char* call : {"read", "futex", "mmap", "rt_sigreturn", "clock_gettime"}) {
    CAPTURE(call);
    CHECK(rule_for(plan, call).mediation == seccomp::Mediation::Observe);
  }
}

TEST_CASE("observe: what the policy has no word for runs; what is dangerous, or sbx's own rule, does not") {
  const auto plan = plan_of({"@loader", "clone"}, plan::Watching::Notable);
  CHECK(rule_for(plan, "getuid").mediation == seccomp::Mediation::ObserveLacking);
  for (const char* call : {"ptrace", "bpf", "mount", "keyctl", "io_uring_setup", "setns", "unshare"}) {
    CAPTURE(call);
    const seccomp::Rule rule = rule_for(plan, call);
    CHECK(rule.action.verdict == seccomp::Verdict::Notify);
    CHECK(rule.mediation == seccomp::Mediation::Deny);
  }
  // W^X, nested namespaces, clone3, set-id bits, the terminal.
  CHECK(rule_for(plan, "mmap", {0, 4096, 6, 0x22}).purpose == seccomp::Purpose::WriteExec);
  CHECK(rule_for(plan, "mprotect", {0, 4096, 4}).mediation == seccomp::Mediation::Deny);
  CHECK(rule_for(plan, "clone", {0x1000'0000}).mediation == seccomp::Mediation::Deny);
  CHECK(rule_for(plan, "clone3").action.verdict == seccomp::Verdict::Errno);
  CHECK(rule_for(plan, "ioctl", {0, 0x5412}).mediation == seccomp::Mediation::Deny);
  CHECK(rule_for(plan, "shmat", {0, 0, 0100000}).mediation == seccomp::Mediation::Deny);
  CHECK(rule_for(plan, "personality", {0x40'0000}).mediation == seccomp::Mediation::Deny);
  CHECK(rule_for(plan, "memfd_create").mediation == seccomp::Mediation::Deny);
}

TEST_CASE("observe: sbx's own rules hold for calls that the policy lacks") {
  const auto plan = plan_of({}, plan::Watching::Notable);
  CHECK(rule_for(plan, "clone", {0x1000'0000}).purpose == seccomp::Purpose::Namespaces);
  CHECK(rule_for(plan, "clone", {17}).mediation == seccomp::Mediation::ObserveLacking);
  CHECK(rule_for(plan, "mprotect", {0, 4096, 4}).purpose == seccomp::Purpose::WriteExec);
}

TEST_CASE("observe: the filter that is loaded says the same") {
  for (const auto watching : {plan::Watching::Notable, plan::Watching::Exact}) {
    const auto plan = plan_of({"@system-service"}, watching);
    CHECK(seccomp::verify(plan.filter, plan.filter_program));
  }
}
