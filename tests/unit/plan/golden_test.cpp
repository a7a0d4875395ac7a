// SPDX-License-Identifier: Apache-2.0
// What each shipped policy comes to on a plain Debian host: the whole dry-run text, filter listing
// included, against tests/golden/NAME.txt. A change of a policy shows its difference in security
// there, for review. SBX_UPDATE_GOLDEN=1 rewrites the files.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>

#include "../policy/policy_files.h"
#include "fake_host.h"
#include "plan/print.h"
#include "plan/resolve.h"
#include "policy/merge.h"

namespace sbx::plan {
namespace {

const std::string kSource = SBX_SOURCE_DIR;
const policy::SearchPath kShipped{{}, {kSource + "/policies"}};

// Everything that a policy names is there; what looks like a file of /etc is one.
Probes debian_with_everything() {
  static const FakeHost links = debian();
  Probes probes = links.probes();
  probes.path = [](const std::string& path) {
    static const std::set<std::string> files{
        "/etc/group",     "/etc/hosts",  "/etc/ld.so.cache", "/etc/localtime", "/etc/nsswitch.conf",
        "/etc/passwd",    "/etc/gitconfig", "/etc/resolv.conf", "/etc/services", "/etc/protocols",
        "/etc/mime.types", "/etc/wgetrc", "/etc/inputrc",     "/etc/bash.bashrc", "/etc/profile",
        "/etc/host.conf", "/etc/gai.conf", "/etc/timezone",   "/etc/os-release",
        "/usr/bin/redis-server", "/usr/bin/memcached", "/lib64/ld-linux-x86-64.so.2"};
    PathFacts facts = links.probes().path(path);
    if (facts.kind == PathFacts::Kind::Missing) {
      facts.kind = path.starts_with("/dev/") ? PathFacts::Kind::Device
                   : files.contains(path)    ? PathFacts::Kind::File
                                             : PathFacts::Kind::Directory;
    }
    return facts;
  };
  probes.program = [](const std::string&) { return ProgramFacts{"/lib64/ld-linux-x86-64.so.2", false}; };
  probes.accounts.uid_of = probes.accounts.gid_of = [](const std::string& name) {
    return std::optional<std::uint32_t>(name == "root" ? 0 : 101);
  };
  return probes;
}

HostFacts host_of_u() {
  HostFacts facts;
  facts.uid = facts.gid = 1000;
  facts.user_name = "u";
  facts.home = "/home/u";
  facts.cwd = "/home/u/work";
  facts.environment = {{"PATH", "/usr/bin:/bin"}, {"LANG", "C.UTF-8"}, {"TERM", "xterm"}};
  facts.has_mdwe = facts.has_wait_killable = true;
  facts.landlock_abi = 7;
  return facts;
}

// A second name for another policy says nothing of its own.
bool is_alias(const policy::PolicyLayer& own) {
  return std::all_of(own.values.begin(), own.values.end(), [](const auto& value) {
    return value.first == policy::Key::PolicyDescription || value.first == policy::Key::PolicyExtends;
  });
}

// The checkout's place is nobody's business.
std::string without_source(std::string text) {
  const std::string prefix = kSource + "/";
  for (std::size_t at = 0; (at = text.find(prefix, at)) != std::string::npos;) {
    text.erase(at, prefix.size());
  }
  return text;
}

TEST_CASE("every shipped policy comes to what its golden file says", "[golden]") {
  const auto files = policy::testing::disk();
  for (const policy::PolicyFile& file : policy::list_policies(kShipped, files)) {
    INFO(file.name);
    const auto layers = policy::load_layers(file, kShipped, files);
    REQUIRE(layers);
    if (is_alias(layers->back()) && file.name != "base") {
      continue;
    }
    const auto merged = policy::merge(*layers);
    REQUIRE(merged);
    const auto plan = resolve(*merged, {}, host_of_u(), debian_with_everything());
    INFO((plan ? "" : to_text(plan.error())));
    REQUIRE(plan);
    const std::string text = without_source(to_text(*plan));
    const std::string golden = kSource + "/tests/golden/" + file.name + ".txt";
    if (std::getenv("SBX_UPDATE_GOLDEN") != nullptr) {
      std::ofstream(golden, std::ios::binary) << text;
    }
    CHECK(text == policy::testing::read_whole(golden));
  }
}

}  // namespace
}  // namespace sbx::plan
