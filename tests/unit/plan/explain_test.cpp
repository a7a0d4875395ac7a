// SPDX-License-Identifier: Apache-2.0
// Paths, addresses, variables, limits and capabilities; calls are in explain_call_test.cpp, and
// whether it is true in tests/integration/explain.py.
#include <algorithm>

#include <catch2/catch.hpp>

#include "fake_host.h"
#include "plan/explain.h"
#include "plan/neutral_host.h"
#include "plan/resolve.h"
#include "policy/merge.h"
#include "policy/toml_reader.h"

namespace sbx::plan {
namespace {

// Enough calls for files and sockets.
const std::string kCalls = R"toml(schema = 1
[seccomp]
allow = ["openat", "execve", "socket", "connect", "bind"]
)toml";

struct Asked {
  policy::Policy policy;
  LaunchPlan plan;
  HostFacts facts;
  Probes probes;

  explicit Asked(const std::string& text) {
    const auto layer = policy::read_toml(kCalls + text, "a.toml", "a");
    INFO((layer ? "" : to_text(layer.error())));
    REQUIRE(layer);
    const auto merged = policy::merge({*layer});
    REQUIRE(merged);
    policy = *merged;
    facts = neutral_facts(seccomp::Arch::X86_64);
    facts.home = "/home/u";
    facts.environment = {{"LANG", "C"}, {"TOKEN", "secret"}};
    static const FakeHost host = debian();
    probes = host.probes();
    const auto resolved = resolve(policy, {}, facts, probes);
    INFO((resolved ? "" : to_text(resolved.error())));
    REQUIRE(resolved);
    plan = *resolved;
  }

  Explanation ask(const std::string& text, const PermissionProbe& permits = nullptr) const {
    const auto question = parse_question(text, seccomp::Arch::X86_64);
    INFO(text << (question ? "" : ": " + question.error().action));
    REQUIRE(question);
    const HostView host{facts, probes, permits};
    if (const auto* path = std::get_if<PathQuestion>(&*question)) {
      return explain_path(policy, plan, host, *path);
    }
    if (const auto* address = std::get_if<AddressQuestion>(&*question)) {
      return explain_address(policy, plan, host, *address);
    }
    if (const auto* variable = std::get_if<VariableQuestion>(&*question)) {
      return explain_variable(policy, plan, facts, *variable);
    }
    if (const auto* limit = std::get_if<LimitQuestion>(&*question)) {
      return explain_limit(policy, *limit);
    }
    return explain_capability(policy, plan, std::get<CapabilityQuestion>(*question));
  }

  Ruling ruling(const std::string& text) const { return ask(text).ruling; }

