// SPDX-License-Identifier: Apache-2.0
// The log of a user's runs: one event a line, in two files that all runs write to by turns. The one
// that is full waits as the history; when the other is full too, it is emptied and its turn comes.
// So nothing is renamed or opened again: a supervisor whose own filter forbids both
// (supervise/confine.cpp), and which may run for months, goes on with the two descriptors that it
// opened at its start, and no run writes to a file that is gone.
//
// A line is one write(2) with O_APPEND, so lines of parallel runs do not mix. The files are emptied
// under flock(2), taken without waiting: who does not get it lets the file grow a little.
#pragma once

#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "events/event.h"
#include "plan/launch_plan.h"
#include "sys/unique_fd.h"

namespace sbx::supervise {

inline constexpr std::array kLogFiles{"events.0.jsonl", "events.1.jsonl"};
inline constexpr std::int64_t kLogFileBytes = 4 << 20;  // at which a file is full
// What a single run may add: a command that makes denials for the sake of it shall not push the
// history of all others out. Its crashes and its end are logged beyond that.
inline constexpr std::uint64_t kLogBytesOfRun = 1 << 20;

// Which file is to be written to. Pure.
struct LogTurn {
  std::size_t file = 0;
  bool empty_it = false;  // first, under the lock, if both are still full then
};
LogTurn log_turn(const std::array<struct stat, 2>& files);

class EventLog {
 public:
  EventLog() = default;  // logs nothing

  // Opens the files in `directory` ("": nobody's home is known), which is made if missing. A failure
  // is kept until something is to be logged: a run with nothing to tell needs no log.
  static EventLog open(const std::string& directory, plan::LogMode mode);

  // LogMode::Problems holds the start of a run back until there is more to tell, and its end then.
  void take(const events::Event& event);

  // The first failure, once.
  std::optional<Error> take_problem();

 private:
  void append(const std::string& line);
  void append_held();
  void fail(int errno_value);

  std::string directory_;
  plan::LogMode mode_ = plan::LogMode::None;
  std::array<sys::UniqueFd, 2> files_;
  std::vector<events::Event> held_;  // of a run without problems
  bool has_told_ = false;
  std::uint64_t bytes_ = 0;
  bool is_full_ = false;
  std::optional<Error> problem_;
  bool has_failed_ = false;
};

}  // namespace sbx::supervise
