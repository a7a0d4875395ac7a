// SPDX-License-Identifier: Apache-2.0
// cgroups(7), version 2. A group may be made where its parent belongs to the user (that is what
// delegation means), and a process may be moved where the nearest common ancestor's cgroup.procs
// does too. So what counts is the nearest such directory on the way from sbx's own group to the
// root.
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstdlib>

#include <fmt/format.h>

#include "base/path.h"
#include "base/text.h"
#include "host/files.h"
#include "host/probe.h"

namespace sbx::host {
namespace {

// Empty for what cannot be read: such a group is none of ours.
std::string text_of(const std::string& path) {
  auto text = read_file(path);
  return text ? *std::move(text) : std::string();
}

std::vector<std::string> words_of(const std::string& path) {
  std::vector<std::string> words;
  for (const std::string& line : split(text_of(path), '\n')) {
    for (std::string& word : split(line, ' ')) {
      if (!word.empty()) {
        words.push_back(std::move(word));
      }
    }
  }
  return words;
}

// Where version 2 is mounted: alone, or beside version 1 ("hybrid").
std::string mount_point() {
  for (const char* place : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
    struct statfs found {};
    if (::statfs(place, &found) == 0 && found.f_type == CGROUP2_SUPER_MAGIC) {
      return place;
    }
  }
  return "";
}

// Ours in version 2's tree, as "/a/b"; empty if it lies outside what this namespace shows.
std::string own_group() {
  for (const std::string& line : split(text_of("/proc/self/cgroup"), '\n')) {
    if (line.starts_with("0::/") && !line.starts_with("0::/..")) {
      return line.substr(3);
    }
  }
  return "";
}

bool may_write(const std::string& path) {
  return ::access(path.c_str(), W_OK) == 0;
}

// Controllers that a new group below `directory` can have. Those not handed down yet can be only
// while no process is in `directory` ("no internal processes"), or sbx alone, which then steps
// down.
void look_at(const std::string& directory, plan::CgroupFacts& facts) {
  facts.controllers = words_of(directory + "/cgroup.subtree_control");
  if (!may_write(directory + "/cgroup.subtree_control")) {
    return;
  }
  const std::vector<std::string> inside = words_of(directory + "/cgroup.procs");
  const bool alone = inside.size() == 1 && inside.front() == std::to_string(::getpid());
  if (inside.empty() || alone) {
    facts.controllers = words_of(directory + "/cgroup.controllers");
    facts.vacate = alone;
  }
}

// The user's systemd has its own subtree, and answers on the session's bus.
void look_for_systemd(const std::string& mount, plan::CgroupFacts& facts) {
  const char* runtime = ::getenv("XDG_RUNTIME_DIR");
  if (runtime == nullptr || *runtime != '/') {
    return;
  }
  const std::string bus = std::string(runtime) + "/bus";
  const std::string manager =
      fmt::format("{0}/user.slice/user-{1}.slice/user@{1}.service", mount, ::getuid());
  if (::access((std::string(runtime) + "/systemd/private").c_str(), F_OK) == 0 && may_write(bus)) {
    facts.bus_controllers = words_of(manager + "/cgroup.controllers");
    facts.user_bus = facts.bus_controllers.empty() ? "" : bus;
  }
}

}  // namespace

plan::CgroupFacts probe_cgroup() {
  plan::CgroupFacts facts;
  const std::string mount = mount_point();
  facts.mount = mount;
  if (mount.empty()) {
    facts.why_not = "cgroup version 2 is not mounted";
    return facts;
  }
  const std::string group = own_group();
  facts.why_not = "no subtree of " + mount + " is this user's, and no systemd of this user answers";
  for (std::string at = group; !at.empty(); at = at == "/" ? "" : path::parent(at)) {
    const std::string directory = at == "/" ? mount : mount + at;
    if (!may_write(directory) || !may_write(directory + "/cgroup.procs")) {
      break;
    }
    plan::CgroupFacts here;
    look_at(directory, here);
    if (facts.delegated.empty() || here.controllers.size() > facts.controllers.size()) {
      facts.delegated = directory;
      facts.controllers = std::move(here.controllers);
      facts.vacate = here.vacate;
    }
  }
  if (!facts.delegated.empty()) {
    facts.why_not =
        fmt::format("{} hands down {}", facts.delegated,
                    facts.controllers.empty() ? "no controller" : join(facts.controllers, " "));
  }
  look_for_systemd(mount, facts);
  return facts;
}

}  // namespace sbx::host
