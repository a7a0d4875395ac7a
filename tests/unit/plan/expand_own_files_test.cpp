// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "fake_host.h"
#include "plan/expand.h"
#include "plan/print.h"
#include "plan/view.h"

namespace sbx::plan {
namespace {

const Origin kLine{"t.toml", 3, 1};

MountOp grant(const std::string& source, bool read_only, const std::string& at = "") {
  return {Bind{source, at.empty() ? source : at, read_only, !read_only}, kLine};
}

const std::vector<OwnPath> kOwn{{"/home/u/.config/sbx", false, true},
                                {"/home/u/work/policies", false, false},
                                {"/home/u/work/mine.toml", true, false}};

FakeHost home() {
  FakeHost host = debian();
  host.paths["/home/u/.config"] = PathFacts::Kind::Directory;
  host.paths["/home/u/work/mine.toml"] = PathFacts::Kind::File;
  return host;
}

std::vector<std::string> held(const FakeHost& host, const std::vector<MountOp>& mounts) {
  const auto ops = expand_own_files(kOwn, mounts, host.probes());
  REQUIRE(ops);
  std::vector<std::string> texts;
  for (const MountOp& op : *ops) {
    texts.push_back(describe(op));
  }
  return texts;
}

using Texts = std::vector<std::string>;

TEST_CASE("a writable home: each component is held, what is missing is made first", "[own-files]") {
  CHECK(held(home(), {grant("/home/u", false)}) ==
        Texts{"hold /home/u/.config in its place",
              "make the directory /home/u/.config/sbx outside, so that nothing inside can",
              "mount a tmpfs on /home/u/.config/sbx, mode 0000, read-only, noexec, at most 4096 bytes",
              "hold /home/u/work in its place",
              "hold /home/u/work/mine.toml in its place, read-only",
              "make the directory /home/u/work/policies outside, so that nothing inside can",
              "hold /home/u/work/policies in its place, read-only"});
}

TEST_CASE("nothing is done where nothing of sbx's lies below a grant", "[own-files]") {
  CHECK(held(home(), {grant("/srv/www", false), grant("/usr", true)}).empty());
  CHECK(held(home(), {grant("/home/u", true)}).empty());  // read-only, and nothing to hide yet
}

TEST_CASE("what is secret is covered below a readable grant too", "[own-files]") {
  FakeHost host = home();
  host.paths["/home/u/.config/sbx"] = PathFacts::Kind::Directory;
  CHECK(held(host, {grant("/home/u", true)}) ==
        Texts{"mount a tmpfs on /home/u/.config/sbx, mode 0000, read-only, noexec, at most 4096 bytes"});
  CHECK(held(host, {{OverlayMount{"/home/u", "/home/u"}, kLine}}) == held(host, {grant("/home/u", true)}));
  // Unless the user has named it.
  CHECK(held(host, {grant("/home/u", true), grant("/home/u/.config/sbx", true)}).empty());
}

TEST_CASE("a link on the way is held, and where it leads too", "[own-files]") {
  FakeHost host = home();
  host.paths.erase("/home/u/.config");
  host.paths["/home/u/dotfiles"] = PathFacts::Kind::Directory;
  host.paths["/home/u/dotfiles/sbx"] = PathFacts::Kind::Directory;
  host.links["/home/u/.config"] = "dotfiles";
  const auto texts = held(host, {grant("/home/u", false, "/data")});
  REQUIRE(texts.size() >= 3);
  CHECK(texts[0] == "hold /data/.config in its place");
  CHECK(texts[1] == "hold /data/dotfiles in its place");
  CHECK(texts[2] == "mount a tmpfs on /data/dotfiles/sbx, mode 0000, read-only, noexec, at most 4096 bytes");
}

TEST_CASE("the files themselves cannot be granted writable", "[own-files]") {
  FakeHost host = home();
  host.paths["/home/u/work/policies"] = host.paths["/home/u/work/policies/deep"] =
      PathFacts::Kind::Directory;
  for (const char* path : {"/home/u/work/policies", "/home/u/work/policies/deep", "/home/u/work/mine.toml"}) {
    const auto ops = expand_own_files(kOwn, {grant(path, false)}, host.probes());
    REQUIRE_FALSE(ops);
    CHECK(ops.error().action == "cannot grant " + std::string(path) + " writable: sbx's own files are there");
    CHECK(ops.error().origin == kLine);
    CHECK(expand_own_files(kOwn, {grant(path, true)}, host.probes()));
  }
}

TEST_CASE("a directory in memory on the way holds the place by itself", "[own-files]") {
  const auto texts = held(home(), {grant("/home/u", false), {Tmpfs{"/home/u/.config"}, kLine}});
  for (const std::string& text : texts) {
    CHECK(text.find(".config") == std::string::npos);
  }
}

}  // namespace
}  // namespace sbx::plan
