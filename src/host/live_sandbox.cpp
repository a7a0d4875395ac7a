// SPDX-License-Identifier: Apache-2.0
#include "host/live_sandbox.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <map>

#include "base/text.h"
#include "host/files.h"

namespace sbx::host {
namespace {

constexpr std::string_view kInitName = "sbx-init";

std::string link_target(const std::string& path) {
  std::array<char, PATH_MAX> target{};
  const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
  return length > 0 ? std::string(target.data(), static_cast<std::size_t>(length)) : std::string();
}

std::vector<int> numbers_in(const std::string& directory) {
  std::vector<int> numbers;
  for (const std::string& name : list_directory(directory, "")) {
    if (const auto number = parse_number(name); number && *number <= INT_MAX) {
      numbers.push_back(static_cast<int>(*number));
    }
  }
  return numbers;
}

std::optional<plan::LiveProcess> read_status(int pid) {
  const auto text = read_file(fmt::format("/proc/{}/status", pid));
  return text ? plan::parse_live_status(*text) : std::nullopt;
}

std::map<int, plan::LiveProcess> all_processes() {
  std::map<int, plan::LiveProcess> processes;
  for (const int pid : numbers_in("/proc")) {
    if (auto process = read_status(pid)) {
      processes.emplace(pid, std::move(*process));
    }
  }
  return processes;
}

std::map<std::string, std::string> namespaces_of(const std::string& process) {
  std::map<std::string, std::string> namespaces;
  for (const char* kind : {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"}) {
    if (std::string target = link_target(process + "/ns/" + kind); !target.empty()) {
      namespaces[kind] = std::move(target);
    }
  }
  return namespaces;
}

// "mnt_id:\t29"
int mount_id_of(const std::string& process, int descriptor) {
  const auto text = read_file(fmt::format("{}/fdinfo/{}", process, descriptor));
  const std::size_t at = text ? text->find("mnt_id:") : std::string::npos;
  if (at == std::string::npos) {
    return 0;
  }
  const std::size_t first = text->find_first_not_of(" \t", at + 7);
  const auto number = parse_number(text->substr(first, text->find('\n', first) - first));
  return number ? static_cast<int>(*number) : 0;
}

// Sockets, pipes and memory have no path: "socket:[1]", "/memfd:name (deleted)".
bool has_path(const std::string& target) {
  return target.starts_with('/') && !target.starts_with("/memfd:") && !target.starts_with("/SYSV");
}

void look_into(plan::LiveProcess& process) {
  const std::string directory = fmt::format("/proc/{}", process.pid);
  process.namespaces = namespaces_of(directory);
  if (const auto text = read_file(directory + "/mountinfo")) {
    process.mounts = plan::parse_mountinfo(*text);
  }
  if (const auto text = read_file(directory + "/limits")) {
    process.limits = plan::parse_limits(*text);
  }
  for (const int descriptor : numbers_in(directory + "/fd")) {
    const std::string target = link_target(fmt::format("{}/fd/{}", directory, descriptor));
    if (has_path(target)) {
      process.files.push_back({descriptor, mount_id_of(directory, descriptor), target});
    }
  }
}

bool descends(const std::map<int, plan::LiveProcess>& processes, int pid, int ancestor) {
  // Pids are reused: a line of parents that was read piece by piece may go in a circle.
  for (std::size_t steps = 0; steps < processes.size(); ++steps) {
    const auto found = processes.find(pid);
    if (found == processes.end()) {
      return false;
    }
    pid = found->second.parent;
    if (pid == ancestor) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::vector<RunningSandbox> running_sandboxes() {
  std::vector<RunningSandbox> sandboxes;
  for (const auto& [pid, process] : all_processes()) {
    if (process.name != kInitName || process.pid_inside != 1) {
      continue;
    }
    const auto text = read_file(fmt::format("/proc/{}/cmdline", process.parent));
    if (text && !text->empty()) {
      std::vector<std::string> arguments = split(*text, '\0');
      arguments.pop_back();  // behind the last NUL
      sandboxes.push_back({process.parent, pid, std::move(arguments)});
    }
  }
  std::sort(sandboxes.begin(), sandboxes.end(),
            [](const auto& a, const auto& b) { return a.supervisor < b.supervisor; });
  return sandboxes;
}

std::vector<int> descendants_of(int ancestor) {
  std::vector<int> found;
  const auto processes = all_processes();
  for (const auto& [pid, process] : processes) {
    if (descends(processes, pid, ancestor)) {
      found.push_back(pid);
    }
  }
  return found;
}

Result<plan::LiveProcess> read_live_process(int pid) {
  auto process = read_status(pid);
  if (!process) {
    return Error{fmt::format("there is no process {}", pid), ESRCH, {}, "ps -e lists those that there are"};
  }
  look_into(*process);
  return *std::move(process);
}

std::map<std::string, std::string> namespaces_of_process(const std::string& pid) {
  return namespaces_of("/proc/" + pid);
}

std::optional<bool> sees_same_directory(int pid, const std::string& place) {
  struct stat here{}, there{};
  if (::stat(place.c_str(), &here) != 0) {
    return std::nullopt;
  }
  if (::stat(fmt::format("/proc/{}/root{}", pid, place).c_str(), &there) != 0) {
    return errno == ENOENT ? std::optional(false) : std::nullopt;
  }
  return here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

std::optional<std::size_t> count_interfaces(int pid) {
  const auto text = read_file(fmt::format("/proc/{}/net/dev", pid));
  if (!text) {
    return std::nullopt;
  }
  // Two lines of headings, then "    lo: ..." for each.
  std::size_t others = 0;
  for (const std::string& line : split(*text, '\n')) {
    const std::size_t first = line.find_first_not_of(' ');
    const std::size_t colon = line.find(':');
    const bool is_interface = colon != std::string::npos && first != std::string::npos && first < colon;
    if (is_interface && line.substr(first, colon - first) != "lo") {
      ++others;
    }
  }
  return others;
}

std::string directory_of(int pid) {
  return link_target(fmt::format("/proc/{}/cwd", pid));
}

Result<plan::LiveSandbox> read_live_sandbox(const RunningSandbox& sandbox) {
  plan::LiveSandbox live;
  live.namespaces = namespaces_of("/proc/self");
  const auto processes = all_processes();
  const auto supervisor = processes.find(sandbox.supervisor);
  const auto init = processes.find(sandbox.init);
  if (supervisor == processes.end() || init == processes.end()) {
    return Error{fmt::format("the sandbox of sbx {} has ended", sandbox.supervisor), ESRCH, {}, ""};
  }
  live.supervisor = supervisor->second;
  live.init = init->second;
  for (const auto& [pid, process] : processes) {
    if (descends(processes, pid, sandbox.init)) {
      live.processes.push_back(process);
      look_into(live.processes.back());
    }
  }
  // A process that ended between the two looks has nothing to show.
  std::erase_if(live.processes, [](const plan::LiveProcess& process) {
    return process.namespaces.empty() && !read_status(process.pid);
  });
  return live;
}

}  // namespace sbx::host
