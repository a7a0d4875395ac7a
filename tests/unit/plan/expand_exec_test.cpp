// SPDX-License-Identifier: Apache-2.0
// filesystem.exec, overlay, dev, proc, tmp and system; and the W^X rule between two grants.
#include <catch2/catch.hpp>

#include <algorithm>

#include "fake_host.h"
#include "plan/expand.h"
#include "plan/print.h"
#include "plan/view.h"

namespace sbx::plan {
namespace {

using Kind = PathFacts::Kind;

policy::Policy minimal() {
  policy::Policy policy;
  policy.system.value = policy.home.value = policy.cwd.value = policy.tmp.value = "none";
  policy.proc.value = "private";
  policy.machine_id.value = "none";
  policy.wx.value = "deny";
  policy.network_mode.value = "private";
  policy.landlock_reads.value = "mounts";
  return policy;
}

policy::LayeredPath entry(const std::string& path, const std::string& at = "", int layer = 1) {
  return {{path, at, false, {"t.toml", 3, 1}}, layer};
}

HostFacts user() {
  HostFacts facts;
  facts.uid = facts.gid = 1000;
  facts.home = "/home/u";
  facts.cwd = "/home/u/work";
  facts.landlock_abi = 7;
  return facts;
}

FakeHost host_with_loader() {
  FakeHost host = debian();
  host.links["/lib64"] = "usr/lib64";
  host.paths["/usr/lib64"] = host.paths["/dev/dri"] = host.paths["/tmp"] = host.paths["/opt"] = Kind::Directory;
  host.paths["/usr/lib64/ld-linux-x86-64.so.2"] = Kind::File;
  host.paths["/dev/kvm"] = Kind::Device;
  host.paths["/tmp/.X11-unix"] = Kind::Directory;
  return host;
}

Result<std::vector<MountOp>> expand(const policy::Policy& policy, const FakeHost& host = host_with_loader()) {
  Identity id;
  id.inside_uid = id.outside_uid = 1000;
  id.home = "/home/u";
  Probes probes = host.probes();
  probes.program = [](const std::string& path) {
    return path == "/usr/sbin/nginx" ? ProgramFacts{"/lib64/ld-linux-x86-64.so.2", false} : ProgramFacts{};
  };
  return expand_filesystem(policy, id, user(), probes);
}

std::vector<std::string> lines(const policy::Policy& policy) {
  const auto ops = expand(policy);
  REQUIRE(ops);
  std::vector<std::string> texts;
  for (const MountOp& op : *ops) {
    texts.push_back(describe(op));
  }
  return texts;
}

bool has(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

TEST_CASE("exec: only what is named, and what starts it", "[exec]") {
  auto policy = minimal();
  policy.read = {entry("/usr"), entry("/opt")};
  policy.exec = {entry("/usr/sbin/nginx")};
  const auto list = lines(policy);
  CHECK(has(list, "bind-mount /usr, read-only, noexec"));
  CHECK(has(list, "bind-mount /opt, read-only, noexec"));
  CHECK(has(list, "bind-mount /usr/lib, read-only, libraries: mapped, not executed"));
  CHECK(has(list, "bind-mount /usr/lib64, read-only, libraries: mapped, not executed"));
  CHECK(has(list, "bind-mount /usr/sbin/nginx, read-only"));
  CHECK(has(list, "bind-mount /usr/lib64/ld-linux-x86-64.so.2, read-only"));

  const auto ops = expand(policy);
  CHECK(look(*ops, "/usr/sbin/nginx").executable);
  CHECK_FALSE(look(*ops, "/usr/bin/true").executable);
  CHECK_FALSE(look(*ops, "/usr/lib/x").executable);
  const auto landlock = expand_landlock(*ops, {}, policy, {}, user());
  REQUIRE(landlock);
  std::vector<std::string> executable;
  for (const LandlockRule& rule : landlock->rules) {
    if (rule.execute) {
      executable.push_back(rule.path);
    }
  }
  CHECK(executable == std::vector<std::string>{"/usr/lib64/ld-linux-x86-64.so.2", "/usr/sbin/nginx"});
}

TEST_CASE("exec: a directory brings the system's loader", "[exec]") {
  auto policy = minimal();
  policy.read = {entry("/usr")};
  policy.exec = {entry("/opt")};
  const auto list = lines(policy);
  CHECK(has(list, "bind-mount /opt, read-only"));
  CHECK(has(list, "bind-mount /usr/lib64/ld-linux-x86-64.so.2, read-only"));
}

TEST_CASE("exec: without the key everything that is read can be executed", "[exec]") {
  auto policy = minimal();
  policy.read = {entry("/usr")};
  const auto list = lines(policy);
  CHECK(has(list, "bind-mount /usr, read-only"));
  CHECK_FALSE(has(list, "bind-mount /usr/lib, read-only, libraries: mapped, not executed"));
}

TEST_CASE("W^X: what is writable by one name is noexec by the other", "[exec]") {
  auto policy = minimal();
  policy.write = {entry("/home/u/work", "/data")};
  policy.read = {entry("/home/u/work")};
  CHECK(has(lines(policy), "bind-mount /home/u/work, read-only, noexec"));
  // The writable part of a larger tree is covered where the tree shows it.
  policy.read = {entry("/home/u")};
  const auto list = lines(policy);
  CHECK(has(list, "bind-mount /home/u, read-only"));
  CHECK(has(list, "bind-mount /home/u/work, read-only, noexec"));
  // At its own place the writable mount covers it already.
  policy.write = {entry("/home/u/work")};
  CHECK_FALSE(has(lines(policy), "bind-mount /home/u/work, read-only, noexec"));
}

TEST_CASE("overlay: of directories, noexec, limited by scratch", "[filesystem]") {
  auto policy = minimal();
  policy.overlay = {entry("/srv/www")};
  policy.limits[policy::Key::LimitsScratch] = {4096, {}};
  CHECK(has(lines(policy), "mount an overlay of /srv/www on /srv/www, changes in memory, at most 4096 bytes, noexec"));
  const auto ops = expand(policy);
  CHECK(look(*ops, "/srv/www/x").host_path == "/srv/www/x");
  CHECK_FALSE(look(*ops, "/srv/www/x").executable);
  policy.overlay = {entry("/etc/passwd")};
  const auto error = expand(policy);
  REQUIRE_FALSE(error);
  CHECK(error.error().action == "cannot lay an overlay over /etc/passwd");
}

TEST_CASE("dev, tmp and proc", "[filesystem]") {
  auto policy = minimal();
  policy.dev = {entry("/dev/kvm"), entry("/dev/dri")};
  policy.tmp.value = "host";
  policy.proc.value = "pids";
  const auto list = lines(policy);
  CHECK(has(list, "bind-mount /dev/kvm, writable device"));
  CHECK(has(list, "bind-mount /dev/dri, writable device"));
  CHECK(has(list, "bind-mount /tmp, writable, noexec"));
  CHECK(has(list, "mount a tmpfs on /tmp/.X11-unix, mode 0000, read-only, noexec, at most 4096 bytes"));
  CHECK(has(list, "mount a procfs on /proc, read-only, processes only"));
  policy.proc.value = "none";
  CHECK(has(lines(policy), "mount a procfs on /proc, read-only, for the launch alone"));
  policy.tmp.value = "none";
  for (const std::string& line : lines(policy)) {
    CHECK(line.find("/tmp") == std::string::npos);
  }
  CHECK(expand_openings(policy).size() == 2);  // the devices
}

TEST_CASE("system: usr, host or none", "[filesystem]") {
  auto policy = minimal();
  policy.system_usr = {entry("/usr")};
  policy.system_host = {entry("/opt")};
  const std::string usr = "bind-mount /usr, read-only", opt = "bind-mount /opt, read-only";
  CHECK_FALSE(has(lines(policy), usr));
  policy.system.value = "usr";
  CHECK((has(lines(policy), usr) && !has(lines(policy), opt)));
  policy.system.value = "host";
  CHECK((has(lines(policy), usr) && has(lines(policy), opt)));
}

TEST_CASE("Landlock: reads by rules, no TCP port without a network", "[landlock]") {
  auto policy = minimal();
  policy.read = {entry("/etc/passwd")};
  const auto ops = expand(policy);
  REQUIRE(ops);
  const auto paths = [&] {
    std::vector<std::string> list;
    const auto landlock = expand_landlock(*ops, {}, policy, {}, user());
    REQUIRE(landlock);
    for (const LandlockRule& rule : landlock->rules) {
      list.push_back(rule.path);
    }
    CHECK(landlock->tcp_bind.has_value() == (policy.network_mode.value == "none"));
    return list;
  };
  policy.wx.value = "deny";
  CHECK(has(paths(), "/etc/passwd"));  // programs in what is read can be executed
  CHECK_FALSE(has(paths(), "/proc"));
  policy.landlock_reads.value = "rules";
  policy.network_mode.value = "none";
  CHECK(has(paths(), "/proc"));
}

}  // namespace
}  // namespace sbx::plan
