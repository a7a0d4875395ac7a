// SPDX-License-Identifier: Apache-2.0
#include "interop/firejail_profile.h"

#include <catch2/catch.hpp>
#include <cerrno>
#include <map>

#include "policy/toml_reader.h"
#include "policy/toml_writer.h"

using namespace sbx;
using interop::Finding;
using Kind = Finding::Kind;
using policy::Key;

namespace {

using Files = std::map<std::string, std::string>;

Result<interop::Import> import(const std::string& text, const Files& files = {},
                               const std::vector<std::string>& on_disk = {}) {
  interop::ImportRequest request;
  request.text = text;
  request.source = "/p/app.profile";
  request.name = "app";
  request.home = "/home/u";
  request.read = [&](const std::string& path) -> Result<std::string> {
    const auto found = files.find(path);
    return found != files.end() ? Result<std::string>(found->second) : Error{"no " + path, ENOENT, {}, {}};
  };
  request.glob = [&](const std::string& pattern) {
    std::vector<std::string> found;
    const std::string start = pattern.substr(0, pattern.find('*'));
    for (const std::string& path : on_disk) {
      if (pattern.find('*') == std::string::npos ? path == pattern : path.starts_with(start)) {
        found.push_back(path);
      }
    }
    return found;
  };
  return import_firejail(request);
}

std::vector<std::string> paths(const interop::Import& import, Key key) {
  std::vector<std::string> all;
  if (const auto found = import.layer.values.find(key); found != import.layer.values.end()) {
    for (const policy::PathEntry& entry : std::get<std::vector<policy::PathEntry>>(found->second)) {
      all.push_back(entry.path);
    }
  }
  return all;
}

std::vector<std::string> names(const interop::Import& import, Key key) {
  std::vector<std::string> all;
  if (const auto found = import.layer.values.find(key); found != import.layer.values.end()) {
    for (const policy::Text& text : std::get<std::vector<policy::Text>>(found->second)) {
      all.push_back(text.value);
    }
  }
  return all;
}

std::string text(const interop::Import& import, Key key) {
  const auto found = import.layer.values.find(key);
  return found == import.layer.values.end() ? "" : std::get<policy::Text>(found->second).value;
}

using List = std::vector<std::string>;

}  // namespace

TEST_CASE("firejail: every line has one finding, comments have none", "[interop][firejail]") {
  const auto done = import("# Firejail profile\n\ncaps.drop all\nnoroot\nblacklist ${HOME}/.ssh # keys\nfrobnicate\n");
  REQUIRE(done);
  REQUIRE(done->findings.size() == 4);
  CHECK(done->findings[0].kind == Kind::Mapped);
  CHECK(done->findings[2].origin.line == 5);
  CHECK(done->findings[3].kind == Kind::Dropped);
}

TEST_CASE("firejail: includes are read in place, a missing .local is fine, another is an error", "[interop][firejail]") {
  const Files files{{"/p/a.inc", "blacklist ${HOME}/.a\n"}, {"/home/u/.config/firejail/b.local", "net none\n"},
                    {"/etc/firejail/c.inc", "hostname c\n"}};
  const auto done = import("include b.local\ninclude a.inc\ninclude ${CFG}/c.inc\ninclude d.local\n", files);
  REQUIRE(done);
  CHECK(text(*done, Key::NetworkMode) == "private");
  CHECK(text(*done, Key::IdentityHostname) == "c");
  CHECK(paths(*done, Key::FilesystemHide) == List{"~/.a"});
  const auto missing = import("\ninclude nowhere.inc\n");
  REQUIRE(!missing);
  CHECK(missing.error().origin.line == 2);
}

