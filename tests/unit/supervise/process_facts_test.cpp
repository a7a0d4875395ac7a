// SPDX-License-Identifier: Apache-2.0
#include "supervise/process_facts.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <catch2/catch.hpp>

using sbx::supervise::parse_fdinfo;
using sbx::supervise::parse_status;

TEST_CASE("the pid inside is the second of NSpid") {
  struct Row {
    const char* pids;
    int inside;
  };
  const auto row = GENERATE(values<Row>({
      {"4711\t7", 7},
      {"4711\t7\t1", 7},  // a namespace of the sandboxee's own below
      {"4711", 4711},
  }));
  const auto facts = parse_status("Name:\tprobe\nUmask:\t0077\nTgid:\t4711\nNSpid:\t" +
                                  std::string(row.pids) + "\nThreads:\t1\n");
  REQUIRE(facts);
  CHECK(facts->process == 4711);
  CHECK(facts->pid_inside == row.inside);
  CHECK(facts->umask == 077);
}

TEST_CASE("a status that is none gives nothing") {
  const auto* const text =
      GENERATE("", "\n\n", "Tgid:", "Tgid:\t\nNSpid:\t1\n", "Tgid:\t5\n", "NSpid:\t5\t1\n",
               "Tgid:\tx\nNSpid:\t1\n", "Tgid:\t99999999999999\nNSpid:\t1\n");
  CHECK_FALSE(parse_status(text));
}

TEST_CASE("open flags are read from fdinfo in octal") {
  CHECK(parse_fdinfo("pos:\t0\nflags:\t02004002\nmnt_id:\t9\n") ==
        (O_CLOEXEC | O_NONBLOCK | O_RDWR));
  CHECK_FALSE(parse_fdinfo("pos:\t0\n"));
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  CHECK((sbx::supervise::descriptor_flags(::getpid(), fd).value_or(0) & O_CLOEXEC) != 0);
  ::close(fd);
  CHECK_FALSE(sbx::supervise::descriptor_flags(::getpid(), fd));
}

TEST_CASE("this process is read as it is") {
  const auto facts = sbx::supervise::read_process(::getpid());
  REQUIRE(facts);
  CHECK(facts->process == ::getpid());
  CHECK_FALSE(facts->program.empty());
  CHECK_FALSE(facts->thread_name.empty());
  CHECK_FALSE(sbx::supervise::read_process(0x7ffffff0));
}

TEST_CASE("paths are opened as that process sees them, and never outside its root") {
  const int self = ::getpid();
  const int root = sbx::supervise::open_as_seen_by(self, "/../../..");
  CHECK(root >= 0);
  ::close(root);
  const int relative = sbx::supervise::open_as_seen_by(self, "./..");
  CHECK(relative >= 0);
  ::close(relative);
  CHECK(sbx::supervise::open_as_seen_by(self, "/does/not/exist") == -ENOENT);
  // A link of procfs that could lead anywhere is its text, walked from the root.
  const int descriptor = ::open("/etc", O_PATH | O_CLOEXEC);
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const int place = sbx::supervise::open_as_seen_by(self, link);
  struct stat etc {}, found {};
  CHECK((::fstat(descriptor, &etc) == 0 && ::fstat(place, &found) == 0));
  CHECK(etc.st_ino == found.st_ino);
  ::close(place);
  ::close(descriptor);
  const int pipe_end = ::eventfd(0, EFD_CLOEXEC);
  CHECK(sbx::supervise::open_as_seen_by(self, "/proc/self/fd/" + std::to_string(pipe_end)) ==
        -ENOENT);
  ::close(pipe_end);
}

TEST_CASE("a signal with a handler that waits for the thread is seen") {
  struct Row {
    const char* threads;
    const char* own;
    const char* shared;
    const char* blocked;
    const char* caught;
    bool seen;
  };
  const auto row = GENERATE(Row{"1", "0", "0", "0", "2000", false},
                            Row{"1", "2000", "0", "0", "2000", true},
                            Row{"1", "0", "2000", "0", "2000", true},
                            Row{"2", "0", "2000", "0", "2000", false},  // another thread may take it
                            Row{"2", "2000", "0", "0", "2000", true},
                            Row{"1", "2000", "0", "2000", "2000", false},
                            Row{"1", "2000", "0", "0", "1000", false});
  const std::string text = std::string("Threads:\t") + row.threads + "\nSigPnd:\t" + row.own +
                           "\nShdPnd:\t" + row.shared + "\nSigBlk:\t" + row.blocked +
                           "\nSigIgn:\t0\nSigCgt:\t" + row.caught + "\n";
  INFO(text);
  CHECK(sbx::supervise::shows_caught_signal(text) == row.seen);
}
