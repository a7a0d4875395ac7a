// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <linux/capability.h>
#include <linux/sched.h>

#include <string>

#include "fake_host.h"
#include "plan/expand.h"
#include "plan/namespaces.h"
#include "policy/capabilities.h"
#include "policy/merge.h"
#include "policy/toml_reader.h"
#include "seccomp/compile.h"
#include "seccomp/syscall_table.h"

using namespace sbx;

namespace {

policy::Policy policy_of(const std::string& text) {
  auto layer = policy::read_toml("schema = 1\n" + text, "t.toml", "t");
  INFO((layer ? "" : to_text(layer.error())));
  REQUIRE(layer);
  auto merged = policy::merge({*layer});
  INFO((merged ? "" : to_text(merged.error())));
  REQUIRE(merged);
  return *std::move(merged);
}

seccomp::Verdict verdict(const policy::Policy& policy, const char* name, std::uint64_t first,
                         std::uint64_t second = 0) {
  const auto spec = plan::expand_filter(policy, plan::HostFacts{});
  REQUIRE(spec);
  const auto program = seccomp::compile(*spec);
  REQUIRE(program);
  REQUIRE(seccomp::verify(*spec, *program));
  seccomp_data call{};
  call.arch = seccomp::audit_arch(spec->arch);
  call.nr = seccomp::number_of(spec->arch, name).value();
  call.args[0] = first;
  call.args[1] = second;
  return seccomp::evaluate(*spec, call).action.verdict;
}

constexpr auto kAllow = seccomp::Verdict::Allow;
constexpr auto kNotify = seccomp::Verdict::Notify;

}  // namespace

TEST_CASE("namespaces: what is own, by default and by word", "[namespaces]") {
  struct Row {
    const char* text;
    std::uint64_t shared;  // not own, of all but time
    bool time;
  };
  const Row rows[] = {
      {"", 0, false},
      {"[namespaces]\nipc = false", CLONE_NEWIPC, false},
      {"[namespaces]\nuts = false\ncgroup = false", CLONE_NEWUTS | CLONE_NEWCGROUP, false},
      {"[namespaces]\ntime = true", 0, true},
      {"[network]\nmode = \"host\"", CLONE_NEWNET, false},
      {"[network]\nmode = \"host\"\n[namespaces]\nnet = false", CLONE_NEWNET, false},
      {"[network]\nmode = \"none\"\n[namespaces]\nnet = true\nuser = true", 0, false},
  };
  std::uint64_t all = 0;
  for (const plan::NamespaceKind& kind : plan::namespace_kinds()) {
    all |= kind.flag;
  }
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto namespaces = plan::expand_namespaces(policy_of(row.text));
    REQUIRE(namespaces);
    const std::uint64_t without_time = all & ~std::uint64_t{CLONE_NEWTIME} & ~row.shared;
    CHECK(namespaces->own == (without_time | (row.time ? std::uint64_t{CLONE_NEWTIME} : 0)));
    CHECK(namespaces->nested == 0);
  }
  CHECK(plan::names_of_namespaces(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS) == "user, mount and pid");
  CHECK(plan::names_of_namespaces(CLONE_NEWTIME) == "time");
}

TEST_CASE("namespaces: nested opens exactly the kinds that it names", "[namespaces]") {
  const std::string allow = "[seccomp]\nallow = [\"clone\"]\n[memory]\nwx = \"allow\"\n";
  const policy::Policy none = policy_of(allow);
  CHECK(verdict(none, "clone", CLONE_NEWUSER) == kNotify);
  CHECK(verdict(none, "unshare", CLONE_NEWUSER) == kNotify);
  CHECK(verdict(none, "setns", 3, CLONE_NEWUSER) == kNotify);

  const policy::Policy some = policy_of(allow + "[namespaces]\nnested = [\"user\", \"pid\"]");
  const auto namespaces = plan::expand_namespaces(some);
  REQUIRE(namespaces);
  CHECK(namespaces->nested == (CLONE_NEWUSER | CLONE_NEWPID));
  for (const plan::NamespaceKind& kind : plan::namespace_kinds()) {
    CAPTURE(kind.name);
    const bool named = (namespaces->nested & kind.flag) != 0;
    CHECK(verdict(some, "unshare", kind.flag) == (named ? kAllow : kNotify));
    CHECK(verdict(some, "unshare", kind.flag | CLONE_NEWUSER) == (named ? kAllow : kNotify));
    CHECK(verdict(some, "setns", 3, kind.flag) == (named ? kAllow : kNotify));
    if (kind.flag != CLONE_NEWTIME) {
      CHECK(verdict(some, "clone", kind.flag | 17) == (named ? kAllow : kNotify));
    }
  }
  CHECK(verdict(some, "setns", 3, 0) == kNotify);  // any kind
  CHECK(verdict(some, "mount", 0) == kNotify);     // still the policy's own matter
  CHECK(verdict(some, "clone3", 0) == seccomp::Verdict::Errno);

  // The policy's own word against the call stands.
  const policy::Policy denied = policy_of(
      "[seccomp]\nallow = [\"clone\"]\ndeny = [\"unshare\"]\n[memory]\nwx = \"allow\"\n"
      "[namespaces]\nnested = [\"user\"]");
  CHECK(verdict(denied, "unshare", CLONE_NEWUSER) == kNotify);
  CHECK(verdict(denied, "clone", CLONE_NEWUSER) == kAllow);
}

