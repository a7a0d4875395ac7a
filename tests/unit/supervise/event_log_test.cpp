// SPDX-License-Identifier: Apache-2.0
#include "supervise/event_log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

#include "supervise/backoff.h"

using namespace sbx;
using namespace std::chrono_literals;

namespace {

std::string fresh_directory() {
  std::string path = "/tmp/sbx-log-test-XXXXXX";
  REQUIRE(::mkdtemp(path.data()) != nullptr);
  return path;
}

void remove(const std::string& directory) {
  for (const char* file : supervise::kLogFiles) {
    ::unlink((directory + "/" + file).c_str());
  }
  ::rmdir(directory.c_str());
}

std::string text_of(const std::string& directory, std::size_t file) {
  std::ifstream in(directory + "/" + supervise::kLogFiles[file]);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

struct stat file_of(std::int64_t size, std::int64_t time) {
  struct stat file {};
  file.st_size = size;
  file.st_mtim.tv_sec = time;
  return file;
}

events::Event event(events::What what) { return {1, "run", "strict", std::move(what)}; }

}  // namespace

TEST_CASE("the two files of the log are written to by turns") {
  constexpr std::int64_t kFull = supervise::kLogFileBytes;
  const auto turn = [](std::int64_t first, std::int64_t second, std::int64_t time = 2) {
    return supervise::log_turn({file_of(first, 1), file_of(second, time)});
  };
  CHECK(turn(0, 0).file == 0);
  CHECK(turn(kFull - 1, 0).file == 0);
  CHECK(turn(kFull, 0).file == 1);
  CHECK_FALSE(turn(kFull, kFull - 1).empty_it);
  CHECK(turn(kFull, kFull).file == 0);  // the older
  CHECK(turn(kFull, kFull).empty_it);
  CHECK(turn(kFull, kFull, 0).file == 1);
  CHECK(turn(0, kFull).file == 0);
}

TEST_CASE("a run without problems leaves nothing in the log, one with has its start too") {
  const std::string directory = fresh_directory();
  {
    auto log = supervise::EventLog::open(directory, plan::LogMode::Problems);
    log.take(event(events::Started{}));
    log.take(event(events::Ended{}));
  }
  CHECK(text_of(directory, 0).empty());
  {
    auto log = supervise::EventLog::open(directory, plan::LogMode::Problems);
    log.take(event(events::Started{}));
    log.take(event(events::LimitHit{"x", {}}));
    log.take(event(events::Ended{}));
  }
  const std::string text = text_of(directory, 0);
  CHECK(std::count(text.begin(), text.end(), '\n') == 3);
  struct stat info {};
  REQUIRE(::stat((directory + "/" + supervise::kLogFiles[0]).c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  auto all = supervise::EventLog::open(directory, plan::LogMode::All);
  all.take(event(events::Started{}));
  CHECK(text_of(directory, 0).size() > text.size());
  remove(directory);
}

TEST_CASE("the log and what one run adds to it have bounds") {
  const std::string directory = fresh_directory();
  const std::string long_text(8000, 'x');
  for (int run = 0; run < 12; ++run) {
    auto log = supervise::EventLog::open(directory, plan::LogMode::All);
    for (int i = 0; i < 200; ++i) {
      log.take(event(events::LimitHit{long_text, {}}));
    }
    log.take(event(events::Ended{}));
    CHECK_FALSE(log.take_problem());
  }
  std::size_t together = 0;
  std::string text;
  for (std::size_t i = 0; i < 2; ++i) {
    text = text_of(directory, i);
    together += text.size();
    CHECK(text.size() <= std::size_t{supervise::kLogFileBytes} + 10'000);
    CHECK(text.back() == '\n');
  }
  CHECK(together > std::size_t{supervise::kLogFileBytes});
  CHECK(text.find("the log takes no more of this run's denials") != std::string::npos);
  remove(directory);
}

TEST_CASE("a log that cannot be kept is told once, when there is something to log") {
  for (const char* directory : {"", "/proc/none/sbx"}) {
    auto log = supervise::EventLog::open(directory, plan::LogMode::Problems);
    log.take(event(events::Started{}));
    CHECK_FALSE(log.take_problem());
    log.take(event(events::LimitHit{}));
    CHECK(log.take_problem());
    log.take(event(events::LimitHit{}));
    CHECK_FALSE(log.take_problem());
  }
}

TEST_CASE("a log in a place that others can lead elsewhere is refused") {
  const std::string directory = fresh_directory();
  const std::string other = fresh_directory();
  REQUIRE(::symlink((other + "/stolen").c_str(), (directory + "/" + supervise::kLogFiles[0]).c_str()) == 0);
  auto log = supervise::EventLog::open(directory, plan::LogMode::All);
  log.take(event(events::Started{}));
  CHECK(log.take_problem());
  CHECK(::access((other + "/stolen").c_str(), F_OK) != 0);
  remove(directory);
  const std::string open_to_all = fresh_directory();
  REQUIRE(::chmod(open_to_all.c_str(), 0777) == 0);
  auto refused = supervise::EventLog::open(open_to_all, plan::LogMode::All);
  refused.take(event(events::Started{}));
  CHECK(refused.take_problem());
  remove(open_to_all);
  remove(other);
}

TEST_CASE("pauses between crashes double, and a stable time ends the row") {
  supervise::Backoff backoff;
  CHECK(backoff.next(0ms).time == 100ms);
  CHECK(backoff.next(0ms).time == 200ms);
  CHECK(backoff.next(0ms).time == 400ms);
  CHECK_FALSE(backoff.next(0ms).is_storm);
  CHECK(backoff.next(0ms).is_storm);  // the fifth
  CHECK_FALSE(backoff.next(0ms).is_storm);
  for (int i = 0; i < 10; ++i) {
    backoff.next(0ms);
  }
  CHECK(backoff.next(0ms).time == supervise::kLongestPause);
  CHECK(backoff.next(supervise::kStableTime).time == 100ms);
}
