// SPDX-License-Identifier: Apache-2.0
// Warnings: each where it belongs, with its place, and not where a reader would be told nothing.
#include "plan/check.h"

#include <catch2/catch.hpp>

#include <algorithm>

#include "policy/toml_reader.h"
#include "seccomp/siblings.h"
#include "seccomp/syscall_table.h"

using namespace sbx;

namespace {

// Layers from texts, parents first; "schema = 1" is added. The last is the policy itself.
std::vector<policy::PolicyLayer> layers_of(const std::vector<std::string>& texts) {
  std::vector<policy::PolicyLayer> layers;
  for (const std::string& text : texts) {
    const std::string name(1, static_cast<char>('a' + layers.size()));
    auto layer = policy::read_toml("schema = 1\n" + text, name + ".toml", name);
    INFO(text);
    INFO((layer ? "" : to_text(layer.error())));
    REQUIRE(layer);
    layers.push_back(std::move(*layer));
  }
  return layers;
}

std::vector<plan::Warning> check(const std::vector<std::string>& texts) {
  plan::HostFacts facts;
  facts.home = "/home/u";
  auto warnings = plan::check(layers_of(texts), facts, {{"/home/u/.config/sbx"}, {"/etc/sbx/policies"}});
  INFO((warnings ? "" : to_text(warnings.error())));
  REQUIRE(warnings);
  return std::move(*warnings);
}

std::string names(const std::vector<plan::Warning>& warnings) {
  std::string text;
  for (const plan::Warning& warning : warnings) {
    text += (text.empty() ? "" : " ") + std::string(policy::info(warning.caution).name);
  }
  return text;
}

std::string rule(const std::string& calls, const std::string& when, const std::string& action) {
  return "[[seccomp.rule]]\nsyscalls = [" + calls + "]\n" +
         (when.empty() ? "" : "when = \"" + when + "\"\n") + "action = \"" + action + "\"\n";
}

}  // namespace

TEST_CASE("check: a plain policy gives no warning") {
  CHECK(names(check({"[seccomp]\nallow = [\"@basic-io\", \"getpid\"]\n[filesystem]\nread = [\"/usr\"]\n"
                     "write = [\"/srv/data\"]\ntmpfs = [\"/tmp\"]\n"})).empty());
}

TEST_CASE("check: warnings of single settings") {
  const std::pair<const char*, const char*> rows[] = {
      {"[memory]\nwx = \"allow\"", "write-execute-memory"},
      {"[memory]\nmemfd = \"allow\"", "memfd"},
      {"[memory]\nwx = \"allow\"\nmemfd = \"allow\"", "write-execute-memory"},
      {"[network]\nmode = \"host\"", "host-network"},
      {"[report]\non-violation = \"log\"", "log-only"},
      {"[environment]\npass = \"all\"", "whole-environment"},
  };
  for (const auto& [text, expected] : rows) {
    INFO(text);
    const auto warnings = check({text});
    CHECK(names(warnings) == expected);
    CHECK(warnings.front().origin.source == "a.toml");
    CHECK(warnings.front().origin.line == 3);
    CHECK(warnings.front().origin.column > 1);
    CHECK_FALSE(warnings.front().hint.empty());
  }
}

