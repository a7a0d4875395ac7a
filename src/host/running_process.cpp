// SPDX-License-Identifier: Apache-2.0
#include "host/running_process.h"

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <climits>

#include "base/text.h"
#include "host/files.h"

namespace sbx::host {
namespace {

std::int64_t microseconds(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

}  // namespace

std::uint64_t boot_time_us() {
  return static_cast<std::uint64_t>(microseconds(CLOCK_REALTIME) - microseconds(CLOCK_BOOTTIME));
}

std::optional<std::uint64_t> parse_start_ticks(std::string_view stat) {
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) {
    return std::nullopt;
  }
  const auto fields = split(stat.substr(name_end + 1), ' ');  // the first is empty, then field 3
  constexpr std::size_t kStart = 22 - 2;
  return fields.size() > kStart ? parse_number(fields[kStart]) : std::nullopt;
}

std::optional<RunningProcess> read_running_process(int pid) {
  const std::string directory = fmt::format("/proc/{}/", pid);
  const auto stat = read_file(directory + "stat");
  const auto ticks = stat ? parse_start_ticks(*stat) : std::nullopt;
  const auto cgroup = ticks ? read_file(directory + "cgroup") : Result<std::string>(Error{});
  if (!cgroup) {
    return std::nullopt;
  }
  RunningProcess process;
  process.cgroup = *cgroup;
  const auto per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  process.started_us = boot_time_us() + *ticks * 1'000'000 / per_second;
  std::array<char, PATH_MAX> target{};
  const ssize_t length = ::readlink((directory + "exe").c_str(), target.data(), target.size());
  if (length > 0) {
    process.exe.assign(target.data(), static_cast<std::size_t>(length));
  }
  return process;
}

}  // namespace sbx::host