TEST_CASE("firejail: cycles and floods end in an error", "[interop][firejail]") {
  CHECK(!import("include /self\n", {{"/self", "include /self\n"}}));
  // Doubling: 2^16 files if nobody counted.
  CHECK(!import("include /self\n", {{"/self", "include /self\ninclude /self\n"}}));
  std::string many;
  for (int i = 0; i < 60'000; ++i) {
    many += "noroot\n";
  }
  CHECK(!import(many));
  CHECK(!import("blacklist /" + std::string(10'000, 'a') + "\n"));
}

TEST_CASE("firejail: order decides", "[interop][firejail]") {
  // noblacklist and ignore act on what follows only.
  const auto exempt = import("noblacklist ${HOME}/.a*\nblacklist ${HOME}/.ab\nblacklist ${HOME}/.b\nnoblacklist ${HOME}/.b\n");
  REQUIRE(exempt);
  CHECK(paths(*exempt, Key::FilesystemHide) == List{"~/.b"});
  const auto ignored = import("ignore net\nnet none\nnetfilter\n");
  REQUIRE(ignored);
  CHECK(text(*ignored, Key::NetworkMode) == "host");
  const auto late = import("net none\nignore net\n");
  REQUIRE(late);
  CHECK(text(*late, Key::NetworkMode) == "private");
  const auto first = import("protocol unix\nprotocol inet\n");
  REQUIRE(first);
  CHECK(names(*first, Key::NetworkFamilies) == List{"unix"});
}

TEST_CASE("firejail: conditions are answered from what came before", "[interop][firejail]") {
  const auto done = import("?HAS_NET: hostname a\nnet none\n?HAS_NET: hostname b\n?HAS_APPIMAGE: noroot\n");
  REQUIRE(done);
  CHECK(text(*done, Key::IdentityHostname) == "b");
}

TEST_CASE("firejail: one whitelist takes the rest of the home away", "[interop][firejail]") {
  const auto done = import("blacklist ${HOME}/.ssh\nwhitelist ${DOWNLOADS}\nblacklist ${HOME}/Downloads/x\n"
                           "nowhitelist ${HOME}/.m\nwhitelist ${HOME}/.m\nwhitelist /usr/share/a\n");
  REQUIRE(done);
  CHECK(text(*done, Key::FilesystemHome) == "private");
  CHECK(paths(*done, Key::FilesystemWrite) == List{"~/Downloads"});
  CHECK(paths(*done, Key::FilesystemHide) == List{"~/Downloads/x"});
  CHECK(paths(*done, Key::FilesystemTmpfs) == List{"/usr/share"});
}

TEST_CASE("firejail: whole directories of sockets are never whitelisted", "[interop][firejail]") {
  const auto done = import("whitelist /run\nwhitelist /var/run\nwhitelist ${RUNUSER}/bus\n");
  REQUIRE(done);
  for (const std::string& path : paths(*done, Key::FilesystemRead)) {
    CHECK(path != "/run");
    CHECK(path != "/var/run");
  }
  CHECK(done->findings[2].kind == Kind::Dropped);
}

TEST_CASE("firejail: private-bin limits what can be executed", "[interop][firejail]") {
  const auto done = import("private-bin a,py*\n", {}, {"/usr/local/bin/a", "/usr/bin/python3"});
  REQUIRE(done);
  const List exec = paths(*done, Key::FilesystemExec);
  CHECK(std::find(exec.begin(), exec.end(), "/usr/local/bin/a") != exec.end());
  CHECK(std::find(exec.begin(), exec.end(), "/usr/bin/python3") != exec.end());
}

TEST_CASE("firejail: seccomp edits the list, seccomp.keep is one", "[interop][firejail]") {
  const auto edit = import("seccomp !chroot,mount\n");
  REQUIRE(edit);
  CHECK(names(*edit, Key::PolicyExtends) == List{"default"});
  CHECK(names(*edit, Key::SeccompAllow) == List{"chroot"});
  CHECK(names(*edit, Key::SeccompDeny) == List{"mount"});
  const auto keep = import("seccomp.keep read,write,nosuchcall\n");
  REQUIRE(keep);
  CHECK(names(*keep, Key::PolicyExtends).empty());
  CHECK(names(*keep, Key::SeccompAllow) == List{"read", "write"});
  CHECK(keep->findings[0].kind == Kind::Changed);
}

TEST_CASE("firejail: the text that is written is read back", "[interop][firejail]") {
  const auto done = import("blacklist ${HOME}/.ssh\nread-only ${HOME}/.bashrc\nenv A=\"b\nrmenv A\nseccomp\n"
                           "memory-deny-write-execute\nrlimit-as 1048576\ntimeout 00:01:30\ncaps.keep net_raw\n");
  REQUIRE(done);
  const auto layer = policy::read_toml(policy::to_toml(done->layer, done->comments), "a.toml", "a");
  REQUIRE(layer);
  CHECK(std::get<policy::Number>(layer->values.at(Key::LimitsTime)).value == 90);
}
