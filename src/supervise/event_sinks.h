// SPDX-License-Identifier: Apache-2.0
// Where else events go: the journal, syslog, a descriptor, a command. All of it is done by a process
// forked off before the supervisor confines itself, whose filter lets it start no process and
// connect no socket. That process reads the supervisor's own JSON of events and nothing else, from a
// socket that drops what it has no room for: a sink that is slow or gone never holds a run up.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "events/event.h"
#include "plan/launch_plan.h"
#include "sys/unique_fd.h"

namespace sbx::supervise {

// The command is started at once for an event, and then not before this time has passed: it is
// given all events since.
inline constexpr std::chrono::milliseconds kNotifyPause{5000};
inline constexpr std::chrono::seconds kNotifyTime{10};  // a command that takes longer is killed
inline constexpr std::size_t kNotifyBytes = 1 << 20;    // kept for it; what is more is left out

class EventSinks {
 public:
  EventSinks() = default;  // none
  EventSinks(EventSinks&&) = default;
  EventSinks& operator=(EventSinks&&) = default;
  ~EventSinks();  // waits until what was given is passed on, for a bounded time

  // Without a sink in the plan nothing is started. A socket that is not there is told by
  // take_problem(), and tried again with each event.
  static Result<EventSinks> start(const plan::Reporting& reporting);

  explicit operator bool() const { return bool(channel_); }

  void take(const events::Event& event, const std::string& json);

  // A sink that cannot be reached, or one event that found no room, once.
  std::optional<Error> take_problem();

  // For a process forked since: the end of the sinks is the other's to wait for.
  void leave_to_parent();

 private:
  sys::UniqueFd process_;  // pidfd
  sys::UniqueFd channel_;
  bool wants_all_ = false;
  std::optional<Error> problem_;
  bool has_failed_ = false;
};

}  // namespace sbx::supervise
