// SPDX-License-Identifier: Apache-2.0
// pid 1 inside: runs the launch's first half, then reaps, forwards signals, and ends with the
// command, allowed no call beyond what that takes (init_filter in prepare.cpp). When it ends the
// kernel kills everything left in its pid namespace (pid_namespaces(7)).
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "launch/prepared.h"
#include "launch/report.h"
#include "launch/sequence.h"
#include "sys/pidfd.h"
#include "sys/process.h"
#include "sys/terminal.h"

namespace sbx::launch {
namespace {

constexpr int kSetupFailed = static_cast<int>(ExitCode::SbxFailed);

[[noreturn]] void fail(const PreparedLaunch& prepared, Step step, StepResult result) noexcept {
  const ChildReport report{ChildReport::Kind::Failed, static_cast<std::int16_t>(step),
                           static_cast<std::int16_t>(result.errno_value), result.item};
  // If nobody reads it the supervisor is gone, and so is this sandbox.
  [[maybe_unused]] const ssize_t written =
      ::write(prepared.status_write.get(), &report, sizeof report);
  ::_exit(kSetupFailed);
}

// The caller's arguments and environment lie in this process's memory, where /proc/1/cmdline shows them
// to everybody inside. execve(2) puts the strings side by side: argv's first, the environment's after.
void forget_the_caller() {
  char* const first = program_invocation_name;
  char* end = first + std::strlen(first) + 1;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    end = *variable + std::strlen(*variable) + 1;
  }
  if (first < end) {
    std::memset(first, 0, static_cast<std::size_t>(end - first));
  }
}

// Everything but the status pipe and the sandbox's terminal (-1: none): a listener left open here
// would keep denied calls waiting for ever after the supervisor's death, a pipe on stdout would never
// see its end.
int keep_only(int status, int terminal) {
  unsigned next = 0;
  for (const int kept : {std::min(status, terminal), std::max(status, terminal)}) {
    const auto number = static_cast<unsigned>(kept);
    if (kept > static_cast<int>(next) && ::close_range(next, number - 1, 0) != 0) {
      return -errno;
    }
    next = kept < 0 ? next : number + 1;
  }
  return ::close_range(next, ~0u, 0) == 0 ? 0 : -errno;
}

void tell(const PreparedLaunch& prepared, int wait_status) {
  [[maybe_unused]] const ssize_t written =
      ::write(prepared.status_write.get(), &wait_status, sizeof wait_status);
}

// Without a pid namespace nobody else ends what the command has left running.
void end_the_rest(const PreparedLaunch& prepared) {
  if (prepared.plan.on_host_tree) {
    sys::end_children(false);
  }
}

// Reaps whatever has ended, the sandboxee last: with it this process, and everything inside, ends.
// With a terminal its stops are told too, so that sbx can stop as well and the caller's shell goes on.
void reap(const PreparedLaunch& prepared, int sandboxee) {
  const int options = WNOHANG | (prepared.plan.terminal.own ? WUNTRACED : 0);
  int status = 0, pid = 0;
  while ((pid = ::waitpid(-1, &status, options)) > 0) {
    if (pid == sandboxee) {
      tell(prepared, status);
      if (!WIFSTOPPED(status)) {
        end_the_rest(prepared);
        ::_exit(0);
      }
    }
  }
  if (pid < 0 && errno != ECHILD) {
    ::_exit(kSetupFailed);  // it would never hear of the command's end
  }
}

void forward(const siginfo_t& signal, const ChildState& state) {
  const int to = signal.si_code == SI_QUEUE ? signal.si_value.sival_int : sys::kToProcess;
  // In init's session, of which init's own group is the other one that it may name. Whoever is in
  // the foreground by an inner shell's will stays there.
  if (to == sys::kToForeground) {
    sys::set_foreground_group(state.terminal, state.sandboxee);
  } else if (to == sys::kToBackground && ::tcgetpgrp(state.terminal) == state.sandboxee) {
    sys::set_foreground_group(state.terminal, ::getpgrp());
  }
  ::kill(to == sys::kToProcess ? state.sandboxee : -state.sandboxee, signal.si_signo);
}

[[noreturn]] void reap_and_forward(const PreparedLaunch& prepared, const ChildState& state) noexcept {
  sigset_t all;
  ::sigfillset(&all);
  for (;;) {
    siginfo_t signal{};
    if (::sigwaitinfo(&all, &signal) < 0) {
      continue;  // EINTR, after a stop
    }
    if (prepared.plan.on_host_tree && ::getppid() != prepared.supervisor) {
      end_the_rest(prepared);  // nobody watches any more
      ::_exit(kSetupFailed);
    }
    if (signal.si_signo != SIGCHLD) {
      // Only from the supervisor (seen from a pid namespace as 0): inside nobody may steer init.
      if (signal.si_pid == (prepared.plan.on_host_tree ? prepared.supervisor : 0)) {
        forward(signal, state);
      }
      continue;
    }
    reap(prepared, state.sandboxee);
  }
}

}  // namespace

void run_init(PreparedLaunch& prepared) noexcept {
  if (prepared.trace != nullptr) {
    prepared.trace->in_init = monotonic_nanoseconds();
  }
  // The supervisor's end of the pipe: held here it would hide its death.
  prepared.status_read.reset();
  ::prctl(PR_SET_NAME, "sbx-init", 0, 0, 0);
  forget_the_caller();

  ChildState state;
  Step failed = Step::Execute;
  const StepResult result = run_steps(init_sequence(prepared.plan), prepared, state, &failed);
  if (result.errno_value != 0) {
    fail(prepared, failed, result);
  }
  if (state.failure.errno_value != 0) {
    fail(prepared, state.failed_step, state.failure);
  }
  mark(prepared.trace, Step::Execute);

  if (const int answer = keep_only(prepared.status_write.get(), state.terminal); answer < 0) {
    fail(prepared, Step::CloseDescriptors, {-answer, 0});
  }
  const sock_fprog filter{static_cast<unsigned short>(prepared.init_filter.size()),
                          prepared.init_filter.data()};
  if (const int answer = sys::restrict_calls(filter); answer < 0) {
    fail(prepared, Step::InstallFilter, {-answer, 0});
  }
  const ChildReport started{ChildReport::Kind::Started, 0, 0, 0};
  // After a self-test nobody waits for this: release has returned long ago.
  if (prepared.self_test == nullptr &&
      ::write(prepared.status_write.get(), &started, sizeof started) != sizeof started) {
    ::_exit(kSetupFailed);  // no supervisor any more
  }
  reap_and_forward(prepared, state);
}

}  // namespace sbx::launch
