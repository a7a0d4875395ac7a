// SPDX-License-Identifier: Apache-2.0
#include "events/cgroup_unit.h"

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace sbx::events {
namespace {

constexpr std::size_t kIdShown = 12;  // of a container's 64 digits, as `docker ps` shows

bool is_container_id(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

struct Runtime {
  std::string_view prefix;  // of the scope: "docker-<id>.scope"
  std::string_view name;
};
constexpr Runtime kRuntimes[] = {{"docker-", "docker"},
                                 {"libpod-", "podman"},
                                 {"cri-containerd-", "containerd"},
                                 {"crio-", "cri-o"}};

// A container, by the last components of its path; empty if it is none.
std::string container_of(const std::vector<std::string>& parts) {
  for (std::size_t i = parts.size(); i-- > 0;) {
    std::string_view name = parts[i];
    const std::string_view above = i > 0 ? std::string_view(parts[i - 1]) : std::string_view();
    if (name.ends_with(".scope")) {
      name.remove_suffix(6);
      if (name.starts_with("machine-")) {
        return "machine " + std::string(name.substr(8));
      }
    }
    for (const Runtime& runtime : kRuntimes) {
      if (name.starts_with(runtime.prefix) && is_container_id(name.substr(runtime.prefix.size()))) {
        return std::string(runtime.name) + " " +
               std::string(name.substr(runtime.prefix.size(), kIdShown));
      }
    }
    if (is_container_id(name)) {
      const bool docker = above == "docker";
      return (docker ? "docker " : "container ") + std::string(name.substr(0, kIdShown));
    }
    if (above == "lxc" || name.starts_with("lxc.payload.")) {
      return "lxc " + std::string(above == "lxc" ? name : name.substr(12));
    }
  }
  return {};
}

// The innermost service or scope.
std::string unit_of(const std::vector<std::string>& parts) {
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (part->ends_with(".service") || part->ends_with(".scope") || part->ends_with(".socket")) {
      return *part;
    }
  }
  return {};
}

}  // namespace

std::string unit_of_cgroup(std::string_view proc_cgroup) {
  std::string unit;
  for (const std::string& line : split(proc_cgroup, '\n')) {
    // "0::/system.slice/nginx.service" (version 2); "1:name=systemd:/docker/…" (version 1)
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) {
      continue;
    }
    const auto parts = split(std::string_view(line).substr(second + 1), '/');
    if (std::string container = container_of(parts); !container.empty()) {
      return container;
    }
    if (unit.empty()) {
      unit = unit_of(parts);
    }
  }
  return unit;
}

}  // namespace sbx::events
