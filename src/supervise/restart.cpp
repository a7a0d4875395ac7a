// SPDX-License-Identifier: Apache-2.0
#include "supervise/restart.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "supervise/signal_relay.h"
#include "sys/event_loop.h"
#include "sys/pidfd.h"
#include "sys/process.h"

namespace sbx::supervise {
namespace {

constexpr int kSignalBase = 128;

bool asks_to_end(int signal) {
  return signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT;
}

// An Outcome through a pipe.
struct Told {
  std::size_t kind = 0;
  int value = 0;
};

Told told_of(const Outcome& outcome) {
  Told told{outcome.index(), 0};
  if (const auto* exited = std::get_if<Exited>(&outcome)) {
    told.value = exited->code;
  } else if (const auto* killed = std::get_if<Killed>(&outcome)) {
    told.value = killed->signal;
  } else if (const auto* violation = std::get_if<Violation>(&outcome)) {
    told.value = violation->signal;
  }
  return told;
}

Outcome outcome_of(const Told& told) {
  const Outcome kinds[] = {Exited{told.value}, Killed{told.value}, Violation{told.value}, TimedOut{}};
  return kinds[std::min(told.kind, std::size(kinds) - 1)];
}

// One child.
struct Child {
  sys::UniqueFd process;  // pidfd
  sys::UniqueFd outcome;  // reading end
};

class Loop {
 public:
  explicit Loop(const Restarts& restarts) : restarts_(restarts) {}

  Result<int> run();

 private:
  Result<int> in_child(int parent, sys::UniqueFd outcome);
  Status watch(const Child& child);
  void relay_signals(int child);
  std::optional<int> pause(std::chrono::milliseconds time);
  std::optional<std::uint64_t> seconds_left() const;

