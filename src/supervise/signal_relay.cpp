// SPDX-License-Identifier: Apache-2.0
#include "supervise/signal_relay.h"

#include <signal.h>

namespace sbx::supervise {

std::optional<RelayedSignal> relay(const signalfd_siginfo& info, pid_t self) {
  const int signal = static_cast<int>(info.ssi_signo);
  const bool from_kernel = info.ssi_code == SI_KERNEL;
  RelayedSignal relayed{signal, from_kernel, false};
  switch (signal) {
    case SIGCHLD:  // init's end is told by its pidfd
    case SIGKILL:  // never arrive here: cannot be blocked
    case SIGSTOP:
      return std::nullopt;
    case SIGALRM:  // from our own timer (sys/interruption.h); one that a user sends goes on
      return from_kernel ? std::nullopt : std::optional(relayed);
    case SIGPIPE:  // from our own write, to a reader that has gone: signal(7) marks it as from us
      return static_cast<pid_t>(info.ssi_pid) == self ? std::nullopt : std::optional(relayed);
    case SIGTSTP:
      relayed.stop_self = true;
      return relayed;
    case SIGCONT:  // a shell's fg sends it to its job, whose other half is the sandboxee's group
      relayed.to_group = true;
      return relayed;
    default:
      return relayed;
  }
}

}  // namespace sbx::supervise
