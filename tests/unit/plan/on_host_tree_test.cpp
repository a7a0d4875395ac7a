// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <algorithm>
#include <string>

#include "fake_host.h"
#include "plan/on_host_tree.h"
#include "plan/print.h"
#include "plan/resolve.h"
#include "policy/merge.h"
#include "policy/toml_reader.h"
#include "seccomp/compile.h"
#include "seccomp/syscall_table.h"

using namespace sbx;

namespace {

plan::HostFacts host() {
  plan::HostFacts facts;
  facts.uid = facts.gid = 1000;
  facts.user_name = "u";
  facts.home = "/home/u";
  facts.cwd = "/home/u";
  facts.environment = {{"PATH", "/usr/bin"}};
  facts.landlock_abi = 6;
  facts.has_namespaces = false;
  return facts;
}

const std::string kBase =
    "schema = 1\nfilesystem.read = [\"/usr\"]\nfilesystem.tmpfs = [\"/tmp\"]\n"
    "filesystem.home = \"private\"\n"
    "seccomp.allow = [\"execve\", \"prctl\", \"clone\", \"socket\", \"socketpair\", \"chmod\", \"read\","
    " \"utimensat\", \"prlimit64\", \"shmat\"]\n";

Result<plan::LaunchPlan> resolve(const std::string& more, const plan::HostFacts& facts = host()) {
  auto layer = policy::read_toml(kBase + more, "t.toml", "t");
  INFO((layer ? "" : to_text(layer.error())));
  REQUIRE(layer);
  auto policy = policy::merge({*layer});
  REQUIRE(policy);
  plan::FakeHost fake = plan::debian();
  fake.paths["/proc/self"] = plan::PathFacts::Kind::Directory;
  plan::Request request;
  request.command = {"/usr/bin/true"};
  return plan::resolve(*policy, request, facts, fake.probes());
}

const plan::LandlockRule* rule_of(const plan::LaunchPlan& plan, const std::string& path) {
  for (const plan::LandlockRule& rule : plan.landlock.rules) {
    if (rule.path == path) {
      return &rule;
    }
  }
  return nullptr;
}

seccomp::Verdict verdict(const plan::LaunchPlan& plan, const char* name, std::uint64_t first = 0,
                         std::uint64_t second = 0) {
  seccomp_data call{};
  call.arch = seccomp::audit_arch(plan.filter.arch);
  call.nr = seccomp::number_of(plan.filter.arch, name).value();
  call.args[0] = first;
  call.args[1] = second;
  return seccomp::evaluate(plan.filter, call).action.verdict;
}

bool has(const std::vector<std::string>& list, const std::string& entry) {
  return std::find(list.begin(), list.end(), entry) != list.end();
}

}  // namespace

TEST_CASE("on the host's tree: mounts become rights, home a private directory", "[degraded]") {
  const auto plan = resolve("filesystem.write = [\"/home/u/work\"]\n");
  INFO((plan ? "" : to_text(plan.error())));
  REQUIRE(plan);
  CHECK(plan->on_host_tree);
  CHECK(plan->mounts.empty());
  CHECK(plan->namespaces.own == 0);
  CHECK(plan->landlock.reads);
  CHECK(plan->landlock.tcp_bind == std::vector<std::uint16_t>{});
  REQUIRE(rule_of(*plan, "/usr") != nullptr);
  CHECK(*rule_of(*plan, "/usr") ==
        plan::LandlockRule{.path = "/usr", .execute = true, .write = false, .device_ioctl = false, .read = true});
  REQUIRE(rule_of(*plan, "/home/u/work") != nullptr);
  CHECK(*rule_of(*plan, "/home/u/work") ==
        plan::LandlockRule{.path = "/home/u/work", .execute = false, .write = true, .device_ioctl = false, .read = true});
  CHECK(rule_of(*plan, "/home/u") == nullptr);
  CHECK(rule_of(*plan, "/tmp") == nullptr);
  CHECK(rule_of(*plan, "/proc") == nullptr);
  CHECK(rule_of(*plan, "/proc/self") != nullptr);
  CHECK_FALSE(plan->scratch.empty());
  REQUIRE(rule_of(*plan, plan->scratch) != nullptr);
  CHECK_FALSE(rule_of(*plan, plan->scratch)->execute);
  CHECK(has(plan->environment, "HOME=" + plan->scratch));
  CHECK(has(plan->environment, "TMPDIR=" + plan->scratch));
  CHECK(has(plan->degraded, "userns"));
  const std::string text = plan::to_text(*plan);
  CHECK_THAT(text, Catch::Contains("WITHOUT userns"));
  for (const std::string_view loss : plan::losses_on_host_tree()) {
    CHECK_THAT(text, Catch::Contains("lost: " + std::string(loss)));
  }
}