  // The last finding's effect.
  std::string effect(const std::string& text) const { return ask(text).findings.back().effect; }
};

TEST_CASE("explain: a path is what is mounted there") {
  const Asked asked(
      "[filesystem]\nread = [\"/srv/www\"]\nwrite = [\"/home/u/work\"]\n"
      "tmpfs = [\"/tmp\"]\n");
  CHECK(asked.ruling("read /srv/www") == Ruling::Allowed);
  CHECK(asked.ruling("write /srv/www") == Ruling::Denied);
  CHECK(asked.effect("write /srv/www") == "fails with EROFS");
  CHECK(asked.ruling("/srv/www") == Ruling::Depends);
  CHECK(asked.ask("write /srv/www").findings[0].remedy.find("--rw /srv/www") != std::string::npos);
  CHECK(to_text(asked.ask("read /srv/www").findings[0].origin) == "a.toml:5");
  // A file that the host has not can be made where writing is.
  CHECK(asked.ruling("read ~/work/new") == Ruling::Denied);
  CHECK(asked.ruling("write ~/work/new") == Ruling::Allowed);
  CHECK(asked.ruling("exec ~/work/prog") == Ruling::Denied);  // written, so not executed
  CHECK(asked.ruling("write /tmp/x") == Ruling::Allowed);
  CHECK(asked.effect("read /etc/passwd") == "fails with ENOENT");
  CHECK(asked.ask("read /etc/passwd").findings[0].remedy.find("--ro /etc/passwd") !=
        std::string::npos);
}

TEST_CASE("explain: links are followed as inside") {
  const Asked asked("[filesystem]\nread = [\"/usr\", \"/bin\", \"/etc\"]\n");
  const Explanation linked = asked.ask("read /bin/true");
  CHECK(linked.ruling == Ruling::Allowed);
  CHECK(std::find(linked.notes.begin(), linked.notes.end(),
                  "symbolic links lead to /usr/bin/true") != linked.notes.end());
  CHECK(asked.ruling("read /etc/localtime") == Ruling::Allowed);
  // The same link, what it leads to not granted.
  CHECK(Asked("[filesystem]\nread = [\"/etc\"]\n").ruling("read /etc/localtime") == Ruling::Denied);
}

TEST_CASE("explain: what is hidden, what the host refuses, what the filter refuses") {
  const Asked hidden("[filesystem]\nread = [\"/home/u\"]\nhide = [\"/home/u/work\"]\n");
  CHECK(hidden.ruling("read /home/u/work") == Ruling::Denied);
  CHECK(hidden.ruling("read /home/u") == Ruling::Allowed);

  const Asked shown("[filesystem]\nread = [\"/usr\"]\n");
  const auto refuses = [](const std::string&, PathQuestion::Intent) { return false; };
  CHECK(shown.ask("read /usr/bin/true", refuses).ruling == Ruling::Denied);
  CHECK(shown.ask("exec /usr/bin/true").ruling == Ruling::Allowed);

  const Asked no_exec(
      "[[seccomp.rule]]\nsyscall = \"execve\"\naction = \"deny\"\n[filesystem]\nread = "
      "[\"/usr\"]\n");
  const Explanation denied = no_exec.ask("exec /usr/bin/true");
  CHECK(denied.ruling == Ruling::Denied);
  CHECK(denied.findings[0].reason.find("execve") != std::string::npos);
}

TEST_CASE("explain: an address is its socket, its call and the network's reach") {
  const Asked own("[network]\nmode = \"private\"\npublish = [\"8080:80\"]\n");
  CHECK(own.ruling("connect 127.0.0.1:80") == Ruling::Allowed);
  CHECK(own.ruling("tcp://[::1]:80") == Ruling::Allowed);
  CHECK(own.ruling("connect 10.0.0.1:443") == Ruling::Denied);
  CHECK(own.effect("connect 10.0.0.1:443") == "fails with ENETUNREACH");
  CHECK(own.ruling("bind 0.0.0.0:80") == Ruling::Allowed);
  CHECK(own.effect("bind 0.0.0.0:80") == "offered outside at 127.0.0.1:8080");
  CHECK(own.effect("bind 0.0.0.0:81") == "to be reached from inside");
  CHECK(own.ruling("bind 10.0.0.1:80") == Ruling::Denied);
  const Asked listed("[network]\nconnect = [\"10.0.0.0/8:443\", \"unix:/run/x.sock\"]\nbind = [\"8080\"]\n");
  CHECK(listed.ruling("connect 10.0.0.1:443") == Ruling::Allowed);
  CHECK(listed.effect("connect 10.0.0.1:443") == "connected outside, by the supervisor");
  CHECK(listed.ruling("connect 10.0.0.1:80") == Ruling::Denied);
  CHECK(listed.ruling("connect 127.0.0.1:443") == Ruling::Allowed);
  CHECK(listed.ruling("connect unix:/run/x.sock") == Ruling::Allowed);
  CHECK(listed.ruling("bind 0.0.0.0:8080") == Ruling::Allowed);
  CHECK(listed.effect("bind 0.0.0.0:8081") == "fails with EACCES");
  const Asked on_host("[network]\nmode = \"host\"\nconnect = [\"*:443\"]\n");
  CHECK(on_host.ruling("connect 10.0.0.1:443") == Ruling::Allowed);
  CHECK(on_host.effect("connect 10.0.0.1:80") == "fails with EACCES");
  CHECK(on_host.effect("connect 127.0.0.1:443") == "fails with EACCES");
  CHECK(own.ruling("connect unix:@name") == Ruling::Allowed);
  CHECK(own.ruling("connect unix:/run/x.sock") == Ruling::Denied);

  CHECK(Asked("[network]\nmode = \"host\"\n").ruling("connect 10.0.0.1:443") == Ruling::Allowed);
  CHECK(Asked("[network]\nmode = \"none\"\n").ruling("connect 127.0.0.1:80") == Ruling::Denied);
  CHECK(Asked("[network]\nmode = \"none\"\n").effect("bind 127.0.0.1:80") == "fails with EACCES");
  const Asked no_udp(
      "[[seccomp.rule]]\nsyscall = \"socket\"\nwhen = \"type & 0xf == SOCK_DGRAM\"\n"
      "action = \"deny\"\n[network]\nmode = \"host\"\n");
  CHECK(no_udp.ruling("udp://10.0.0.1:53") == Ruling::Denied);
  CHECK(no_udp.ruling("connect 10.0.0.1:53") == Ruling::Allowed);
}

TEST_CASE("explain: a variable is passed, set or left out") {
  const Asked asked("[environment]\nset.MODE = \"x\"\nunset = [\"LC_ALL\"]\n");
  CHECK(asked.effect("env LANG") == "passed on: \"C\"");
  CHECK(asked.effect("env TOKEN") == "left out");
  CHECK(asked.ruling("env TOKEN") == Ruling::Denied);
  CHECK(asked.effect("env MODE") == "set to \"x\"");
  CHECK(asked.ruling("env LC_ALL") == Ruling::Denied);
  CHECK(asked.ruling("env LC_CTYPE") == Ruling::Denied);  // the caller has none
  CHECK(asked.ruling("env USER") == Ruling::Allowed);
  CHECK(asked.ruling("env PATH") == Ruling::Allowed);
}

TEST_CASE("explain: limits and capabilities") {
  const Asked asked("[limits]\nmemory = \"1M\"\n[capabilities]\nkeep = [\"CAP_CHOWN\"]\n");
  CHECK(asked.effect("limit memory") == "up to 1048576 bytes");
  CHECK(asked.ruling("limit memory") == Ruling::Depends);
  CHECK(asked.ruling("limit files") == Ruling::Allowed);
  CHECK(asked.ruling("capability chown") == Ruling::Allowed);
  CHECK(asked.ruling("capability CAP_NET_RAW") == Ruling::Denied);
}

}  // namespace
}  // namespace sbx::plan
