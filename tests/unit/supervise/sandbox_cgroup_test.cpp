// SPDX-License-Identifier: Apache-2.0
// With files that every group of version 2 has, so that no controller is needed, and below a group
// of root's; what controllers do is for tests/integration/limits.py.
#include "supervise/sandbox_cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "supervise/systemd_scope.h"

using namespace sbx;
namespace fs = std::filesystem;

namespace {

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// A fresh group that may be used, or nothing.
std::string own_group() {
  for (const char* mount : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
    const std::string group = std::string(mount) + "/sbx-unit-" + std::to_string(::getpid());
    if (fs::exists(std::string(mount) + "/cgroup.procs") && ::mkdir(group.c_str(), 0755) == 0) {
      return group;
    }
  }
  return "";
}

plan::LaunchPlan plan_for(const std::string& parent, const char* value) {
  plan::LaunchPlan plan;
  plan.cgroup.emplace();
  plan.cgroup->parent = parent;
  plan.cgroup->settings.push_back({"cgroup.max.depth", value, "depth", 5, {"a.toml", 3, 1}});
  return plan;
}

}  // namespace

TEST_CASE("cgroup: made, read back, joined, and gone with all that is in it", "[cgroup]") {
  const std::string parent = own_group();
  if (parent.empty()) {
    return;  // not root, or no cgroup version 2: the integration test says so
  }
  // What a killed sbx has left goes; what is not certainly stale stays.
  const std::string stale = parent + "/sbx-99999999";
  const std::string alive = parent + "/sbx-" + std::to_string(::getppid());
  CHECK(::mkdir(stale.c_str(), 0755) == 0);
  CHECK(::mkdir(alive.c_str(), 0755) == 0);
  const std::string group = parent + "/sbx-" + std::to_string(::getpid());
  pid_t member = -1;
  {
    auto made = supervise::SandboxCgroup::make(plan_for(parent, "5"));
    REQUIRE(made);
    CHECK_FALSE(fs::exists(stale));
    CHECK(fs::exists(alive));
    CHECK(text_of(group + "/cgroup.max.depth") == "5\n");
    member = ::fork();
    if (member == 0) {
      if (::write(made->processes(), "0", 1) == 1) {
        ::pause();
      }
      ::_exit(1);
    }
    for (int i = 0; i < 20000 && text_of(group + "/cgroup.procs").empty(); ++i) {
      ::usleep(1000);
    }
    CHECK(text_of(group + "/cgroup.procs") == std::to_string(member) + "\n");
  }
  int status = 0;
  ::waitpid(member, &status, 0);
  CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
  for (int i = 0; i < 20000 && fs::exists(group); ++i) {
    ::usleep(1000);
  }
  CHECK_FALSE(fs::exists(group));

  const auto refused = supervise::SandboxCgroup::make(plan_for(parent, "nonsense"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().origin.line == 3);
  CHECK(refused.error().action.find("depth = 5") != std::string::npos);
  ::rmdir(alive.c_str());
  for (int i = 0; i < 20000 && ::rmdir(parent.c_str()) != 0; ++i) {
    ::usleep(1000);
  }
}

TEST_CASE("cgroup: a limit that was hit is told once for each look", "[cgroup]") {
  const std::string path = "/tmp/sbx-unit-events-" + std::to_string(::getpid());
  const auto write = [&](const char* text) { std::ofstream(path) << text; };
  write("max 0\noom 0\noom_kill 0\noom_group_kill 0\n");
  supervise::LimitWatch memory(sys::UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)),
                               "oom_kill", {"memory.max", "64", "memory", 64, {}});
  supervise::LimitWatch processes(sys::UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), "max",
                                  {"pids.max", "9", "processes", 8, {}});
  CHECK_FALSE(memory.look());
  write("max 7\noom 3\noom_kill 2\noom_group_kill 0\n");
  CHECK(memory.look() == "the limit memory = 64 was reached: the kernel killed 2 processes");
  CHECK_FALSE(memory.look());
  CHECK(processes.look() ==
        "the limit processes = 8 was reached: no more processes could be started");
  write("max 70\noom 3\noom_kill 3\noom_group_kill 0\n");
  CHECK(memory.look() == "the limit memory = 64 was reached: the kernel killed 1 process");
  CHECK_FALSE(processes.look());
  ::unlink(path.c_str());
}

// The bus itself checks every byte of a message before it answers.
TEST_CASE("cgroup: a real bus takes the message, and its refusal is told", "[cgroup]") {
  if (::access("/usr/bin/dbus-daemon", X_OK) != 0) {
    return;  // of Debian's package dbus-daemon, which nothing else needs
  }
  const std::string bus = "/tmp/sbx-unit-bus-" + std::to_string(::getpid());
  const std::string config = bus + ".conf";
  // No directory of services: nothing is started to answer for systemd.
  std::ofstream(config) << "<busconfig><type>session</type><listen>unix:path=" << bus
                        << "</listen><auth>EXTERNAL</auth><policy context=\"default\">"
                           "<allow send_destination=\"*\"/><allow receive_sender=\"*\"/>"
                           "<allow own=\"*\"/></policy></busconfig>";
  const std::string option = "--config-file=" + config;
  const pid_t daemon = ::fork();
  if (daemon == 0) {
    ::execl("/usr/bin/dbus-daemon", "dbus-daemon", "--nofork", "--nopidfile", "--nosyslog",
            option.c_str(), nullptr);
    ::_exit(1);
  }
  // Its socket has a name before it listens.
  auto scope = supervise::enter_scope(bus, "/sys/fs/cgroup", {"a.toml", 3, 1});
  for (int i = 0; i < 20000 && !scope && scope.error().action.find("no bus at") != std::string::npos; ++i) {
    ::usleep(1000);
    scope = supervise::enter_scope(bus, "/sys/fs/cgroup", {"a.toml", 3, 1});
  }
  REQUIRE_FALSE(scope);
  INFO(scope.error().action);
  CHECK(scope.error().action.find("org.freedesktop.systemd1") != std::string::npos);
  CHECK(scope.error().origin.line == 3);
  ::kill(daemon, SIGKILL);
  ::waitpid(daemon, nullptr, 0);
  ::unlink(bus.c_str());
  ::unlink(config.c_str());
}
