// SPDX-License-Identifier: Apache-2.0
#include "supervise/watch_carry.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "sys/event_loop.h"
#include "sys/unique_fd.h"

using namespace sbx;
using supervise::Watch;

TEST_CASE("the watches of one descriptor are read from an instance's fdinfo") {
  constexpr std::string_view kText =
      "pos:\t0\nflags:\t02000002\nmnt_id:\t15\nino:\t1057\n"
      "tfd:       10 events: 8000201d data:     7f00deadbeef  pos:0 ino:3039 sdev:8\n"
      "tfd:       10 events: 19 data: ffffffffffffffff  pos:0 ino:3040 sdev:8\n"
      "tfd:      100 events: 19 data: a  pos:0 ino:3039 sdev:8\n"
      "tfd: broken\n";
  const auto watches = supervise::parse_watches(kText, 10, 0x3039);
  REQUIRE(watches.size() == 1);
  CHECK(watches[0] == Watch{-1, 0x8000201d, 0x7f00deadbeef});
  CHECK(supervise::parse_watches(kText, 11, 0x3039).empty());
  CHECK(supervise::parse_watches("", 10, 0x3039).empty());
}

TEST_CASE("a watch on a descriptor is carried over to what takes its place") {
  const sys::UniqueFd instance(::epoll_create1(EPOLL_CLOEXEC));
  const sys::UniqueFd first(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const sys::UniqueFd second(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = 0x1234567890abcdef;
  REQUIRE(::epoll_ctl(instance.get(), EPOLL_CTL_ADD, first.get(), &event) == 0);
  const auto watches = supervise::watches_on(::getpid(), first.get());
  REQUIRE(watches.size() == 1);
  CHECK(watches[0].epoll == instance.get());

  const int number = first.get();
  const sys::UniqueFd source(::fcntl(second.get(), F_DUPFD_CLOEXEC, 0));
  REQUIRE(::dup3(second.get(), number, O_CLOEXEC) == number);  // the old watch goes with its file
  epoll_event got{};
  CHECK(::epoll_wait(instance.get(), &got, 1, 0) == 0);
  supervise::carry_watches(::getpid(), watches, source.get(), number);
  REQUIRE(::epoll_wait(instance.get(), &got, 1, 1000) == 1);
  CHECK(std::uint64_t{got.data.u64} == 0x1234567890abcdef);  // a packed member: no reference to it
  // It is a watch of that number: the program can change and remove it.
  CHECK(::epoll_ctl(instance.get(), EPOLL_CTL_MOD, number, &event) == 0);
  CHECK(::epoll_ctl(instance.get(), EPOLL_CTL_DEL, number, &event) == 0);
}

TEST_CASE("the number that a watch is made for stays what it was") {
  const sys::UniqueFd instance(::epoll_create1(EPOLL_CLOEXEC));
  const sys::UniqueFd file(::eventfd(1, EFD_CLOEXEC));
  const sys::UniqueFd taken(::eventfd(7, EFD_CLOEXEC));
  REQUIRE(sys::watch_as(instance.get(), file.get(), taken.get(), EPOLLIN, 5) == 0);
  std::uint64_t value = 0;
  REQUIRE(::read(taken.get(), &value, sizeof value) == sizeof value);
  CHECK(value == 7);
  CHECK((::fcntl(taken.get(), F_GETFD) & FD_CLOEXEC) != 0);
  // A number that is free is free again; the instance's own number can be asked for too.
  const int free_number = ::fcntl(file.get(), F_DUPFD, 200);
  ::close(free_number);
  CHECK(sys::watch_as(instance.get(), file.get(), free_number, EPOLLIN, 6) == 0);
  CHECK(::fcntl(free_number, F_GETFD) == -1);
  CHECK(sys::watch_as(instance.get(), file.get(), instance.get(), EPOLLIN, 7) == 0);
  epoll_event got[4]{};
  CHECK(::epoll_wait(instance.get(), got, 4, 1000) == 3);
}
