// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>

#include <catch2/catch.hpp>

#include "fake_host.h"
#include "plan/expand.h"

using namespace sbx;
using namespace sbx::plan;
using policy::Key;

namespace {

struct Case {
  policy::Policy policy;
  FakeHost host;
  Request request;
  Identity identity{};
  std::vector<ResourceLimit> limits;
  std::vector<std::string> degraded;

  Case(std::initializer_list<std::pair<Key, std::uint64_t>> set, const char* choice = "auto") {
    identity.outside_uid = 1000;
    for (const auto& [key, value] : set) {
      policy.limits.emplace(key, policy::Number{value, {"a.toml", 7, 1}});
    }
    policy.cgroup.value = choice;
    limits = *expand_limits(policy);
  }

  Result<std::optional<Cgroup>> expand() {
    return expand_cgroup(policy, identity, request, host.probes(), limits, degraded);
  }
};

CgroupFacts delegated(std::vector<std::string> controllers) {
  CgroupFacts facts;
  facts.delegated = "/sys/fs/cgroup/mine";
  facts.controllers = std::move(controllers);
  return facts;
}

}  // namespace

TEST_CASE("cgroup: none is made, nor asked for, where resource limits do as well", "[cgroup]") {
  Case one({{Key::LimitsProcesses, 64}, {Key::LimitsFiles, 32}});
  one.host.cgroup = delegated({"memory", "pids", "cpu"});
  CHECK_FALSE((*one.expand()).has_value());
  CHECK(one.limits.size() == 2);
}

TEST_CASE("cgroup: memory counts together where a subtree is the user's", "[cgroup]") {
  Case one({{Key::LimitsMemory, 1 << 20}, {Key::LimitsProcesses, 64}});
  one.host.cgroup = delegated({"memory", "pids"});
  const auto cgroup = one.expand();
  REQUIRE(cgroup);
  REQUIRE(*cgroup);
  CHECK((*cgroup)->parent == "/sys/fs/cgroup/mine");
  REQUIRE((*cgroup)->settings.size() == 2);
  CHECK((*cgroup)->settings[0].file == "memory.max");
  CHECK((*cgroup)->settings[0].value == "1048576");
  CHECK((*cgroup)->settings[0].origin.line == 7);
  CHECK((*cgroup)->settings[1].file == "pids.max");
  CHECK((*cgroup)->settings[1].value == "64");
  // Neither RLIMIT_AS nor RLIMIT_NPROC beside them: they would be hit first, and nobody told.
  CHECK(one.limits.empty());
}

TEST_CASE("cgroup: without one memory is the address space, and nothing is lost silently",
          "[cgroup]") {
  Case memory({{Key::LimitsMemory, 1 << 20}});
  const auto none = memory.expand();
  REQUIRE(none);
  CHECK_FALSE(none->has_value());
  CHECK(memory.limits.at(0).resource == RLIMIT_AS);

  for (const char* choice : {"require", "auto", "never"}) {
    const bool has_memory = std::string(choice) == "require";
    Case needs({{has_memory ? Key::LimitsMemory : Key::LimitsCpuWeight, 50}}, choice);
    CAPTURE(choice);
    const auto refused = needs.expand();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().origin.line == 7);
    CHECK(refused.error().hint.find("--allow-degraded cgroup") != std::string::npos);
    needs.request.allow_degraded = {"cgroup"};
    const auto lost = needs.expand();
    REQUIRE(lost);
    CHECK_FALSE(lost->has_value());
    CHECK(needs.degraded.size() == 1);
  }
}

TEST_CASE("cgroup: systemd is asked where the own subtree lacks a controller", "[cgroup]") {
  Case one({{Key::LimitsCpuPercent, 150}});
  one.host.cgroup = delegated({"memory"});
  one.host.cgroup.user_bus = "/run/user/1000/bus";
  one.host.cgroup.bus_controllers = {"cpu", "memory", "pids"};
  one.host.cgroup.mount = "/sys/fs/cgroup";
  const auto cgroup = one.expand();
  REQUIRE(cgroup);
  REQUIRE(*cgroup);
  CHECK((*cgroup)->parent.empty());
  CHECK((*cgroup)->vacate);
  CHECK((*cgroup)->user_bus == "/run/user/1000/bus");
  CHECK((*cgroup)->settings.at(0).value == "150000 100000");
}

TEST_CASE("cgroup: RLIMIT_NPROC does not hold the host's root, pids.max does", "[cgroup]") {
  Case one({{Key::LimitsProcesses, 64}});
  one.identity.outside_uid = 0;
  one.host.cgroup = delegated({"pids"});
  const auto cgroup = one.expand();
  REQUIRE(cgroup);
  REQUIRE(*cgroup);
  CHECK((*cgroup)->settings.at(0).file == "pids.max");
}
