// SPDX-License-Identifier: Apache-2.0
// Every policy that ships: reads, merges, names only calls that exist, and keeps the promises that
// hold for all of them.
#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

#include "plan/check.h"
#include "policy/merge.h"
#include "policy_files.h"
#include "seccomp/dangerous_calls.h"
#include "seccomp/groups.h"
#include "seccomp/syscall_table.h"

namespace {

using namespace sbx;

const std::string kDirectory = std::string(SBX_SOURCE_DIR) + "/policies";
const policy::SearchPath kShipped{{}, {kDirectory}};

std::vector<std::string> shipped_names() {
  std::vector<std::string> names;
  for (const auto& file : policy::list_policies(kShipped, policy::testing::disk())) {
    names.push_back(file.name);
  }
  return names;
}

policy::Policy load(const std::string& name) {
  const auto files = policy::testing::disk();
  const auto found = policy::find_policy(name, kShipped, files);
  REQUIRE(found);
  const auto layers = policy::load_layers(*found, kShipped, files);
  INFO((layers ? "" : to_text(layers.error())));
  REQUIRE(layers);
  auto merged = policy::merge(*layers);
  INFO((merged ? "" : to_text(merged.error())));
  REQUIRE(merged);
  return std::move(*merged);
}

void expand(const std::string& name, std::set<std::string>& calls) {
  if (const auto* group = seccomp::find_group(name)) {
    for (const std::string_view member : seccomp::expand_group(*group)) {
      calls.insert(std::string(member));
    }
  } else {
    calls.insert(name);
  }
}

// Calls that the policy may allow, conditions aside: by group, less what a name denies, and by
// name.
std::set<std::string> allowed_calls(const policy::Policy& policy) {
  std::set<std::string> calls;
  for (const auto& entry : policy.allow) {
    if (entry.value.starts_with('@')) {
      expand(entry.value, calls);
    }
  }
  for (const auto& entry : policy.deny) {
    std::set<std::string> denied;
    expand(entry.value, denied);
    for (const auto& call : denied) {
      calls.erase(call);
    }
  }
  for (const auto& layered : policy.rules) {
    if (layered.rule.when.value.empty() && layered.rule.action.value != "allow") {
      for (const auto& name : layered.rule.syscalls) {
        std::set<std::string> denied;
        expand(name.value, denied);
        for (const auto& call : denied) {
          calls.erase(call);
        }
      }
    }
  }
  for (const auto& entry : policy.allow) {
    if (!entry.value.starts_with('@')) {
      calls.insert(entry.value);
    }
  }
  for (const auto& layered : policy.rules) {
    if (layered.rule.action.value == "allow" && layered.rule.when.value.empty()) {
      for (const auto& name : layered.rule.syscalls) {
        expand(name.value, calls);
      }
    }
  }
  return calls;
}

// The calls of seccomp/dangerous_calls.h, and two that only a setting of memory makes dangerous.
bool is_never_allowed(const std::string& call) {
  const auto calls = seccomp::dangerous_calls();
  return call == "memfd_secret" || call == "pkey_mprotect" ||
         std::any_of(calls.begin(), calls.end(), [&](const auto& one) { return one.name == call; });
}

// Programs that write machine code at run time, and programs that speak to other hosts.
const std::set<std::string> kJustInTime{"java", "node", "nodejs"};
const std::set<std::string> kClients{"client", "curl", "git", "ssh", "wget"};

}  // namespace

TEST_CASE("the policies that issue texts and manuals name are there", "[policies]") {
  const auto names = shipped_names();
  for (const char* name : {"base", "default", "service", "nginx", "strict"}) {
    CHECK(std::find(names.begin(), names.end(), name) != names.end());
  }
}

TEST_CASE("every shipped policy loads, has a description and names known calls", "[policies]") {
  for (const std::string& name : shipped_names()) {
    const policy::Policy policy = load(name);
    INFO(name);
    CHECK(policy.name == name);
    CHECK(policy.description.origin.source == kDirectory + "/" + name + ".toml");
    const auto check = [](const std::string& call, const Origin& origin) {
      INFO(to_text(origin) << " " << call);
      CHECK((call.starts_with('@') ? seccomp::find_group(call) != nullptr
                                   : seccomp::is_syscall_name(call)));
    };
    for (const auto* list : {&policy.allow, &policy.deny}) {
      for (const auto& entry : *list) {
        check(entry.value, entry.origin);
      }
    }
    for (const auto& layered : policy.rules) {
      for (const auto& call : layered.rule.syscalls) {
        check(call.value, call.origin);
      }
    }
  }
}

TEST_CASE("no shipped policy allows what none should", "[policies]") {
  for (const std::string& name : shipped_names()) {
    const policy::Policy policy = load(name);
    INFO(name);
    CHECK((policy.wx.value == "deny" || kJustInTime.count(name) == 1));
    CHECK(policy.on_violation.value != "log");
    CHECK((policy.network_mode.value != "host" || kClients.count(name) == 1));
    for (const std::string& call : allowed_calls(policy)) {
      INFO(call);
      CHECK_FALSE(is_never_allowed(call));
    }
  }
}

TEST_CASE("no shipped policy gives a warning that it does not accept", "[policies]") {
  plan::HostFacts facts;
  facts.home = "/home/user";
  const auto files = policy::testing::disk();
  for (const std::string& name : shipped_names()) {
    const auto found = policy::find_policy(name, kShipped, files);
    REQUIRE(found);
    const auto layers = policy::load_layers(*found, kShipped, files);
    REQUIRE(layers);
    const auto warnings = plan::check(
        *layers, facts, {{"/home/user/.config/sbx"}, {"/etc/sbx"}, {kDirectory}});
    REQUIRE(warnings);
    for (const plan::Warning& warning : *warnings) {
      INFO(name << ": " << to_text(warning.origin) << " " << warning.text);
      CHECK(policy::info(warning.caution).name == "none");
    }
  }
}

TEST_CASE("a second name of a shipped policy is a file of its own", "[policies]") {
  const auto names = shipped_names();
  for (const std::string& name : names) {
    const std::string path = kDirectory + "/" + name + ".toml";
    CHECK(policy::testing::read_whole(path).find("\nprograms") == std::string::npos);
  }
}

TEST_CASE("strict allows the original seccomp calls and no other", "[policies]") {
  const policy::Policy policy = load("strict");
  CHECK(allowed_calls(policy) ==
        std::set<std::string>{"read", "write", "exit", "exit_group", "rt_sigreturn"});
  CHECK(policy.on_violation.value == "kill");
  for (const auto& layered : policy.rules) {
    CHECK(layered.rule.action.value != "allow");
  }
}

TEST_CASE("nginx starts no program and opens no connection", "[policies]") {
  const auto calls = allowed_calls(load("nginx"));
  for (const char* call : {"execve", "execveat", "connect", "mount", "setuid"}) {
    CHECK(calls.count(call) == 0);
  }
  for (const char* call : {"accept4", "epoll_wait", "sendfile", "openat", "clone", "kill"}) {
    CHECK(calls.count(call) == 1);
  }
}

TEST_CASE("base and default keep a launch short", "[policies]") {
  const policy::Policy policy = load("default");
  CHECK(policy.read.size() + policy.write.size() <= 16);  // 4 of them are links on a merged /usr
  CHECK(policy.tmpfs.size() <= 2);
}