TEST_CASE("check: warnings of paths") {
  const std::pair<const char*, const char*> rows[] = {
      // The same place: the deeper entry decides.
      {"read = [\"/srv\"]\nwrite = [\"/srv/data\"]", ""},
      {"read = [\"/srv/bin\"]\nwrite = [\"/srv\"]", ""},
      // Two places: what is written at one is run at the other.
      {"read = [{ path = \"/srv\", at = \"/app\" }]\nwrite = [\"/srv/data\"]", "writable-executable"},
      {"read = [\"/srv/bin\"]\nwrite = [{ path = \"/srv\", at = \"/data\" }]", "writable-executable"},
      {"read = [\"/srv\"]\nwrite = [{ path = \"/srv\", at = \"/data\" }]", "writable-executable"},
      {"read = [\"/srv\"]\nwrite = [{ path = \"/srv\", at = \"/data\" }]\ntmpfs = [\"/data\"]",
       nullptr},  // contradictory
      {"read = [{ path = \"/srv\", at = \"/app\" }]\nwrite = [\"/srv/data\"]\ntmpfs = [\"/app/data\"]", ""},
      {"exec = [\"/usr/bin/x\"]\nread = [{ path = \"/srv\", at = \"/app\" }]\nwrite = [\"/srv/data\"]", ""},
      {"exec = [\"/srv/x\"]\nwrite = [{ path = \"/srv\", at = \"/data\" }]", "writable-executable"},
      {"overlay = [\"~/.aws\"]", "secret-path"},
      {"read = [\"~/.ssh\"]", "secret-path"},
      {"read = [\"~/.ssh/id_ed25519\"]", "secret-path"},
      {"read = [\"~/.ssh/known_hosts\", \"~/.ssh/id_ed25519.pub\"]", ""},
      {"home = \"private\"\nread = [\"~/.aws\"]", "secret-path"},
      {"home = \"private\"", ""},
      {"read = [\"/srv\"]\nwrite = [\"~/.bashrc\"]", "runs-outside"},
      {"write = [\"~/.config/autostart/x.desktop\"]", "runs-outside"},
      {"write = [\"~/.vim/undo\"]", ""},
      {"read = [\"~/.bashrc\"]", ""},
      {"read = [\"/run/docker.sock\"]", "control-socket"},
      {"read = [\"/run\"]", "control-socket"},
      {"write = [\"/run/user/1000/bus\"]", "control-socket"},
      {"write = [\"/etc\"]", "broad-write runs-outside"},
      {"write = [\"/usr\"]", "broad-write runs-outside"},
      {"read = [{ path = \"/\", at = \"/host\" }]", "broad-read secret-path control-socket"},
      {"write = [\"/etc/sbx/policies\"]", "own-policy-writable"},
      {"write = [\"/etc/sbx/policies/x.toml\"]", "own-policy-writable"},
      {"read = [\"/etc/sbx/policies\"]", ""},
      {"write = [\"~/.config\"]\nhide = [\"~/.config\"]", nullptr},
      {"home = \"write\"\nhide = [\"~/.config/sbx\"]", "broad-write secret-path runs-outside"},
      {"home = \"write\"", "broad-write secret-path runs-outside"},
  };
  for (const auto& [text, expected] : rows) {
    INFO(text);
    if (expected != nullptr) {
      CHECK(names(check({std::string("[filesystem]\n") + text + "\n"})) == expected);
    }
  }
}

TEST_CASE("check: calls that no policy should allow") {
  const auto one = check({"[seccomp]\nallow = [\"read\", \"ptrace\"]\n"});
  REQUIRE(names(one) == "dangerous-call");
  CHECK(one[0].text == "seccomp.allow = ptrace: reads and changes other processes");
  CHECK(one[0].origin == Origin{"a.toml", 3, 18});
  const auto group = check({"[seccomp]\nallow = [\"@debug\"]\n"});
  REQUIRE(names(group) == "dangerous-call");
  CHECK(group[0].text.find("ptrace") != std::string::npos);
  CHECK(names(check({"[seccomp]\nallow = [\"@debug\"]\ndeny = [\"lookup_dcookie\", \"perf_event_open\", "
                     "\"pidfd_getfd\", \"ptrace\"]\n"})).find("dangerous") == std::string::npos);
  CHECK(names(check({rule("\"ptrace\"", "", "allow")})) == "dangerous-call");
  // A condition is a decision.
  CHECK(names(check({rule("\"personality\"", "persona == 0xffffffff", "allow")})).empty());
  // sbx denies it whatever the policy says.
  CHECK(names(check({"[seccomp]\nallow = [\"setns\"]\n"})) == "no-effect");
}

TEST_CASE("check: rules that decide nothing") {
  const std::string allow = "[seccomp]\nallow = [\"socket\", \"mmap\", \"read\"]\n";
  CHECK(names(check({allow + rule("\"socket\"", "domain == 1 and domain == 2", "deny")})) ==
        "rule-never-matches");
  CHECK(names(check({allow + rule("\"socket\"", "domain == 1", "deny") +
                     rule("\"socket\"", "domain == 1 and type == 2", "deny")})) == "rule-hidden");
  CHECK(names(check({allow + rule("\"socket\"", "domain == 1", "deny") +
                     rule("\"socket\"", "domain != 1", "kill") +
                     rule("\"socket\"", "type == 2", "errno(EPERM)")})) == "rule-hidden");
  CHECK(names(check({allow + rule("\"socket\"", "domain == 1", "deny") +
                     rule("\"socket\"", "type == 2", "errno(EPERM)")})).empty());
  // One of its calls is enough.
  CHECK(names(check({allow + rule("\"bind\"", "fd == 1", "kill") +
                     rule("\"bind\", \"listen\"", "fd == 1", "deny")})).empty());
  // What a policy does to the rules that it builds on is its purpose.
  CHECK(names(check({allow + rule("\"socket\"", "domain == 1", "deny"),
                     rule("\"socket\"", "domain != 2", "errno(EACCES)")})).empty());
  // W^X comes first; saying the same again is no mistake, the opposite is.
  CHECK(names(check({allow + rule("\"mmap\"", "prot & 6 == 6", "deny")})).empty());
  CHECK(names(check({allow + rule("\"mmap\"", "prot & 6 == 6", "allow")})) == "rule-hidden");
}

