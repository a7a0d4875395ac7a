// SPDX-License-Identifier: Apache-2.0
// termios(3), ioctl_tty(2), pty(7): terminals and pseudo-terminals. Functions return 0 or a
// descriptor, or a negative errno; none allocates, so that the child may call them.
#pragma once

#include <sys/ioctl.h>
#include <sys/types.h>
#include <termios.h>

namespace sbx::sys {

// What a terminal is set to.
struct TerminalState {
  termios modes{};
  winsize size{};
};

bool is_terminal(int fd);

int read_state(int terminal, TerminalState& state);

// At once, without waiting for output that may be held up and without dropping input.
int set_modes(int terminal, const termios& modes);

// Every byte goes through as it is: no echo, no lines, no signals (cfmakeraw(3)).
termios raw(termios modes);

// What a terminal that nobody has set up starts with: 80 columns, lines, echo, UTF-8.
TerminalState plain_state();

int read_size(int terminal, winsize& size);
// The kernel sends SIGWINCH to the foreground group of the other side, if it is a change.
int set_size(int terminal, const winsize& size);

// Whether this process may read the terminal and set its modes: its group is in the foreground, or
// job control does not come into it, since the terminal is not the controlling one.
bool is_in_foreground(int terminal);

// The two are the same terminal, by whatever names (/dev/tty is another name of the controlling
// one).
bool is_same_terminal(int one, int other);

// An open file description of our own, so that O_NONBLOCK does not change everybody's who has
// inherited the terminal: the shell's, most of all. -EACCES where the terminal is another user's
// (after su) and not the controlling one.
int open_again(int terminal);

// A new pseudo-terminal of the devpts instance that this ptmx belongs to.
int open_pty(const char* ptmx, int& master, int& slave);

// For the leader of a session that has no controlling terminal.
int make_controlling(int terminal);

// Callers in the background must block SIGTTOU.
int set_foreground_group(int terminal, pid_t group);

// Stops this process's group as the terminal would, by SIGTSTP, SIGTTIN or SIGTTOU, which the
// caller has blocked; returns when somebody continues it. False if nothing was stopped: the signal
// is ignored, or nobody is there who could continue the group (it is orphaned, setpgid(2)).
bool stop_own_group(int signal);

}  // namespace sbx::sys
