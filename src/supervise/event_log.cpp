// SPDX-License-Identifier: Apache-2.0
#include "supervise/event_log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include <fmt/format.h>

namespace sbx::supervise {
namespace {

constexpr mode_t kDirectoryMode = 0700;
constexpr mode_t kFileMode = 0600;  // arguments of denied calls may show what was secret

bool is_full(const struct stat& file) {
  return file.st_size >= kLogFileBytes;
}

bool is_older(const struct stat& a, const struct stat& b) {
  return a.st_mtim.tv_sec != b.st_mtim.tv_sec ? a.st_mtim.tv_sec < b.st_mtim.tv_sec
                                              : a.st_mtim.tv_nsec < b.st_mtim.tv_nsec;
}

// Each missing directory of the way. Errors show when the last is opened.
void make_directories(const std::string& directory) {
  for (std::size_t end = 1; end != std::string::npos && end < directory.size();) {
    end = directory.find('/', end + 1);
    ::mkdir(directory.substr(0, end).c_str(), kDirectoryMode);
  }
}

int open_directory(const std::string& directory) {
  return ::open(directory.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

// Ours, and nobody else's to write to: in another's directory a link could lead the log anywhere.
// 0 or an errno.
int check_owner(int directory) {
  struct stat info {};
  if (::fstat(directory, &info) != 0) {
    return errno;
  }
  constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;
  return info.st_uid != ::geteuid() || (info.st_mode & kOthersWrite) != 0 ? EPERM : 0;
}

// 0 or an errno. O_NONBLOCK: a pipe in its place must not hold the launch up.
int open_file(int directory, const char* name, sys::UniqueFd& file) {
  file.reset(::openat(directory, name,
                      O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                      kFileMode));
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) != 0) {
    return errno;
  }
  return !S_ISREG(info.st_mode) || info.st_uid != ::geteuid() || info.st_nlink != 1 ? EPERM : 0;
}

int open_files(const std::string& path, std::array<sys::UniqueFd, 2>& files) {
  sys::UniqueFd directory(open_directory(path));
  if (!directory && errno == ENOENT) {
    make_directories(path);
    directory.reset(open_directory(path));
  }
  if (!directory) {
    return errno;
  }
  int errno_value = check_owner(directory.get());
  for (std::size_t i = 0; i < files.size() && errno_value == 0; ++i) {
    errno_value = open_file(directory.get(), kLogFiles[i], files[i]);
  }
  return errno_value;
}

bool is_problem(const events::Event& event) {
  return !std::holds_alternative<events::Started>(event.what) &&
         !std::holds_alternative<events::Ended>(event.what);
}

bool counts_against_run(const events::Event& event) {
  return is_problem(event) && !std::holds_alternative<events::Crashed>(event.what);
}

}  // namespace

LogTurn log_turn(const std::array<struct stat, 2>& files) {
  if (!is_full(files[0])) {
    return {0, false};
  }
  if (!is_full(files[1])) {
    return {1, false};
  }
  return {is_older(files[0], files[1]) ? std::size_t{0} : std::size_t{1}, true};
}

EventLog EventLog::open(const std::string& directory, plan::LogMode mode) {
  EventLog log;
  log.mode_ = mode;
  log.directory_ = directory;
  if (mode == plan::LogMode::None) {
    return log;
  }
  const int errno_value = directory.empty() ? ENOENT : open_files(directory, log.files_);
  if (errno_value != 0) {
    log.files_ = {};
    log.fail(errno_value);
  }
  return log;
}

void EventLog::take(const events::Event& event) {
  if (mode_ == plan::LogMode::None) {
    return;
  }
  if (mode_ == plan::LogMode::Problems && !has_told_ && !is_problem(event)) {
    held_.push_back(event);
    return;
  }
  append_held();
  if (!counts_against_run(event)) {
    append(events::to_json(event) + "\n");
    return;
  }
  if (is_full_) {
    return;
  }
  const std::string line = events::to_json(event) + "\n";
  bytes_ += line.size();
  if (bytes_ <= kLogBytesOfRun) {
    append(line);
    return;
  }
  is_full_ = true;
  events::Event last = event;
  last.what = events::LimitHit{
      fmt::format("the log takes no more of this run's denials: they have filled {} KiB",
                  kLogBytesOfRun / 1024),
      {}};
  append(events::to_json(last) + "\n");
}

void EventLog::append_held() {
  if (!has_told_) {
    has_told_ = true;
    for (const events::Event& event : std::exchange(held_, {})) {
      append(events::to_json(event) + "\n");
    }
  }
}

void EventLog::append(const std::string& line) {
  std::array<struct stat, 2> files{};
  const auto look = [&] {
    return ::fstat(files_[0].get(), &files[0]) == 0 && ::fstat(files_[1].get(), &files[1]) == 0;
  };
  if (!files_[0] || !look()) {
    return;
  }
  LogTurn turn = log_turn(files);
  if (turn.empty_it && ::flock(files_[0].get(), LOCK_EX | LOCK_NB) == 0) {
    // Another run may have done it meanwhile.
    if (look() && (turn = log_turn(files)).empty_it && ::ftruncate(files_[turn.file].get(), 0) != 0) {
      fail(errno);
    }
    ::flock(files_[0].get(), LOCK_UN);
  } else if (turn.empty_it) {
    turn.file = 1 - turn.file;  // somebody is at it: the newer one grows a little
  }
  const ssize_t written = ::write(files_[turn.file].get(), line.data(), line.size());
  if (written < 0) {
    fail(errno);
  } else if (static_cast<std::size_t>(written) < line.size()) {
    fail(ENOSPC);
    // Half a line: the next one of whatever run shall not become its end.
    [[maybe_unused]] const ssize_t ended = ::write(files_[turn.file].get(), "\n", 1);
  }
}

void EventLog::fail(int errno_value) {
  if (has_failed_) {
    return;
  }
  has_failed_ = true;
  const std::string object = directory_.empty() ? "of a user without a home" : "in " + directory_;
  problem_ = Error{"cannot keep the log " + object, errno_value, {},
                   errno_value == ENOSPC || errno_value == EDQUOT
                       ? "make room there; the run goes on without it"
                   : errno_value == EPERM || errno_value == ELOOP
                       ? "the directory and its files must be this user's own, and no links; the run "
                         "goes on without it"
                       : "name another place in XDG_STATE_HOME, or write report.log = \"none\"; the "
                         "run goes on without it"};
}

std::optional<Error> EventLog::take_problem() {
  // A log that could not be opened matters when something was to be written.
  if (!has_told_) {
    return std::nullopt;
  }
  return std::exchange(problem_, std::nullopt);
}

}  // namespace sbx::supervise
