// SPDX-License-Identifier: Apache-2.0
#include "plan/neutral_host.h"

namespace sbx::plan {
namespace {

constexpr std::uint32_t kUser = 1000;
constexpr int kLandlockAbi = 7;  // Linux 6.15

PathFacts found(const std::string& path) {
  PathFacts facts;
  facts.kind = path.starts_with("/dev/") ? PathFacts::Kind::Device : PathFacts::Kind::Directory;
  facts.canonical = path;
  return facts;
}

std::optional<std::uint32_t> id_of(const std::string& name) {
  return name == "root" ? 0 : kUser;
}

}  // namespace

HostFacts neutral_facts(seccomp::Arch arch) {
  HostFacts facts;
  facts.uid = facts.gid = kUser;
  facts.user_name = "user";
  facts.home = "/home/user";
  facts.cwd = "/";
  facts.os_release = "6.18.0";
  facts.arch = arch;
  facts.has_mdwe = facts.has_wait_killable = true;
  facts.landlock_abi = kLandlockAbi;
  facts.environment = {{"DISPLAY", ":0"}, {"XDG_RUNTIME_DIR", "/run/user/1000"}};  // a session, for [desktop]
  facts.name_servers = {"192.0.2.53"};
  return facts;
}

Probes neutral_probes() {
  Probes probes;
  probes.path = found;
  probes.link = [](const std::string&) { return std::nullopt; };
  probes.accounts = {id_of, id_of};
  probes.random_machine_id = [] { return std::string(32, '0'); };
  probes.cgroup = [] {
    CgroupFacts facts;
    facts.why_not = "this host gives none";
    return facts;
  };
  return probes;
}

}  // namespace sbx::plan
