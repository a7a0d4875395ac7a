// SPDX-License-Identifier: Apache-2.0
// Identity, publish, limits, environment.
#include <catch2/catch.hpp>

#include <algorithm>

#include "plan/expand.h"
#include "fake_host.h"

namespace sbx::plan {
namespace {

policy::Text text(const std::string& value, const std::string& source = "t.toml", int line = 1) {
  return {value, {source, line, 1}};
}

HostFacts facts_of(std::uint32_t uid) {
  HostFacts facts;
  facts.uid = facts.gid = uid;
  facts.user_name = uid == 0 ? "root" : "u";
  facts.home = uid == 0 ? "/root" : "/home/u";
  return facts;
}

TEST_CASE("an ordinary user stays who they are, or is root inside only", "[identity]") {
  const FakeHost host = debian();
  policy::Policy policy;
  policy.name = "nginx";
  auto id = expand_identity(policy, facts_of(1000), host.probes());
  REQUIRE(id);
  CHECK(id->inside_uid == 1000);
  CHECK(id->outside_uid == 1000);
  CHECK_FALSE(id->leave_root);
  policy.user = text("root");
  id = expand_identity(policy, facts_of(1000), host.probes());
  REQUIRE(id);
  CHECK(id->inside_uid == 0);
  CHECK(id->outside_uid == 1000);
}

TEST_CASE("root is nobody's sandboxee but by --user root", "[identity]") {
  const FakeHost host = debian();
  policy::Policy policy;
  policy.name = "nginx";
  const auto derived = expand_identity(policy, facts_of(0), host.probes());
  REQUIRE(derived);
  CHECK(derived->leave_root);
  CHECK(derived->outside_uid >= 1'879'048'192u);
  CHECK(derived->outside_gid == derived->outside_uid);

  policy.user = text("root");
  auto id = expand_identity(policy, facts_of(0), host.probes());
  REQUIRE(id);
  CHECK(id->inside_uid == 0);
  CHECK(id->outside_uid == derived->outside_uid);

  policy.user = text("root", "--user root", 0);
  id = expand_identity(policy, facts_of(0), host.probes());
  REQUIRE(id);
  CHECK(id->outside_uid == 0);
  CHECK_FALSE(id->leave_root);

  policy.user = text("www-data");
  id = expand_identity(policy, facts_of(0), host.probes());
  REQUIRE(id);
  CHECK(id->outside_uid == 33);
  CHECK(id->outside_gid == 33);

  policy.name = "redis";
  policy.user = {};
  CHECK(expand_identity(policy, facts_of(0), host.probes())->outside_uid != derived->outside_uid);
  policy.user = text("nosuchuser");
  CHECK_FALSE(expand_identity(policy, facts_of(0), host.probes()));
}

TEST_CASE("publish entries", "[publish]") {
  struct Row {
    const char* entry;
    bool good;
    const char* address;
    int outside, inside;
  };
  const auto row = GENERATE(values<Row>({
      {"8080:80", true, "127.0.0.1", 8080, 80},
      {"127.0.0.1:8080:80", true, "127.0.0.1", 8080, 80},
      {"0.0.0.0:8080:80/tcp", true, "0.0.0.0", 8080, 80},
      {"[::1]:8080:80", true, "::1", 8080, 80},
      {"[::]:1:65535", true, "::", 1, 65535},
      {"8080", false, "", 0, 0},
      {"8080:0", false, "", 0, 0},
      {"8080:65536", false, "", 0, 0},
      {"localhost:8080:80", false, "", 0, 0},
      {"::1:8080:80", false, "", 0, 0},
      {"[::1:8080:80", false, "", 0, 0},
      {"127.0.0.1:8080:80/udp", false, "", 0, 0},
      {"127.0.0.1: 8080:80", false, "", 0, 0},
      {"", false, "", 0, 0},
  }));
  CAPTURE(row.entry);
  policy::Policy policy;
  policy.network_mode.value = "private";
  policy.publish = {text(row.entry)};
  const auto list = expand_publish(policy);
  REQUIRE(static_cast<bool>(list) == row.good);
  if (row.good) {
    CHECK(list->front().address == row.address);
    CHECK(list->front().outside_port == row.outside);
    CHECK(list->front().inside_port == row.inside);
  }
}

TEST_CASE("a port is published once, and not on the host's network", "[publish]") {
  policy::Policy policy;
  policy.network_mode.value = "private";
  policy.publish = {text("8080:80"), text("127.0.0.1:8080:81")};
  CHECK_FALSE(expand_publish(policy));
  policy.publish = {text("8080:80")};
  policy.network_mode.value = "host";
  CHECK_FALSE(expand_publish(policy));
}

TEST_CASE("the environment passes what the policy says", "[environment]") {
  HostFacts facts = facts_of(1000);
  facts.environment = {{"PATH", "/usr/bin"}, {"TERM", "xterm"}, {"SECRET", "s"}, {"LC_ALL", "C"},
                       {"SSH_AUTH_SOCK", "/run/a"}, {"HOME", "/elsewhere"}};
  Identity id;
  id.home = "/home/u";
  id.user_name = "u";
  policy::Policy policy;
  policy.home.value = "private";
  policy.env_pass.value = "safe";
  const auto has = [&](const std::string& entry) {
    const auto list = expand_environment(policy, id, facts);
    return std::find(list.begin(), list.end(), entry) != list.end();
  };
  CHECK(has("PATH=/usr/bin"));
  CHECK(has("TERM=xterm"));
  CHECK(has("LC_ALL=C"));
  CHECK(has("HOME=/home/u"));
  CHECK_FALSE(has("SECRET=s"));
  CHECK_FALSE(has("SSH_AUTH_SOCK=/run/a"));
  policy.env_keep = {text("SECRET")};
  CHECK(has("SECRET=s"));
  policy.env_pass.value = "none";
  CHECK_FALSE(has("TERM=xterm"));
  policy.env_set = {{"HOME", text("/x")}};
  policy.env_unset = {text("SECRET")};
  CHECK(has("HOME=/x"));
  CHECK_FALSE(has("SECRET=s"));
}

}  // namespace
}  // namespace sbx::plan
