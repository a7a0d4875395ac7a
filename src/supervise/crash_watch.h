// SPDX-License-Identifier: Apache-2.0
// How processes inside end that were denied something: most crashes that a sandbox causes are those
// of a worker, whose parent alone is told by the kernel. A pidfd of any process says it, whoever
// reaps it (PIDFD_GET_INFO with PIDFD_INFO_EXIT, Linux 6.15); on older kernels only the command's
// own end is known. Only processes with a denial are watched, so other runs pay nothing.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "events/event.h"
#include "sys/event_loop.h"
#include "sys/unique_fd.h"

namespace sbx::supervise {

// SIGSEGV, SIGBUS, SIGILL and the like: ends that say "defect".
bool is_crash(int signal);

class CrashWatch {
 public:
  static constexpr std::uint64_t kFirstTag = std::uint64_t{1} << 40;  // beyond all other tags
  static constexpr std::size_t kMostProcesses = 256;

  explicit CrashWatch(sys::Epoll& epoll) : epoll_(epoll) {}

  // Once for each process; more than kMostProcesses at a time are not watched.
  void watch(const events::Actor& actor);

  // Epoll has said that a process was reaped: its crash, if it was one.
  std::optional<events::Crashed> take(std::uint64_t tag);

  // The tags of all that are still watched.
  std::vector<std::uint64_t> open_tags() const;

 private:
  struct Watched {
    sys::UniqueFd pidfd;
    events::Actor actor;
  };

  sys::Epoll& epoll_;
  std::map<std::uint64_t, Watched> by_tag_;  // kFirstTag + pid outside
};

}  // namespace sbx::supervise
