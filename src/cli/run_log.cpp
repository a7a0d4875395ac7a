// SPDX-License-Identifier: Apache-2.0
#include "cli/run_log.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/path.h"
#include "cli/policies.h"
#include "supervise/event_log.h"

namespace sbx::cli {
namespace {

constexpr int kLookAgain = 1000;  // milliseconds: where inotify has nothing to say

}  // namespace

std::string state_directory(const std::map<std::string, std::string>& environment,
                            const std::string& home) {
  const auto state = environment.find("XDG_STATE_HOME");
  if (state != environment.end() && path::is_absolute(state->second)) {
    return path::join(path::normalise(state->second), "sbx");
  }
  return path::is_absolute(home) ? path::join(path::normalise(home), ".local/state/sbx") : "";
}

std::string state_directory() {
  std::map<std::string, std::string> environment;
  if (const char* state = ::getenv("XDG_STATE_HOME")) {
    environment.emplace("XDG_STATE_HOME", state);
  }
  return state_directory(environment, own_home());
}

Result<RunLog> RunLog::open(const std::string& directory) {
  RunLog log;
  log.directory_ = directory;
  for (std::size_t i = 0; i < log.files_.size(); ++i) {
    log.files_[i].path = path::join(directory, supervise::kLogFiles[i]);
    const sys::UniqueFd file(::open(log.files_[i].path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file && errno != ENOENT) {
      return Error{"cannot read the log " + log.files_[i].path, errno};
    }
  }
  return log;
}

void RunLog::read(File& file, std::vector<events::Event>& events) {
  struct stat info {};
  if (!file.descriptor) {
    file.descriptor.reset(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  }
  if (!file.descriptor || ::fstat(file.descriptor.get(), &info) != 0) {
    return;
  }
  if (info.st_size < file.offset) {  // its turn has come again
    file.offset = 0;
    file.rest.clear();
  }
  std::string text = std::move(file.rest);
  std::array<char, 65536> buffer{};
  for (ssize_t length = 0; (length = ::pread(file.descriptor.get(), buffer.data(), buffer.size(),
                                             file.offset)) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(length));
    file.offset += length;
  }
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    if (auto event = events::from_json(std::string_view(text).substr(begin, end - begin))) {
      events.push_back(*std::move(event));
    }
  }
  file.rest = text.substr(begin);
}

std::vector<events::Event> RunLog::read() {
  std::vector<events::Event> events;
  for (File& file : files_) {
    read(file, events);
  }
  // Parallel runs write in the order of their writes; the files take turns.
  std::stable_sort(events.begin(), events.end(), [](const events::Event& a, const events::Event& b) {
    return a.time_us < b.time_us;
  });
  return events;
}

void RunLog::wait() {
  if (!changes_) {
    changes_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  }
  // Again each time, for a directory that is not there yet; what is watched already stays so.
  const int watch = ::inotify_add_watch(changes_.get(), directory_.c_str(), IN_MODIFY | IN_CREATE);
  pollfd ready{changes_.get(), POLLIN, 0};
  ::poll(&ready, watch < 0 ? 0 : 1, kLookAgain);
  std::array<char, 4096> ignored{};
  while (::read(changes_.get(), ignored.data(), ignored.size()) > 0) {
  }
}

Result<std::vector<events::Event>> read_run_log() {
  auto log = RunLog::open(state_directory());
  if (!log) {
    return std::move(log).error();
  }
  return log->read();
}

}  // namespace sbx::cli
