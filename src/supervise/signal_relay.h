// SPDX-License-Identifier: Apache-2.0
// Which signals of the supervisor go on to the sandboxee, and to whom. Pure.
#pragma once

#include <sys/signalfd.h>
#include <sys/types.h>

#include <optional>

namespace sbx::supervise {

struct RelayedSignal {
  int signal = 0;
  // The kernel sent it, so it came from the terminal (Ctrl-C, a new window size, a hang-up), and
  // meant everybody in the foreground. The sandboxee has a session of its own, which the terminal
  // does not reach: init gives it to the whole process group.
  bool to_group = false;
  bool stop_self = false;  // job control: the supervisor stops too, so that the shell sees it
};

// Nothing: the signal concerns the supervisor itself. `self` is its pid.
std::optional<RelayedSignal> relay(const signalfd_siginfo& info, pid_t self);

}  // namespace sbx::supervise
