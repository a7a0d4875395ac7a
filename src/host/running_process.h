// SPDX-License-Identifier: Apache-2.0
// What procfs says of a process that runs, for a reader who has only its number from a log: numbers
// are given again, so the start and the executable tell whether it is still the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sbx::host {

struct RunningProcess {
  std::string exe;               // empty if it may not be read
  std::string cgroup;            // the text of /proc/PID/cgroup
  std::uint64_t started_us = 0;  // since 1970, to about 10 ms
};

std::optional<RunningProcess> read_running_process(int pid);

// When the kernel started, in microseconds since 1970, as far as the clock can be trusted.
std::uint64_t boot_time_us();

// Field 22 of /proc/PID/stat (proc(5)): clock ticks since boot. Behind the last parenthesis, since
// the name in parentheses is the process's own choice.
std::optional<std::uint64_t> parse_start_ticks(std::string_view stat);

}  // namespace sbx::host
