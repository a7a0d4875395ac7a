// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "fake_host.h"
#include "plan/expand.h"

namespace sbx::plan {
namespace {

using policy::Key;

policy::Policy wishing(Key key, const std::string& wish) {
  policy::Policy policy;
  policy.desktop[key] = {wish, {"t.toml", 9, 1}};
  policy.hostname = {"localhost", {"built in"}};
  return policy;
}

struct Session {
  FakeHost host = debian();
  HostFacts facts;

  Session() {
    for (const char* path : {"/run/user/1000/wayland-0", "/run/user/1000/pipewire-0", "/tmp/.X11-unix/X1"}) {
      host.paths[path] = PathFacts::Kind::Socket;
    }
    host.paths["/home/u/.Xauthority"] = PathFacts::Kind::File;
    facts.home = "/home/u";
    facts.hostname = "desk";
    facts.environment = {{"XDG_RUNTIME_DIR", "/run/user/1000"}, {"DISPLAY", ":1.0"}};
  }

  Result<policy::Policy> grant(const policy::Policy& policy) const {
    return expand_desktop(policy, facts, host.probes());
  }
};

std::vector<std::string> paths(const std::vector<policy::LayeredPath>& list) {
  std::vector<std::string> all;
  for (const policy::LayeredPath& path : list) {
    all.push_back(path.entry.path);
  }
  return all;
}

using Paths = std::vector<std::string>;

TEST_CASE("desktop: each wish is its own socket and variable", "[desktop]") {
  const Session session;
  const auto wayland = session.grant(wishing(Key::DesktopWayland, "on"));
  REQUIRE(wayland);
  CHECK(paths(wayland->read) == Paths{"/run/user/1000/wayland-0"});
  CHECK(paths(wayland->tmpfs) == Paths{"/run/user/1000"});
  CHECK(wayland->env_set.at("WAYLAND_DISPLAY").value == "wayland-0");
  const auto audio = session.grant(wishing(Key::DesktopAudio, "on"));
  REQUIRE(audio);
  CHECK(paths(audio->read) == Paths{"/run/user/1000/pipewire-0"});
  const auto x11 = session.grant(wishing(Key::DesktopX11, "on"));
  REQUIRE(x11);
  CHECK(paths(x11->read) == Paths{"/tmp/.X11-unix/X1", "/home/u/.Xauthority"});
  CHECK(x11->hostname.value == "desk");
}

TEST_CASE("desktop: what is missing is an error, unless optional", "[desktop]") {
  Session session;
  session.facts.environment.clear();
  for (const Key key : {Key::DesktopX11, Key::DesktopWayland, Key::DesktopAudio, Key::DesktopGpu}) {
    const auto granted = session.grant(wishing(key, "on"));
    REQUIRE_FALSE(granted);
    CHECK(granted.error().origin == Origin{"t.toml", 9, 1});
    const auto without = session.grant(wishing(key, "optional"));
    REQUIRE(without);
    CHECK(without->read.empty());
  }
}

TEST_CASE("desktop: DISPLAY is not trusted", "[desktop]") {
  Session session;
  for (const char* display : {"", "1", "other:1", ":", ":1/../../etc", ":x", ":2"}) {
    session.facts.environment["DISPLAY"] = display;
    CHECK_FALSE(session.grant(wishing(Key::DesktopX11, "on")));
  }
}

}  // namespace
}  // namespace sbx::plan
