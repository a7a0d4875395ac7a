// SPDX-License-Identifier: Apache-2.0
#include "sys/event_loop.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

namespace sbx::sys {

Result<Epoll> Epoll::create() {
  Epoll epoll;
  epoll.fd_.reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.fd_) {
    return Error{"cannot create an epoll descriptor", errno};
  }
  return epoll;
}

int Epoll::add(int fd, std::uint32_t events, std::uint64_t tag) {
  return control(EPOLL_CTL_ADD, fd, events, tag);
}

int Epoll::change(int fd, std::uint32_t events, std::uint64_t tag) {
  return control(EPOLL_CTL_MOD, fd, events, tag);
}

int Epoll::control(int operation, int fd, std::uint32_t events, std::uint64_t tag) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  return ::epoll_ctl(fd_.get(), operation, fd, &event) == 0 ? 0 : -errno;
}

int Epoll::remove(int fd) {
  epoll_event unused{};
  return ::epoll_ctl(fd_.get(), EPOLL_CTL_DEL, fd, &unused) == 0 ? 0 : -errno;
}

std::span<epoll_event> Epoll::wait(std::span<epoll_event> events) {
  const int ready = ::epoll_wait(fd_.get(), events.data(), static_cast<int>(events.size()), -1);
  return events.first(ready < 0 ? 0u : static_cast<std::size_t>(ready));
}

int watch_as(int instance, int file, int number, std::uint32_t events, std::uint64_t data) {
  const UniqueFd elsewhere(::fcntl(instance, F_DUPFD_CLOEXEC, number + 1));
  if (!elsewhere) {
    return -errno;
  }
  epoll_event event{};
  event.events = events;
  event.data.u64 = data;
  if (file == number) {
    return ::epoll_ctl(elsewhere.get(), EPOLL_CTL_ADD, number, &event) == 0 ? 0 : -errno;
  }
  const int flags = ::fcntl(number, F_GETFD);
  const UniqueFd before(flags < 0 ? -1 : ::fcntl(number, F_DUPFD_CLOEXEC, number + 1));
  if (flags >= 0 && !before) {
    return -EMFILE;
  }
  if (::dup3(file, number, O_CLOEXEC) < 0) {
    return -errno;
  }
  const int result =
      ::epoll_ctl(elsewhere.get(), EPOLL_CTL_ADD, number, &event) == 0 ? 0 : -errno;
  if (before) {
    ::dup3(before.get(), number, (flags & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0);
  } else {
    ::close(number);
  }
  return result;
}

Result<UniqueFd> create_timer() {
  UniqueFd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer) {
    return Error{"cannot create a timer", errno};
  }
  return timer;
}

int arm_timer(int timer, std::uint64_t milliseconds) {
  itimerspec when{};
  when.it_value.tv_sec = static_cast<time_t>(milliseconds / 1000);
  when.it_value.tv_nsec = static_cast<long>(milliseconds % 1000) * 1'000'000;
  return ::timerfd_settime(timer, 0, &when, nullptr) == 0 ? 0 : -errno;
}

void drain_timer(int timer) {
  std::uint64_t expirations = 0;
  // A count that cannot be read was read by somebody else: nothing to do either way.
  [[maybe_unused]] const ssize_t length = ::read(timer, &expirations, sizeof expirations);
}

Result<UniqueFd> create_signalfd() {
  sigset_t all;
  sigfillset(&all);
  UniqueFd fd(::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) {
    return Error{"cannot create a signal descriptor", errno};
  }
  return fd;
}

bool next_signal(int signalfd, signalfd_siginfo& info) {
  return ::read(signalfd, &info, sizeof info) == static_cast<ssize_t>(sizeof info);
}

std::uint64_t monotonic_milliseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}

std::uint64_t realtime_microseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

}  // namespace sbx::sys
