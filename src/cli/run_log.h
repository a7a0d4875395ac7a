// SPDX-License-Identifier: Apache-2.0
// The log of this user's runs, for reading. supervise/event_log.h writes it.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "events/event.h"
#include "sys/unique_fd.h"

namespace sbx::cli {

// $XDG_STATE_HOME/sbx, or below `home`; "": neither is known.
std::string state_directory(const std::map<std::string, std::string>& environment,
                            const std::string& home);
// By the real environment.
std::string state_directory();

class RunLog {
 public:
  // Of a directory without a log, the empty one. An Error for one that cannot be read.
  static Result<RunLog> open(const std::string& directory);

  // What has come since the last call, in order of time; lines that are no events are left out, such
  // as half ones of a full disk.
  std::vector<events::Event> read();

  // Until a file changes or a log comes to be.
  void wait();

 private:
  struct File {
    std::string path;
    sys::UniqueFd descriptor;
    std::int64_t offset = 0;
    std::string rest;  // the beginning of a line whose end is not there yet
  };

  void read(File& file, std::vector<events::Event>& events);

  std::string directory_;
  std::array<File, 2> files_;
  sys::UniqueFd changes_;  // inotify(7)
};

// Everything that the log holds now.
Result<std::vector<events::Event>> read_run_log();

}  // namespace sbx::cli
