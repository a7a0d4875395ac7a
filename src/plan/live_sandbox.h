// SPDX-License-Identifier: Apache-2.0
// A sandbox that runs, as procfs shows it to the user who started it (proc(5)), and its comparison
// with what a plan promises. host/live_sandbox.h reads it; nothing here asks the kernel.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "plan/launch_plan.h"

namespace sbx::plan {

// One line of /proc/PID/mountinfo.
struct LiveMount {
  int id = 0;
  std::string place;
  std::string type;  // "tmpfs"
  bool read_only = false;
  bool no_suid = false;
  bool no_dev = false;
  bool no_exec = false;
  std::string options = {};  // of the file system: "rw,hidepid=invisible"
};

// An open descriptor that names a file or directory.
struct LiveFile {
  int descriptor = 0;
  int mount_id = 0;
  std::string path;  // as the kernel spells it for who looks; only for people
};

struct LiveLimit {
  std::uint64_t soft = 0;  // ~0: unlimited
  std::uint64_t hard = 0;
};

struct LiveProcess {
  int pid = 0;
  int parent = 0;
  int pid_inside = 0;  // in the innermost pid namespace; equal to pid if there is only one
  std::string name;
  std::uint32_t uid = 0, gid = 0;  // effective, as seen from outside
  bool no_new_privs = false;
  int seccomp_mode = 0;  // 0 none, 1 strict, 2 filter
  int filters = 0;       // Seccomp_filters (Linux 5.9)
  std::uint64_t inheritable = 0, permitted = 0, effective = 0, bounding = 0, ambient = 0;

  std::vector<std::uint32_t> groups;       // further ones
  std::optional<std::uint32_t> umask;      // Linux 4.7

  // From here on empty where the process may not be looked into (init and the supervisor hide).
  std::map<std::string, std::string> namespaces;  // "net" → "net:[4026531840]"
  std::vector<LiveMount> mounts;
  std::map<std::string, LiveLimit> limits;  // "Max open files" →
  std::vector<LiveFile> files;
};

struct LiveSandbox {
  LiveProcess supervisor;
  LiveProcess init;
  std::vector<LiveProcess> processes;              // everything below init
  std::map<std::string, std::string> namespaces;   // of whoever looks
};

// One promise and what became of it.
struct Promise {
  enum class State : std::uint8_t {
    Kept,
    Broken,
    Unseen,  // the kernel shows it nowhere
  };
  State state = State::Kept;
  std::string text;    // "no_new_privs"
  std::string detail;   // what was found; for Broken what is different, and where
  Origin origin{};      // the line that promises it
};

// The promises in the order of the launch.
std::vector<Promise> verify_live(const LaunchPlan& plan, const LiveSandbox& sandbox);

// Texts of procfs to values; nothing if they are not what proc(5) says.
std::optional<LiveProcess> parse_live_status(const std::string& text);
std::vector<LiveMount> parse_mountinfo(const std::string& text);
std::map<std::string, LiveLimit> parse_limits(const std::string& text);

}  // namespace sbx::plan
