// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <arpa/inet.h>

#include <set>
#include <string>

#include "plan/watch.h"
#include "seccomp/compile.h"
#include "seccomp/evaluate.h"
#include "seccomp/syscall_table.h"

using namespace sbx;
using namespace sbx::plan;

namespace {

const Origin kRead{"a.toml", 3};

LaunchPlan plan_of_mounts() {
  LaunchPlan plan;
  plan.mounts.push_back({Bind{.source = "/usr", .destination = "/usr"}, kRead});
  plan.mounts.push_back(
      {Bind{.source = "/out", .destination = "/out", .read_only = false, .no_exec = true}, kRead});
  plan.mounts.push_back({Tmpfs{.destination = "/tmp"}, {}});
  plan.mounts.push_back({Proc{}, {}});
  plan.mounts.push_back({Bind{.source = "/dev/null", .destination = "/usr/hidden"}, {"a.toml", 9}});
  return plan;
}

// A host that has what is listed, to be read, written and executed.
HostLooker host_with(std::set<std::string> all) {
  return [all = std::move(all)](const std::string& path) {
    const bool there = all.contains(path);
    return HostLook{there, path.starts_with("/dev/"), there, there, there};
  };
}

std::string answer(const std::string& place, Want want, bool there, bool parent_there,
                   std::set<std::string> host) {
  const LaunchPlan plan = plan_of_mounts();
  const auto refused =
      refused_path(plan, {place, there, parent_there}, want, host_with(std::move(host)));
  return refused ? refused->answer + " " + seccomp::policy_line(refused->remedy) : "";
}

Destination tcp(const char* address, std::uint16_t port) {
  in_addr bytes{};
  ::inet_pton(AF_INET, address, &bytes);
  return destination(Transport::Tcp, false, &bytes, port);
}

}  // namespace

TEST_CASE("a path is refused where the policy makes the difference") {
  CHECK(answer("/srv/a", Want::Read, false, false, {"/srv/a"}) ==
        "ENOENT filesystem.read = [\"/srv/a\"]");
  CHECK(answer("/srv/a", Want::Look, false, false, {"/srv/a"}) ==
        "ENOENT filesystem.read = [\"/srv/a\"]");
  CHECK(answer("/srv/a", Want::Execute, false, false, {"/srv/a"}) ==
        "ENOENT filesystem.read = [\"/srv/a\"]");
  CHECK(answer("/srv/a", Want::Write, false, false, {"/srv/a"}) ==
        "ENOENT filesystem.write = [\"/srv/a\"]");
  CHECK(answer("/tmp/a", Want::Read, false, true, {"/tmp/a"}) ==
        "ENOENT filesystem.read = [\"/tmp/a\"]");
  CHECK(answer("/srv/new", Want::Make, false, false, {"/srv"}) ==
        "ENOENT filesystem.write = [\"/srv\"]");
  CHECK(answer("/usr/new", Want::Make, false, true, {"/usr"}) ==
        "EROFS filesystem.write = [\"/usr\"]");
  CHECK(answer("/usr/a", Want::Write, true, true, {"/usr/a"}) ==
        "EROFS filesystem.write = [\"/usr/a\"]");
  CHECK(answer("/usr/a", Want::Make, true, true, {"/usr/a"}) ==
        "EROFS filesystem.write = [\"/usr/a\"]");
  CHECK(answer("/usr/hidden", Want::Read, true, true, {"/usr/hidden"}) == "EACCES ");
  CHECK(answer("/out/a", Want::Execute, true, true, {"/out/a"}) == "EACCES ");
  CHECK(answer("/dev/kvm", Want::Read, false, false, {"/dev/kvm"}) == "ENOENT ");
}

TEST_CASE("what works, or would fail anyway, is not refused") {
  for (const Want want : {Want::Look, Want::Read, Want::Write, Want::Make, Want::Execute}) {
    CHECK(answer("/srv/a", want, false, false, {}) == "");
    CHECK(answer("/usr/no-such", want, false, true, {}) == "");
    CHECK(answer("/proc/7/maps", want, false, false, {"/proc/7/maps", "/proc/7"}) == "");
  }
  CHECK(answer("/usr/a", Want::Read, true, true, {"/usr/a"}) == "");
  CHECK(answer("/usr/a", Want::Execute, true, true, {"/usr/a"}) == "");
  CHECK(answer("/usr/a", Want::Write, true, true, {}) == "");  // the host's own permissions
  CHECK(answer("/out/a", Want::Write, true, true, {"/out/a"}) == "");
  CHECK(answer("/tmp/a", Want::Make, false, true, {"/tmp"}) == "");
  CHECK(answer("/tmp/a", Want::Read, true, true, {"/tmp/a"}) == "");
}

