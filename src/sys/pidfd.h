// SPDX-License-Identifier: Apache-2.0
// pidfd_open(2), pidfd_send_signal(2), waitid(2) with P_PIDFD: a process by a name that cannot be
// given to another. Every function returns 0 or a descriptor, or a negative errno.
#pragma once

#include <sys/types.h>

#include <optional>

namespace sbx::sys {

int open_pidfd(pid_t process);

// A single thread (PIDFD_THREAD, Linux 6.9): -EINVAL on older kernels.
int open_thread_pidfd(pid_t thread);

// As kill(2) does.
int send_signal(int pidfd, int signal);

// With a number that the receiver finds in si_value (si_code is SI_QUEUE).
int queue_signal(int pidfd, int signal, int value);

// That number between the supervisor and init: to whom init gives the signal, and which side of the
// sandbox's own terminal they are put on before.
enum SignalTo : int {
  kToProcess = 0,     // the sandboxee alone, as kill(1) of sbx meant it
  kToGroup = 1,       // its process group, as a terminal does it
  kToForeground = 2,  // its group, which comes to the foreground first: a shell's fg
  kToBackground = 3,  // its group, which leaves the foreground first: a shell's bg
};

// How a child of this process ended, as waitid(2) has it in si_code and si_status.
struct Ended {
  int code = 0;  // CLD_EXITED, CLD_KILLED, CLD_DUMPED
  int status = 0;
};

// Reaps the child. Waits for its end unless `may_wait` is false: then -EAGAIN for one that lives.
int reap(int pidfd, bool may_wait, Ended& ended);

// How any process ended, as wait(2) would have told its parent, once it was reaped (PIDFD_GET_INFO,
// Linux 6.15); nothing before that and on older kernels.
std::optional<int> exit_status_of(int pidfd);

}  // namespace sbx::sys