TEST_CASE("namespaces: nested mounts take Landlock's paths, an old kernel the ABI", "[namespaces]") {
  const plan::Request request;
  plan::HostFacts facts;
  facts.landlock_abi = 6;
  const auto landlock = [&](const policy::Policy& policy, const plan::Request& by) {
    const auto namespaces = plan::expand_namespaces(policy);
    REQUIRE(namespaces);
    return plan::expand_landlock({}, *namespaces, policy, by, facts);
  };
  const auto nested = landlock(policy_of("[memory]\nwx = \"allow\"\n"
                                         "[namespaces]\nnested = [\"user\", \"mount\"]"), request);
  REQUIRE(nested);
  CHECK_FALSE(nested->paths);
  CHECK(nested->rules.empty());
  CHECK(nested->abi == 6);

  CHECK(landlock(policy_of("[landlock]\nrequire = 6"), request));
  const auto newer = landlock(policy_of("[landlock]\nrequire = 7"), request);
  REQUIRE_FALSE(newer);
  CHECK(newer.error().origin.line == 3);
  CHECK_THAT(newer.error().action, Catch::Contains("ABI 6") && Catch::Contains("requires 7"));
  plan::Request degraded;
  degraded.allow_degraded = {"landlock"};
  const auto allowed = landlock(policy_of("[landlock]\nrequire = 7"), degraded);
  REQUIRE(allowed);
  CHECK(allowed->abi == 6);
}

TEST_CASE("capabilities: the table is the kernel's, the mask what is kept", "[capabilities]") {
  REQUIRE(policy::capabilities().size() == CAP_CHECKPOINT_RESTORE + 1);
  const auto number = [](const char* name) {
    return policy::find_capability(name) - policy::capabilities().data();
  };
  CHECK(number("CAP_NET_RAW") == CAP_NET_RAW);
  CHECK(number("CAP_SYS_ADMIN") == CAP_SYS_ADMIN);
  CHECK(number("CAP_LEASE") == CAP_LEASE);
  CHECK(number("CAP_SETFCAP") == CAP_SETFCAP);
  CHECK(number("CAP_CHECKPOINT_RESTORE") == CAP_CHECKPOINT_RESTORE);
  CHECK(policy::find_capability("net_raw") == nullptr);

  CHECK(plan::expand_capabilities(policy_of("")) == 0);
  CHECK(plan::expand_capabilities(policy_of(
            "[capabilities]\nkeep = [\"CAP_NET_BIND_SERVICE\", \"CAP_CHECKPOINT_RESTORE\"]")) ==
        ((1ull << CAP_NET_BIND_SERVICE) | (1ull << CAP_CHECKPOINT_RESTORE)));
}

TEST_CASE("machine id: written, random or covered", "[filesystem]") {
  const auto mounts = [](const std::string& text, plan::FakeHost host) {
    plan::HostFacts facts;
    facts.home = "/home/u";
    facts.cwd = "/";
    return plan::expand_filesystem(policy_of(text), {}, facts, host.probes());
  };
  const auto contents = [](const std::vector<plan::MountOp>& ops, const std::string& place) {
    for (const plan::MountOp& op : ops) {
      if (const auto* file = std::get_if<plan::MakeFile>(&op.what); file != nullptr && file->destination == place && !file->contents.empty()) {
        return file->contents;
      }
      if (const auto* bind = std::get_if<plan::Bind>(&op.what); bind != nullptr && bind->destination == place) {
        return "bound: " + bind->source;
      }
    }
    return std::string("nothing");
  };
  plan::FakeHost host = plan::debian();
  host.paths["/etc/machine-id"] = plan::PathFacts::Kind::File;
  const std::string id = "0123456789abcdef0123456789abcdef";

  const auto none = mounts("", host);
  REQUIRE(none);
  CHECK(contents(*none, "/etc/machine-id") == "nothing");
  for (const std::string& word : {std::string("random"), id}) {
    const auto written = mounts("[identity]\nmachine-id = \"" + word + "\"", host);
    REQUIRE(written);
    CHECK(contents(*written, "/etc/machine-id") == id + "\n");
    CHECK(contents(*written, "/var/lib/dbus/machine-id") == id + "\n");
  }
  // A grant of the whole directory does not show it; one of the file does.
  const auto covered = mounts("[filesystem]\nread = [\"/etc\"]", host);
  REQUIRE(covered);
  CHECK(contents(*covered, "/etc/machine-id") == "bound: /dev/null");
  const auto granted = mounts("[filesystem]\nread = [\"/etc/machine-id\"]", host);
  REQUIRE(granted);
  CHECK(contents(*granted, "/etc/machine-id") == "bound: /etc/machine-id");
  const auto clash = mounts("[filesystem]\nread = [\"/etc\"]\n[identity]\nmachine-id = \"random\"", host);
  REQUIRE_FALSE(clash);
  CHECK(clash.error().origin.line == 5);
}