  const Restarts& restarts_;
  sigset_t mask_{};  // that of the caller
  sys::UniqueFd signals_;
  std::uint64_t deadline_ = 0;  // CLOCK_MONOTONIC, milliseconds; 0: none
  int ending_signal_ = 0;       // of whoever asked for the end
};

Result<int> Loop::in_child(int parent, sys::UniqueFd outcome) {
  signals_.reset();
  SBX_TRY(end_with_parent());
  if (::getppid() != parent) {
    return kSignalBase + SIGKILL;  // it is gone already, and with it who would be told
  }
  ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
  return restarts_.start(seconds_left(), [&outcome](const Outcome& told) {
    const Told message = told_of(told);
    [[maybe_unused]] const ssize_t written = ::write(outcome.get(), &message, sizeof message);
  });
}

// What came from the terminal has reached the child too, which is in our process group.
void Loop::relay_signals(int child) {
  signalfd_siginfo info{};
  while (sys::next_signal(signals_.get(), info)) {
    const int signal = static_cast<int>(info.ssi_signo);
    if (signal == SIGCHLD) {
      siginfo_t state{};
      // It stops when its command has: the shell then has to see us stopped.
      if (::waitid(P_PIDFD, static_cast<id_t>(child), &state,
                   WSTOPPED | WNOHANG) == 0 &&
          state.si_pid != 0) {
        ::kill(::getpid(), SIGSTOP);
      }
      continue;
    }
    const auto relayed = relay(info, ::getpid());
    if (!relayed) {
      continue;
    }
    ending_signal_ = asks_to_end(signal) ? signal : ending_signal_;
    if (info.ssi_code != SI_KERNEL) {
      sys::send_signal(child, signal);
    }
  }
}

Status Loop::watch(const Child& child) {
  for (;;) {
    pollfd ready[] = {{child.process.get(), POLLIN, 0}, {signals_.get(), POLLIN, 0}};
    if (::poll(ready, std::size(ready), -1) < 0 && errno != EINTR) {
      return Error{"cannot watch over the command's supervisor", errno};
    }
    relay_signals(child.process.get());
    if ((ready[0].revents & POLLIN) != 0) {
      return {};
    }
  }
}

std::optional<std::uint64_t> Loop::seconds_left() const {
  if (deadline_ == 0) {
    return std::nullopt;
  }
  const std::uint64_t now = sys::monotonic_milliseconds();
  return deadline_ > now ? (deadline_ - now + 999) / 1000 : 0;
}

// The exit status if this was the end.
std::optional<int> Loop::pause(std::chrono::milliseconds time) {
  std::uint64_t end = sys::monotonic_milliseconds() + static_cast<std::uint64_t>(time.count());
  const bool is_last = deadline_ != 0 && deadline_ <= end;
  end = is_last ? deadline_ : end;
  for (;;) {
    const std::uint64_t now = sys::monotonic_milliseconds();
    if (now >= end) {
      return is_last ? std::optional<int>(static_cast<int>(ExitCode::TimeLimit)) : std::nullopt;
    }
    pollfd ready{signals_.get(), POLLIN, 0};
    ::poll(&ready, 1, static_cast<int>(end - now));
    signalfd_siginfo info{};
    while (sys::next_signal(signals_.get(), info)) {
      const int signal = static_cast<int>(info.ssi_signo);
      if (asks_to_end(signal)) {
        return kSignalBase + signal;
      }
      if (signal == SIGTSTP) {
        ::kill(::getpid(), SIGSTOP);  // SIGTSTP itself is blocked
      }
    }
  }
}

Result<int> Loop::run() {
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_BLOCK, &all, &mask_);
  auto signals = sys::create_signalfd();
  if (!signals) {
    return std::move(signals).error();
  }
  signals_ = *std::move(signals);
  if (restarts_.limit_seconds) {
    deadline_ = sys::monotonic_milliseconds() + *restarts_.limit_seconds * 1000;
  }
  Backoff backoff;
  for (;;) {
    const std::uint64_t started = sys::monotonic_milliseconds();
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) {
      return Error{"cannot open a pipe", errno};
    }
    Child child;
    child.outcome.reset(ends[0]);
    sys::UniqueFd write_end(ends[1]);
    int pidfd = -1;
    const int parent = ::getpid();
    const int pid = sys::clone_namespaces(0, &pidfd);
    if (pid == 0) {
      return in_child(parent, std::move(write_end));
    }
    if (pid < 0) {
      return Error{"cannot start a supervisor for the command", -pid, {},
                   "the limit of processes may be reached"};
    }
    child.process.reset(pidfd);
    write_end.reset();
    SBX_TRY(watch(child));
    sys::Ended ended;
    sys::reap(child.process.get(), true, ended);
    const int status = ended.code == CLD_EXITED ? ended.status : kSignalBase + ended.status;
    Told told;
    const bool has_told = ::read(child.outcome.get(), &told, sizeof told) == sizeof told;
    if (!has_told || ending_signal_ != 0 || !is_crash(outcome_of(told))) {
      return status;
    }
    const std::chrono::milliseconds lasted(sys::monotonic_milliseconds() - started);
    const Pause next = backoff.next(lasted);
    restarts_.tell_pause(next);
    if (const auto last = pause(next.time)) {
      return *last;
    }
  }
}

}  // namespace

bool is_crash(const Outcome& outcome) {
  constexpr std::array kCrashes{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS, SIGKILL};
  if (std::holds_alternative<Violation>(outcome)) {
    return true;
  }
  const auto* killed = std::get_if<Killed>(&outcome);
  return killed != nullptr &&
         std::find(kCrashes.begin(), kCrashes.end(), killed->signal) != kCrashes.end();
}

Result<int> run_with_restarts(const Restarts& restarts) { return Loop(restarts).run(); }

Status end_with_parent() {
  if (const int answer = sys::set_parent_death_signal(SIGKILL); answer < 0) {
    return Error{"cannot end with the parent process", -answer};
  }
  return {};
}

}  // namespace sbx::supervise
