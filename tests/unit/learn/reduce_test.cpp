// SPDX-License-Identifier: Apache-2.0
#include "learn/reduce.h"

#include <sys/socket.h>

#include <algorithm>
#include <map>

#include <catch2/catch.hpp>

#include "learn/check.h"
#include "policy/toml_reader.h"

using namespace sbx::learn;
using sbx::policy::Key;

namespace {

struct World {
  std::map<std::string, FileKind> files;
  std::map<std::string, Shown> shown;  // by the nearest directory above

  Surroundings surroundings() const {
    Surroundings where;
    where.home = "/home/u";
    where.cwd = "/home/u/work";
    where.kind = [this](const std::string& path) {
      const auto found = files.find(path);
      return found == files.end() ? FileKind::Missing : found->second;
    };
    where.shown = [this](const std::string& path) {
      const auto found = shown.find(path.substr(0, path.find('/', 1)));
      return found == shown.end() ? Shown{} : found->second;
    };
    where.was_there = [this](const std::string& path) { return files.contains(path); };
    where.target = [](const std::string& path) {
      return path == "/usr/lib/app.conf" ? std::string("/etc/app.conf") : path;
    };
    // BASE lists every address at port 443, and the ports from 8000 on.
    where.address = [](const std::string& address, bool is_bind) {
      AddressAnswer answer{true, !is_bind && address.starts_with("127."), false, {}};
      if (is_bind ? address.ends_with(":8000") : !answer.inside && address.ends_with(":443")) {
        answer.entry = is_bind ? "8000-" : "*:443";
        answer.outside = !is_bind;
      }
      return answer;
    };
    return where;
  }
};

World world() {
  World made;
  made.shown["/usr"] = {true, false, true};
  made.shown["/tmp"] = {true, true, false};
  for (const char* path : {"/home/u", "/home/u/.config", "/home/u/.config/app", "/home/u/work", "/etc", "/srv",
                           "/home/u/data"}) {
    made.files[path] = FileKind::Directory;
  }
  for (const char* path : {"/home/u/.config/app/rc", "/home/u/notes", "/etc/app.conf", "/usr/bin/app",
                           "/usr/bin/helper", "/home/u/work/a.c", "/home/u/data/1", "/home/u/data/2",
                           "/home/u/data/3", "/home/u/data/4"}) {
    made.files[path] = FileKind::File;
  }
  return made;
}

Observations seen(std::vector<FileUse> files, std::vector<CallUse> calls = {}) {
  Observations all;
  all.files = std::move(files);
  all.calls = std::move(calls);
  return all;
}

Learned learned(const Observations& all) {
  const World made = world();
  return reduce(all, {"default", {}}, {{"app"}, "/usr/bin/app", "It saw everything.", false},
                made.surroundings());
}

const Use kOnce{1, 1, 1, {"app"}};

CallUse call(const std::string& name, std::array<std::uint64_t, 3> values = {}, Fate fate = Fate::Lacking) {
  return {name, values, fate, fate == Fate::Refused ? 38 : 0, true, kOnce};
}

std::vector<std::string> paths(const Learned& of, Key key) {
  std::vector<std::string> all;
  const auto found = of.layer.values.find(key);
  if (found != of.layer.values.end()) {
    for (const auto& entry : std::get<std::vector<sbx::policy::PathEntry>>(found->second)) {
      all.push_back(entry.path);
    }
  }
  return all;
}

std::vector<std::string> names(const Learned& of, Key key) {
  std::vector<std::string> all;
  const auto found = of.layer.values.find(key);
  if (found != of.layer.values.end()) {
    for (const auto& entry : std::get<std::vector<sbx::policy::Text>>(found->second)) {
      all.push_back(entry.value);
    }
  }
  return all;
}

std::string word(const Learned& of, Key key) {
  const auto found = of.layer.values.find(key);
  return found == of.layer.values.end() ? "" : std::get<sbx::policy::Text>(found->second).value;
}

bool has(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

using Paths = std::vector<std::string>;

}  // namespace

TEST_CASE("reduce: only files that were there, and that the base does not show") {
  const Learned of = learned(seen({{"/etc/app.conf", kRead, kOnce},
                                   {"/etc/missing", kRead, kOnce},
                                   {"/usr/share/x", kRead, kOnce},
                                   {"/home/u/notes", kRead, kOnce},
                                   {"/srv", kLooked, kOnce}}));
  CHECK(paths(of, Key::FilesystemRead) == Paths{"/etc/app.conf", "~/notes"});
  CHECK(paths(of, Key::FilesystemCreate) == Paths{"/srv"});
  CHECK(word(of, Key::FilesystemHome) == "private");
}

TEST_CASE("reduce: many siblings are their directory, but never a home") {
  std::vector<FileUse> files;
  for (const char* name : {"1", "2", "3", "4"}) {
    files.push_back({std::string("/home/u/data/") + name, kRead, kOnce});
  }
  CHECK(paths(learned(seen(files)), Key::FilesystemRead) == Paths{"~/data"});
  World made = world();
  for (int i = 0; i < 100; ++i) {
    made.files["/home/u/f" + std::to_string(i)] = FileKind::File;
    files.push_back({"/home/u/f" + std::to_string(i), kRead, kOnce});
  }
  const Learned of = reduce(seen(files), {"default", {}}, {{"app"}, "/usr/bin/app", "", false}, made.surroundings());
  CHECK(paths(of, Key::FilesystemRead).size() == 101);
  CHECK_FALSE(has(paths(of, Key::FilesystemRead), "~"));
}

TEST_CASE("reduce: what is written, made, or made in an empty home") {
  const Learned of = learned(seen({{"/home/u/.config/app/rc", kWrote | kOpenedToMake, kOnce},
                                   {"/home/u/.config/app/new", kMade, kOnce},
                                   {"/home/u/.cache-file", kWrote | kOpenedToMake, kOnce},
                                   {"/tmp/x", kWrote | kOpenedToMake, kOnce},
                                   {"/etc/app.conf", kWrote, kOnce}}));
  CHECK(paths(of, Key::FilesystemWrite) == Paths{"~/.config/app"});
  CHECK_THAT(of.comments.end, Catch::Contains("~/.cache-file"));
  CHECK_THAT(of.comments.end, Catch::Contains("/etc/app.conf"));
  CHECK_FALSE(has(paths(of, Key::FilesystemRead), "/etc/app.conf"));
}

TEST_CASE("reduce: the current directory is the policy's word for it") {
  CHECK(word(learned(seen({{"/home/u/work/a.c", kRead, kOnce}})), Key::FilesystemCwd) == "read");
  const Learned of = learned(seen({{"/home/u/work/a.o", kWrote | kOpenedToMake, kOnce}}));
  CHECK(word(of, Key::FilesystemCwd) == "write");
  CHECK(has(names(of, Key::PolicyExtends), "workdir"));
}

TEST_CASE("reduce: only what was executed can be") {
  CHECK(paths(learned(seen({{"/usr/bin/helper", kExecuted, kOnce}, {"/usr/bin/absent", kExecuted, kOnce}})),
              Key::FilesystemExec) == Paths{"/usr/bin/app", "/usr/bin/helper"});
}

TEST_CASE("reduce: calls with their siblings, not with what is more than a sibling") {
  const Learned of = learned(seen({}, {call("epoll_wait"), call("execve"), call("read")}));
  const auto allowed = names(of, Key::SeccompAllow);
  CHECK(has(allowed, "epoll_wait"));
  CHECK(has(allowed, "epoll_pwait2"));
  CHECK(has(allowed, "execve"));
  CHECK_FALSE(has(allowed, "execveat"));
  CHECK_FALSE(has(allowed, "read"));  // @loader has it
  CHECK(has(allowed, "@loader"));
}

TEST_CASE("reduce: a thread is no leave to start processes") {
  const auto threads = names(learned(seen({}, {call("clone", {1})})), Key::SeccompAllow);
  CHECK_FALSE(has(threads, "clone"));
  CHECK_FALSE(has(threads, "fork"));
  const auto processes = names(learned(seen({}, {call("vfork")})), Key::SeccompAllow);
  CHECK(has(processes, "fork"));
}

TEST_CASE("reduce: what was refused is refused again without a word, and is left to decide") {
  const Learned of = learned(seen({}, {call("ptrace", {}, Fate::Denied), call("io_uring_setup", {}, Fate::Refused)}));
  CHECK_FALSE(has(names(of, Key::SeccompAllow), "ptrace"));
  CHECK_THAT(of.comments.end, Catch::Contains("ptrace was refused") && Catch::Contains("dangerous"));
  const auto& rules = std::get<std::vector<sbx::policy::SeccompRule>>(of.layer.values.at(Key::SeccompRules));
  CHECK(std::count_if(rules.begin(), rules.end(), [](const sbx::policy::SeccompRule& rule) {
          return rule.action.value == "errno(EPERM)" || rule.action.value == "errno(ENOSYS)";
        }) == 2);
}

TEST_CASE("reduce: no sockets, no network; a look for a name cache is none") {
  const Learned none = learned(seen({}, {call("socket", {AF_UNIX, SOCK_STREAM, 0}), call("connect")}));
  CHECK(names(none, Key::PolicyExtends) == Paths{"offline"});
  CHECK_FALSE(has(names(none, Key::SeccompAllow), "connect"));
  const Learned some = learned(seen({}, {call("socket", {AF_INET, SOCK_STREAM, 0})}));
  CHECK(names(some, Key::PolicyExtends).empty());
  CHECK(names(some, Key::NetworkFamilies) == Paths{"inet"});
}

TEST_CASE("reduce: a link that is shown is no use where its target is not") {
  World made = world();
  made.files["/usr/lib/app.conf"] = FileKind::File;
  const Observations all = seen({{"/usr/lib/app.conf", kRead, kOnce}});
  const Learned of = reduce(all, {"default", {}}, {{"app"}, "/usr/bin/app", "It saw.", false}, made.surroundings());
  const auto& read = std::get<std::vector<sbx::policy::PathEntry>>(of.layer.values.at(Key::FilesystemRead));
  REQUIRE(read.size() == 1);
  CHECK(read[0].path == "/etc/app.conf");
  const auto lacks = find_lacks(all, made.surroundings());
  REQUIRE(lacks.size() == 1);
  CHECK(lacks[0].what == "/etc/app.conf");
}

TEST_CASE("reduce: an address outside is granted by itself, many by the entry that let them out") {
  Observations few = seen({}, {call("socket", {AF_INET, SOCK_STREAM, 0}), call("connect")});
  few.addresses = {{"192.0.2.1:443", false, kOnce}, {"127.0.0.1:443", false, kOnce}, {"192.0.2.1:80", false, kOnce}};
  Base base{"default", {}};
  base.layers.emplace_back();
  base.layers.back().values[Key::NetworkConnect] = std::vector<sbx::policy::Text>{{"*:443", {}}};
  const World made = world();
  const Subject app{{"app"}, "/usr/bin/app", "It saw.", false};
  CHECK(names(reduce(few, base, app, made.surroundings()), Key::NetworkConnect) == Paths{"192.0.2.1:443"});
  Observations many = few;
  for (int i = 2; i < 20; ++i) {
    many.addresses.push_back({"192.0.2." + std::to_string(i) + ":443", false, kOnce});
  }
  CHECK(names(reduce(many, base, app, made.surroundings()), Key::NetworkConnect) == Paths{"*:443"});
}

TEST_CASE("reduce: ports that the kernel chose are others in the next run") {
  Observations all = seen({}, {call("socket", {AF_INET, SOCK_STREAM, 0}), call("bind")});
  all.addresses = {{"127.0.0.1:49152", true, kOnce}};
  CHECK(names(learned(all), Key::NetworkBind) == Paths{"49152"});  // a server's own
  all.addresses.push_back({"127.0.0.1:0", true, kOnce});
  CHECK(names(learned(all), Key::NetworkBind) == Paths{"32768-60999"});
  all.addresses = {{"127.0.0.1:40000", true, kOnce}, {"127.0.0.1:50000", true, kOnce}, {"127.0.0.1:80", true, kOnce}};
  CHECK(names(learned(all), Key::NetworkBind) == Paths{"32768-60999", "80"});
}

TEST_CASE("check: addresses that the lists lack, and entries that were not used") {
  Observations all;
  all.addresses = {{"192.0.2.1:443", false, kOnce}, {"192.0.2.1:80", false, kOnce}, {"127.0.0.1:80", false, kOnce},
                   {"0.0.0.0:8000", true, kOnce},   {"0.0.0.0:81", true, kOnce}};
  const World made = world();
  std::vector<std::string> lacks;
  for (const Finding& one : find_lacks(all, made.surroundings())) {
    lacks.push_back(one.kind + " " + one.what);
  }
  CHECK(lacks == Paths{"bind 0.0.0.0:81", "connect 192.0.2.1:80"});
  sbx::policy::PolicyLayer layer;
  layer.values[Key::NetworkConnect] = std::vector<sbx::policy::Text>{{"*:443", {}}, {"*:9", {}}};
  layer.values[Key::NetworkBind] = std::vector<sbx::policy::Text>{{"8000-", {}}};
  const auto unused = find_unused(all, layer, made.surroundings());
  REQUIRE(unused.size() == 1);
  CHECK(unused.front().what == "*:9");
}

TEST_CASE("reduce: the written text is read back as the same policy, whatever names were met") {
  World made = world();
  const std::string hostile = "/home/u/a \"b\"\n[seccomp]\nallow = [\"@known\"]\\";
  made.files[hostile] = FileKind::File;
  made.files["/home/u/\xff\xfe"] = FileKind::File;
  Use by_hostile = kOnce;
  by_hostile.programs = {"x\n\"y\""};
  const Learned of = reduce(seen({{hostile, kRead, by_hostile}, {"/home/u/\xff\xfe", kRead, by_hostile}},
                                 {{"getuid", {}, Fate::Lacking, 0, true, by_hostile}}),
                            {"default", {}}, {{"app", "a\nb"}, "/usr/bin/app", "It saw.", false},
                            made.surroundings());
  const std::string text = sbx::policy::to_toml(of.layer, of.comments);
  CAPTURE(text);
  auto back = sbx::policy::read_toml(text, "x.toml", "x");
  REQUIRE(back);
  CHECK(back->values.size() == of.layer.values.size());
  CHECK_FALSE(std::any_of(back->values.begin(), back->values.end(), [](const auto& value) {
    const auto* list = std::get_if<std::vector<sbx::policy::Text>>(&value.second);
    return list != nullptr && std::any_of(list->begin(), list->end(), [](const sbx::policy::Text& one) {
             return one.value == "@known";
           });
  }));
  const auto& read = std::get<std::vector<sbx::policy::PathEntry>>(back->values.at(Key::FilesystemRead));
  REQUIRE(read.size() == 1);
  CHECK(read[0].path == "~" + hostile.substr(7));
  CHECK_THAT(of.comments.end, Catch::Contains("no UTF-8"));
}

TEST_CASE("reduce: the same observations are the same text") {
  const Observations all = seen({{"/etc/app.conf", kRead, kOnce}}, {call("getuid"), call("ioctl", {0x5401})});
  const Learned one = learned(all);
  const Learned other = learned(all);
  CHECK(sbx::policy::to_toml(one.layer, one.comments) == sbx::policy::to_toml(other.layer, other.comments));
}