TEST_CASE("check: entries that decide nothing") {
  CHECK(names(check({"[seccomp]\nallow = [\"read\", \"read\"]\n"})) == "hidden-entry");
  CHECK(names(check({"[seccomp]\nallow = [\"@basic-io\", \"@file-system\", \"@basic-io\"]\n"})) ==
        "hidden-entry");
  CHECK(names(check({"[seccomp]\nallow = [\"@basic-io\", \"read\"]\n"})) == "redundant-allow");
  // The name keeps what a later denial of the group would take.
  CHECK(names(check({"[seccomp]\nallow = [\"@basic-io\", \"read\"]\ndeny = [\"@file-system\"]\n"})).find(
            "redundant") != std::string::npos);
  CHECK(names(check({"[seccomp]\nallow = [\"@basic-io\", \"read\"]\n" +
                     rule("\"@basic-io\"", "", "errno(EPERM)")})).find("redundant") == std::string::npos);
  // A parent has it too: no affair of the reader's.
  CHECK(names(check({"[seccomp]\nallow = [\"@basic-io\"]\n", "[seccomp]\nallow = [\"read\"]\n"})).empty());
  CHECK(names(check({"[seccomp]\nallow = [\"memfd_create\"]\n"})) == "no-effect");
  CHECK(names(check({"[seccomp]\nallow = [\"clone3\"]\n"})) == "no-effect");
  CHECK(names(check({"[seccomp]\nallow = [\"openat2\"]\n"})) == "no-effect");
  CHECK(names(check({"[seccomp]\ndeny = [\"exit_group\"]\n"})) == "no-effect");
  CHECK(names(check({"[seccomp]\nallow = [\"exit_group\"]\n"})).empty());
}

TEST_CASE("check: a rule about one call of a family") {
  const std::string allow = "[seccomp]\nallow = [\"@file-system\"]\n";
  const auto one = check({allow + "deny = [\"chmod\"]\n"});
  REQUIRE(names(one) == "sibling-allowed");
  CHECK(one[0].text == "chmod is denied, but not fchmod, fchmodat and fchmodat2: each changes a file's mode");
  CHECK(one[0].hint == "deny them too: seccomp.deny = [\"fchmod\", \"fchmodat\", \"fchmodat2\"]");
  CHECK(names(check({allow + "deny = [\"chmod\", \"fchmod\", \"fchmodat\", \"fchmodat2\"]\n"})).empty());
  // What is not allowed anyway is no hole.
  CHECK(names(check({"[seccomp]\nallow = [\"fchmod\"]\ndeny = [\"mkdir\"]\n"})).empty());
  CHECK(names(check({allow + rule("\"open\"", "flags & O_WRONLY != 0", "deny")})) == "sibling-allowed");
  CHECK(names(check({allow + rule("\"open\", \"openat\"", "flags & O_WRONLY != 0", "deny") +
                     rule("\"creat\", \"openat2\"", "", "errno(ENOSYS)")})).empty());
  CHECK(names(check({allow + rule("\"fchmodat2\"", "", "errno(ENOSYS)")})).empty());

  const auto older = check({"[seccomp]\nallow = [\"mkdir\"]\n"});
  REQUIRE(names(older) == "sibling-denied");
  CHECK(older[0].text == "mkdir is allowed, but mkdirat is denied");
  CHECK(names(check({"[seccomp]\nallow = [\"mkdir\", \"mkdirat\"]\n"})).empty());
  CHECK(names(check({"[seccomp]\nallow = [\"mkdirat\", \"read\"]\n"})).empty());
}

TEST_CASE("check: what a policy accepts") {
  const std::string shell = "[policy]\naccept = [\"host-network: it is a browser\"]\n";
  const std::string host = "[network]\nmode = \"host\"\n";
  CHECK(names(check({shell + host})).empty());
  CHECK(names(check({shell})) == "unused-accept");
  // For the file itself and what it extends, not for files that extend it.
  CHECK(names(check({host, shell})).empty());
  CHECK(names(check({shell, host})) == "host-network");
  CHECK(names(check({shell + host, "[memory]\nwx = \"allow\"\n"})) == "write-execute-memory");
}

TEST_CASE("siblings: every member is a system call, and no family has one alone") {
  for (const seccomp::Family& family : seccomp::families()) {
    const auto members = seccomp::members_of(family);
    INFO(family.what);
    CHECK(members.size() >= 2);
    for (const std::string_view member : members) {
      INFO(member);
      CHECK(seccomp::is_syscall_name(member));
      CHECK_FALSE(seccomp::families_of(member).empty());
    }
  }
  CHECK(seccomp::families_of("unlinkat").size() == 2);
  CHECK(seccomp::families_of("getpid").empty());
}