TEST_CASE("on the host's tree: the filter closes what the namespaces kept apart", "[degraded]") {
  const auto lost = resolve("");
  auto facts = host();
  facts.has_namespaces = true;
  const auto whole = resolve("", facts);
  REQUIRE(lost);
  REQUIRE(whole);
  struct Row {
    const char* call;
    std::uint64_t first, second;
    bool stays;
  };
  const Row rows[] = {
      {"socket", 1, 1, false},     {"socket", 2, 1, false},  {"socketpair", 1, 2, false},
      {"socketpair", 1, 3, false}, {"socketpair", 1, 1, true}, {"chmod", 0, 0644, false},
      {"shmat", 0, 0, false},      {"prlimit64", 1, 0, false}, {"prlimit64", 0, 0, true},
      {"utimensat", 3, 1, false},  {"utimensat", 3, 0, true},  {"read", 0, 0, true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.call, row.first, row.second);
    CHECK(verdict(*whole, row.call, row.first, row.second) == seccomp::Verdict::Allow);
    CHECK((verdict(*lost, row.call, row.first, row.second) == seccomp::Verdict::Allow) == row.stays);
  }
  const auto with_network = resolve("network.mode = \"host\"\n");
  REQUIRE(with_network);
  CHECK(verdict(*with_network, "socket", 2, 1) == seccomp::Verdict::Allow);
  CHECK(with_network->landlock.tcp_bind != std::vector<std::uint16_t>{});
}

TEST_CASE("on the host's tree: what only a namespace gives is refused by its name", "[degraded]") {
  struct Row {
    const char* policy;
    const char* name;
  };
  const auto row = GENERATE(
      Row{"network.publish = [\"8080:80\"]\n", "network.publish"},
      Row{"identity.hostname = \"box\"\n", "identity.hostname"},
      Row{"identity.machine-id = \"random\"\n", "identity.machine-id"},
      Row{"identity.user = \"root\"\n", "uid 0"},
      Row{"capabilities.keep = [\"CAP_NET_RAW\"]\n", "capabilities.keep"},
      Row{"namespaces.time = true\n", "namespaces.time"},
      Row{"memory.wx = \"allow\"\nnamespaces.nested = [\"user\"]\n", "namespaces.nested"},
      Row{"filesystem.hide = [\"/usr/share\"]\n", "/usr/share"},
      Row{"filesystem.create = [\"/opt/x\"]\n", "/opt/x"},
      Row{"filesystem.write = [{ path = \"/srv/www\", at = \"/var/www\" }]\n", "/var/www"});
  CAPTURE(row.policy);
  const auto plan = resolve(row.policy);
  REQUIRE_FALSE(plan);
  CHECK_THAT(plan.error().action, Catch::Contains(row.name));
  CHECK(plan.error().origin.line > 0);

  auto facts = host();
  facts.landlock_abi = 2;
  const auto old_kernel = resolve("", facts);
  REQUIRE_FALSE(old_kernel);
  CHECK_THAT(old_kernel.error().action, Catch::Contains("Landlock ABI 3"));
  facts = host();
  facts.uid = 0;
  facts.user_name = "root";
  CHECK(resolve("", facts));  // it becomes an ordinary user first
}

TEST_CASE("without a listener the kernel answers alone", "[degraded]") {
  auto facts = host();
  facts.has_namespaces = true;
  facts.has_listener = false;
  const auto plan = resolve("seccomp.deny = [\"getpid\"]\n", facts);
  INFO((plan ? "" : to_text(plan.error())));
  REQUIRE(plan);
  CHECK_FALSE(plan->listens);
  CHECK(has(plan->degraded, "notify"));
  for (const auto& [number, rules] : plan->filter.calls) {
    for (const seccomp::Rule& rule : rules) {
      CAPTURE(number, rule.text);
      CHECK(rule.action.verdict != seccomp::Verdict::Notify);
    }
  }
  CHECK(verdict(*plan, "getpid") == seccomp::Verdict::Errno);
  CHECK(verdict(*plan, "mount") == seccomp::Verdict::Errno);
  CHECK(verdict(*plan, "read") == seccomp::Verdict::Allow);
  const auto kill = resolve("report.on-violation = \"kill\"\n", facts);
  REQUIRE(kill);
  CHECK(verdict(*kill, "mount") == seccomp::Verdict::Kill);
  CHECK_FALSE(resolve("report.on-violation = \"log\"\n", facts));
  CHECK_FALSE(resolve("network.publish = [\"8080:80\"]\n", facts));
  CHECK_FALSE(resolve("seccomp.rule = [{ syscalls = [\"execve\"], action = \"deny\" }]\n", facts));
}
