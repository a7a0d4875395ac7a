// SPDX-License-Identifier: Apache-2.0
#include "supervise/crash_watch.h"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>

#include "sys/pidfd.h"

namespace sbx::supervise {

bool is_crash(int signal) {
  constexpr std::array kCrashes{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
  return std::find(kCrashes.begin(), kCrashes.end(), signal) != kCrashes.end();
}

void CrashWatch::watch(const events::Actor& actor) {
  const std::uint64_t tag = kFirstTag + static_cast<std::uint64_t>(actor.pid_outside);
  if (actor.pid_outside <= 0 || by_tag_.size() >= kMostProcesses || by_tag_.contains(tag)) {
    return;
  }
  sys::UniqueFd pidfd(sys::open_pidfd(actor.pid_outside));
  // Asked for nothing epoll reports EPOLLHUP alone: that it was reaped, from when on its end can be
  // read. EPOLLIN comes before, and would come again and again until then.
  if (pidfd && epoll_.add(pidfd.get(), 0, tag) == 0) {
    by_tag_.emplace(tag, Watched{std::move(pidfd), actor});
  }
}

std::optional<events::Crashed> CrashWatch::take(std::uint64_t tag) {
  const auto watched = by_tag_.find(tag);
  if (watched == by_tag_.end()) {
    return std::nullopt;
  }
  const auto status = sys::exit_status_of(watched->second.pidfd.get());
  events::Crashed crashed;
  crashed.is_command = false;
  crashed.actor = std::move(watched->second.actor);
  epoll_.remove(watched->second.pidfd.get());
  by_tag_.erase(watched);
  if (!status || !WIFSIGNALED(*status) || !is_crash(WTERMSIG(*status))) {
    return std::nullopt;
  }
  crashed.signal = WTERMSIG(*status);
  crashed.core_dumped = WCOREDUMP(*status);
  return crashed;
}

std::vector<std::uint64_t> CrashWatch::open_tags() const {
  std::vector<std::uint64_t> tags;
  for (const auto& [tag, watched] : by_tag_) {
    tags.push_back(tag);
  }
  return tags;
}

}  // namespace sbx::supervise
