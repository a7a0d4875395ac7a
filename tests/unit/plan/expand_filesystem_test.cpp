// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <algorithm>

#include "plan/expand.h"
#include "plan/print.h"
#include "plan/view.h"
#include "fake_host.h"

namespace sbx::plan {
namespace {

policy::Policy minimal() {
  policy::Policy policy;
  policy.name = "test";
  policy.home.value = "none";
  policy.cwd.value = "none";
  policy.wx.value = "deny";
  policy.machine_id.value = "none";
  return policy;
}

policy::LayeredPath entry(const std::string& path, bool optional = false, int layer = 1) {
  return {{path, "", optional, {"t.toml", 3, 1}}, layer};
}

HostFacts user() {
  HostFacts facts;
  facts.uid = facts.gid = 1000;
  facts.home = "/home/u";
  facts.cwd = "/home/u/work";
  return facts;
}

Identity identity() {
  Identity id;
  id.inside_uid = id.outside_uid = 1000;
  id.home = "/home/u";
  return id;
}

std::vector<std::string> lines(const policy::Policy& policy) {
  const FakeHost host = debian();
  const auto ops = expand_filesystem(policy, identity(), user(), host.probes());
  REQUIRE(ops);
  std::vector<std::string> texts;
  for (const MountOp& op : *ops) {
    texts.push_back(describe(op));
  }
  return texts;
}

long index_of(const std::vector<std::string>& list, const std::string& text) {
  const auto found = std::find(list.begin(), list.end(), text);
  return found == list.end() ? -1 : found - list.begin();
}

TEST_CASE("every root has proc, a minimal dev and nothing else", "[filesystem]") {
  const auto list = lines(minimal());
  CHECK(index_of(list, "mount a procfs on /proc, read-only") > 0);
  CHECK(index_of(list, "bind-mount /dev/null, writable device") > 0);
  CHECK(index_of(list, "mount a devpts on /dev/pts") > 0);
  CHECK(index_of(list, "mount a tmpfs on /dev/shm, mode 1777, noexec") > 0);
  for (const std::string& line : list) {
    CHECK(line.find("/usr") == std::string::npos);
    CHECK(line.find("/home") == std::string::npos);
  }
}

TEST_CASE("procfs stays writable where the policy allows W^X violations", "[filesystem]") {
  auto policy = minimal();
  policy.wx.value = "allow";
  CHECK(index_of(lines(policy), "mount a procfs on /proc") > 0);
}

TEST_CASE("a symbolic link of the host is a link inside, and its end is bound", "[filesystem]") {
  auto policy = minimal();
  policy.read = {entry("/usr"), entry("/bin"), entry("/etc/localtime")};
  const auto list = lines(policy);
  CHECK(index_of(list, "link /bin to usr/bin") >= 0);
  CHECK(index_of(list, "link /etc/localtime to /usr/share/zoneinfo/UTC") > 0);
  CHECK(index_of(list, "bind-mount /usr, read-only") > 0);
  // What lies below /usr is there already: no second mount.
  CHECK(index_of(list, "bind-mount /usr/bin, read-only") == -1);
  CHECK(index_of(list, "bind-mount /usr/share/zoneinfo/UTC, read-only") == -1);
}

TEST_CASE("parents come first and are made once", "[filesystem]") {
  auto policy = minimal();
  policy.write = {entry("/home/u/work")};
  policy.home.value = "private";
  const auto list = lines(policy);
  const long home = index_of(list, "mount a tmpfs on /home/u, mode 0700, noexec");
  const long work = index_of(list, "bind-mount /home/u/work, writable, noexec");
  CHECK(index_of(list, "make the directory /home") < home);
  CHECK(home < work);
  CHECK(std::count(list.begin(), list.end(), "make the directory /home") == 1);
}

TEST_CASE("the later layer's wish for a place wins", "[filesystem]") {
  auto policy = minimal();
  policy.read = {entry("/srv/www", false, 2)};
  policy.write = {entry("/srv/www", false, 1)};
  CHECK(index_of(lines(policy), "bind-mount /srv/www, read-only") > 0);
  policy.write = {entry("/srv/www", false, 3)};
  CHECK(index_of(lines(policy), "bind-mount /srv/www, writable, noexec") > 0);
}

TEST_CASE("every writable mount is noexec", "[filesystem]") {
  auto policy = minimal();
  policy.write = {entry("/srv/www"), entry("/home/u/work")};
  policy.tmpfs = {entry("/tmp"), entry("/run")};
  policy.home.value = "private";
  const FakeHost host = debian();
  const auto ops = expand_filesystem(policy, identity(), user(), host.probes());
  REQUIRE(ops);
  for (const MountOp& op : *ops) {
    if (const auto* bind = std::get_if<Bind>(&op.what); bind != nullptr && !bind->read_only) {
      CHECK(bind->no_exec);
    }
  }
}

TEST_CASE("a missing path is an error with its line, unless optional", "[filesystem]") {
  auto policy = minimal();
  policy.read = {entry("/srv/none")};
  const FakeHost host = debian();
  const auto ops = expand_filesystem(policy, identity(), user(), host.probes());
  REQUIRE_FALSE(ops);
  CHECK(to_text(ops.error()) ==
        "sbx: cannot grant /srv/none: No such file or directory (ENOENT) [t.toml:3:1]\n"
        "hint: create it, or mark the line optional = true\n");
  policy.read = {entry("/srv/none", true)};
  CHECK(expand_filesystem(policy, identity(), user(), host.probes()));
}

TEST_CASE("standing in one's home does not grant it", "[filesystem]") {
  auto policy = minimal();
  policy.cwd.value = "write";
  CHECK(index_of(lines(policy), "bind-mount /home/u/work, writable, noexec") > 0);
  const FakeHost host = debian();
  for (const char* above : {"/home/u", "/home", "/"}) {
    HostFacts facts = user();
    facts.cwd = above;
    const auto ops = expand_filesystem(policy, identity(), facts, host.probes());
    REQUIRE(ops);
    CHECK(look(*ops, "/home/u").kind == Seen::Kind::Nothing);
  }
}

TEST_CASE("a file below a granted directory is hidden by /dev/null", "[filesystem]") {
  auto policy = minimal();
  policy.read = {entry("/etc")};
  policy.hide = {entry("/etc/passwd", false, 2)};
  CHECK(index_of(lines(policy), "bind-mount /dev/null at /etc/passwd, read-only device") > 0);
}

TEST_CASE("the view tells what lies at a path inside", "[view]") {
  auto policy = minimal();
  policy.read = {entry("/usr"), entry("/bin")};
  policy.write = {entry("/home/u/work")};
  const FakeHost host = debian();
  const auto ops = expand_filesystem(policy, identity(), user(), host.probes());
  REQUIRE(ops);
  CHECK(look(*ops, "/bin/true").host_path == "/usr/bin/true");
  CHECK(look(*ops, "/usr/bin/true").executable);
  CHECK_FALSE(look(*ops, "/home/u/work/prog").executable);
  CHECK(look(*ops, "/home/u/.ssh").kind == Seen::Kind::Nothing);
  CHECK(look(*ops, "/proc/1").kind == Seen::Kind::Nothing);
  CHECK(look(*ops, "/").kind == Seen::Kind::Own);
  CHECK(inside_path_of(*ops, "/usr/bin/mawk") == "/usr/bin/mawk");
  CHECK(inside_path_of(*ops, "/etc/passwd") == std::nullopt);
}

TEST_CASE("a link that the user owns is not followed: a sandboxee may have planted it", "[filesystem]") {
  FakeHost host = debian();
  host.paths["/home/u/.ssh"] = PathFacts::Kind::Directory;
  host.links["/home/u/work/sub"] = "/home/u/.ssh";
  host.links["/home/u/sys"] = "/usr/share";
  host.link_owners = {{"/home/u/work/sub", 1000}, {"/home/u/sys", 1000}};
  auto policy = minimal();
  policy.write = {entry("/home/u/work/sub")};
  auto ops = expand_filesystem(policy, identity(), user(), host.probes());
  REQUIRE_FALSE(ops);
  CHECK(to_text(ops.error()) ==
        "sbx: cannot grant /home/u/work/sub: it is a symbolic link, which an earlier sandboxed run may "
        "have put there [t.toml:3:1]\n"
        "hint: if it should lead there, name what it leads to: /home/u/.ssh\n");
  policy.write[0].entry.at = "/data";  // another place inside changes nothing
  CHECK_FALSE(expand_filesystem(policy, identity(), user(), host.probes()));
  policy.write = {};
  policy.read = {entry("/home/u/sys/zoneinfo/UTC")};
  CHECK_FALSE(expand_filesystem(policy, identity(), user(), host.probes()));
  host.link_owners.clear();  // the administrator's
  CHECK(expand_filesystem(policy, identity(), user(), host.probes()));
}

TEST_CASE("a root outside trusts only the system's own links", "[filesystem]") {
  FakeHost host = debian();
  host.links["/root/sub"] = "/usr/share";
  HostFacts facts = user();
  facts.uid = facts.gid = 0;
  facts.home = "/root";
  Identity root;
  root.home = "/root";
  auto policy = minimal();
  policy.read = {entry("/usr"), entry("/bin")};
  CHECK(expand_filesystem(policy, root, facts, host.probes()));
  policy.read = {entry("/root/sub/zoneinfo/UTC")};
  CHECK_FALSE(expand_filesystem(policy, root, facts, host.probes()));
  root.outside_uid = 65534;  // it has left root: what is root's, no sandboxee has made
  CHECK(expand_filesystem(policy, root, facts, host.probes()));
}

}  // namespace
}  // namespace sbx::plan