TEST_CASE("an address is refused that the network inside does not reach") {
  LaunchPlan plan;
  plan.watch = {true, "network.mode = none", {"a.toml", 5}};
  plan.loopback = false;
  plan.landlock.abi = 6;
  plan.landlock.tcp_connect.emplace();
  auto refused = refused_address(plan, tcp("192.0.2.1", 80), false);
  REQUIRE(refused);
  CHECK(refused->answer == "EACCES");
  CHECK(refused->object == "192.0.2.1:80");
  CHECK(refused->rule == "network.mode = none");
  CHECK(seccomp::policy_line(refused->remedy) == "network.connect = [\"192.0.2.1:80\"]");
  CHECK(refused->remedy.option == "--net private --connect 192.0.2.1:80");

  plan.loopback = true;
  plan.landlock.tcp_connect.reset();
  refused = refused_address(plan, tcp("192.0.2.1", 80), false);
  REQUIRE(refused);
  CHECK(refused->answer == "ENETUNREACH");
  CHECK(refused->remedy.option == "--connect 192.0.2.1:80");
  CHECK_FALSE(refused_address(plan, tcp("127.0.0.1", 80), false));
  CHECK_FALSE(refused_address(plan, tcp("0.0.0.0", 80), true));
  plan.own_network = false;
  CHECK_FALSE(refused_address(plan, tcp("192.0.2.1", 80), false));
}

TEST_CASE("watching changes nothing that the filter denies") {
  LaunchPlan plan;
  plan.filter.arch = seccomp::Arch::X86_64;
  plan.filter.denied.action = plan.filter.unknown.action =
      plan.filter.foreign.action = {seccomp::Verdict::Errno, 1};
  const auto number = [](std::string_view name) {
    return seccomp::number_of(seccomp::Arch::X86_64, name).value();
  };
  const auto rule = [](seccomp::Verdict verdict) {
    seccomp::Rule one;
    one.action = {verdict, static_cast<std::uint16_t>(verdict == seccomp::Verdict::Errno ? 1 : 0)};
    return one;
  };
  plan.filter.calls[number("openat")] = {rule(seccomp::Verdict::Allow)};
  plan.filter.calls[number("mkdir")] = {rule(seccomp::Verdict::Errno)};
  plan.filter.calls[number("read")] = {rule(seccomp::Verdict::Allow)};
  plan.filter.calls[number("sendto")] = {rule(seccomp::Verdict::Allow)};
  policy::Policy policy;
  REQUIRE(watch_accesses(policy, plan));
  const auto verdict = [&](std::string_view name) {
    return plan.filter.calls.at(number(name)).front().action.verdict;
  };
  CHECK(verdict("openat") == seccomp::Verdict::Notify);
  CHECK(plan.filter.calls.at(number("openat")).front().mediation == seccomp::Mediation::Watch);
  CHECK(verdict("mkdir") == seccomp::Verdict::Errno);
  CHECK(verdict("read") == seccomp::Verdict::Allow);
  // Only with an address.
  seccomp_data call{};
  call.arch = seccomp::audit_arch(plan.filter.arch);
  call.nr = number("sendto");
  CHECK(seccomp::evaluate(plan.filter, call).action.verdict == seccomp::Verdict::Allow);
  call.args[4] = 0x1000;
  CHECK(seccomp::evaluate(plan.filter, call).mediation == seccomp::Mediation::Watch);
  CHECK_FALSE(plan.filter.calls.contains(number("execve")));
  CHECK_FALSE(plan.exec_once);

  plan.listens = false;
  CHECK_FALSE(watch_accesses(policy, plan));
}

TEST_CASE("the table of watched calls is one of calls that there are") {
  for (const WatchedCall& call : watched_calls()) {
    INFO(call.name);
    CHECK(seccomp::is_syscall_name(call.name));
    const auto arguments = seccomp::arguments_of(call.name);
    REQUIRE(call.path < static_cast<int>(arguments.size()));
    CHECK(arguments[static_cast<std::size_t>(call.path)].is_pointer);
    CHECK((call.want == Want::Flags) == (call.flags >= 0));
    if (call.directory >= 0) {
      CHECK_FALSE(arguments[static_cast<std::size_t>(call.directory)].is_pointer);
    }
  }
}
