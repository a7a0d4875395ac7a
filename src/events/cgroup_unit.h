// SPDX-License-Identifier: Apache-2.0
// Which systemd unit or which container a process belongs to, by its cgroup (cgroups(7),
// systemd.unit(5)): the managers name a cgroup by what they run in it.
#pragma once

#include <string>
#include <string_view>

namespace sbx::events {

// From the text of /proc/PID/cgroup: "nginx.service", "docker 0123456789ab", "podman 0123456789ab",
// "lxc web", "machine web", "user@1000.service/app.slice/x.scope" → "x.scope". Raw bytes; empty if
// the cgroup says nothing.
std::string unit_of_cgroup(std::string_view proc_cgroup);

}  // namespace sbx::events
