// SPDX-License-Identifier: Apache-2.0
#include "learn/argument_classes.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "learn/observations.h"
#include "learn/path_arguments.h"
#include "seccomp/evaluate.h"
#include "seccomp/when.h"

using namespace sbx::learn;

namespace {

using Arguments = std::array<unsigned long long, 6>;

// Whether the condition that was learned from `seen` lets `call` through.
bool lets(std::string_view name, const std::vector<Arguments>& seen, const Arguments& call) {
  std::vector<std::array<std::uint64_t, 3>> classes;
  for (const Arguments& one : seen) {
    classes.push_back(class_of(name, one));
  }
  const std::string when = when_of(name, classes);
  if (when.empty()) {
    return true;
  }
  CAPTURE(when);
  const auto condition = sbx::seccomp::parse_when(when, name, {});
  REQUIRE(condition);
  seccomp_data data{};
  std::copy(call.begin(), call.end(), std::begin(data.args));
  return sbx::seccomp::holds(*condition, data);
}

}  // namespace

TEST_CASE("argument classes: what was seen is let through, whatever the descriptor; nothing else is") {
  const Arguments tcp{AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0};
  CHECK(lets("socket", {tcp}, tcp));
  CHECK(lets("socket", {tcp}, {AF_INET, SOCK_STREAM, 0}));
  CHECK_FALSE(lets("socket", {tcp}, {AF_INET, SOCK_DGRAM, 0}));
  CHECK_FALSE(lets("socket", {tcp}, {AF_PACKET, SOCK_STREAM, 0}));
  CHECK(lets("ioctl", {{3, 0x5401}, {3, 0x5421}}, {99, 0x5421}));
  CHECK_FALSE(lets("ioctl", {{3, 0x5401}, {3, 0x5421}}, {3, 0x5412}));
  CHECK(lets("kill", {{4711, 15}}, {1, 15}));
  CHECK_FALSE(lets("kill", {{4711, 15}}, {4711, 9}));
}

TEST_CASE("argument classes: upper halves that the kernel does not read make no class") {
  CHECK(class_of("ioctl", Arguments{0, 0xffff'ffff'0000'5401}) == class_of("ioctl", Arguments{0, 0x5401}));
  CHECK(lets("socket", {{AF_UNIX, SOCK_STREAM}}, {0xffff'ffff'0000'0001, SOCK_STREAM}));
}

TEST_CASE("argument classes: families stay apart, however they are mixed") {
  const std::vector<Arguments> seen{{AF_INET, SOCK_STREAM, 6}, {AF_INET6, SOCK_STREAM, 6}, {AF_UNIX, SOCK_DGRAM, 0}};
  for (const Arguments& one : seen) {
    CHECK(lets("socket", seen, one));
  }
  CHECK_FALSE(lets("socket", seen, {AF_UNIX, SOCK_STREAM, 6}));
  CHECK_FALSE(lets("socket", seen, {AF_INET, SOCK_DGRAM, 0}));
  const std::vector<Arguments> options{{3, 1, 2}, {3, 6, 1}};
  CHECK_FALSE(lets("setsockopt", options, {3, 1, 1}));
  CHECK_FALSE(lets("setsockopt", options, {3, 6, 2}));
}

TEST_CASE("argument classes: threads and processes") {
  const Arguments thread{CLONE_VM | CLONE_THREAD};
  const Arguments process{17};
  CHECK_FALSE(lets("clone", {thread}, process));
  CHECK_FALSE(lets("clone", {process}, thread));
  CHECK(when_of("clone", {class_of("clone", thread), class_of("clone", process)}).empty());
  CHECK(when_of("getpid", {{}}).empty());
}

TEST_CASE("argument classes: more than a condition may say is said more coarsely, and still parses") {
  std::vector<Arguments> many;
  for (unsigned i = 0; i < 60; ++i) {
    for (unsigned j = 0; j < 20; ++j) {
      many.push_back({3, i, i * 1000 + j * 7});
    }
  }
  CHECK(lets("setsockopt", many, many.front()));
  CHECK_FALSE(lets("setsockopt", many, {3, 61, 0}));
}

TEST_CASE("argument classes: an option has the name of its level") {
  CHECK(when_of("setsockopt", {{SOL_SOCKET, SO_REUSEADDR, 0}, {6, 1, 0}}) ==
        "level == SOL_SOCKET and optname == SO_REUSEADDR or level == SOL_TCP and optname == TCP_NODELAY");
  CHECK(when_of("setsockopt", {{41, 26, 0}}) == "level == SOL_IPV6 and optname == IPV6_V6ONLY");
}

TEST_CASE("path arguments: what the flags of open do") {
  CHECK(doings_of_open(O_RDONLY) == kRead);
  CHECK(doings_of_open(O_RDONLY | O_DIRECTORY) == kListed);
  CHECK(doings_of_open(O_WRONLY | O_CREAT | O_TRUNC) == (kWrote | kOpenedToMake));
  CHECK(doings_of_open(O_RDWR) == (kRead | kWrote));
  CHECK(doings_of_open(O_RDWR | O_TMPFILE) == (kRead | kWrote | kMade));
  CHECK(doings_of_open(O_PATH) == kLooked);
  CHECK(path_arguments("rename").size() == 2);
  CHECK(path_arguments("getpid").empty());
}
