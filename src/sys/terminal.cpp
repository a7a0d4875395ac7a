// SPDX-License-Identifier: Apache-2.0
#include "sys/terminal.h"

#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

namespace sbx::sys {
namespace {

int result_of(int value) {
  return value < 0 ? -errno : value;
}

// As TIOCGDEV has it: the real device, also behind /dev/tty.
unsigned device_of(int terminal) {
  unsigned device = 0;
  return ::ioctl(terminal, TIOCGDEV, &device) == 0 ? device : 0;
}

}  // namespace

bool is_terminal(int fd) {
  termios modes{};
  return ::tcgetattr(fd, &modes) == 0;
}

int read_state(int terminal, TerminalState& state) {
  if (::tcgetattr(terminal, &state.modes) != 0) {
    return -errno;
  }
  return read_size(terminal, state.size);
}

int set_modes(int terminal, const termios& modes) {
  return result_of(::tcsetattr(terminal, TCSANOW, &modes));
}

termios raw(termios modes) {
  ::cfmakeraw(&modes);
  return modes;
}

TerminalState plain_state() {
  TerminalState state;
  termios& modes = state.modes;
  modes.c_iflag = BRKINT | ICRNL | IXON | IUTF8;
  modes.c_oflag = OPOST | ONLCR;
  modes.c_cflag = CS8 | CREAD | CLOCAL;
  modes.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
  constexpr auto control = [](char letter) { return static_cast<cc_t>(letter & 0x1f); };
  modes.c_cc[VINTR] = control('C');
  modes.c_cc[VQUIT] = control('\\');
  modes.c_cc[VERASE] = 0x7f;
  modes.c_cc[VKILL] = control('U');
  modes.c_cc[VEOF] = control('D');
  modes.c_cc[VSTART] = control('Q');
  modes.c_cc[VSTOP] = control('S');
  modes.c_cc[VSUSP] = control('Z');
  modes.c_cc[VREPRINT] = control('R');
  modes.c_cc[VWERASE] = control('W');
  modes.c_cc[VLNEXT] = control('V');
  modes.c_cc[VDISCARD] = control('O');
  modes.c_cc[VMIN] = 1;
  ::cfsetspeed(&modes, B38400);
  state.size.ws_row = 24;
  state.size.ws_col = 80;
  return state;
}

int read_size(int terminal, winsize& size) {
  return result_of(::ioctl(terminal, TIOCGWINSZ, &size));
}

int set_size(int terminal, const winsize& size) {
  return result_of(::ioctl(terminal, TIOCSWINSZ, &size));
}

bool is_in_foreground(int terminal) {
  const pid_t group = ::tcgetpgrp(terminal);
  return group < 0 ? errno == ENOTTY : group == ::getpgrp();
}

bool is_same_terminal(int one, int other) {
  return device_of(one) == device_of(other);
}

int open_again(int terminal) {
  constexpr int kFlags = O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  // Anybody may open their controlling terminal, whoever owns it.
  const int controlling = ::open("/dev/tty", kFlags);
  if (controlling >= 0) {
    if (is_same_terminal(controlling, terminal)) {
      return controlling;
    }
    ::close(controlling);
  }
  char path[sizeof "/proc/self/fd/" + 12] = "/proc/self/fd/";
  char* const number = path + sizeof "/proc/self/fd/" - 1;
  *std::to_chars(number, path + sizeof path - 1, terminal).ptr = '\0';
  return result_of(::open(path, kFlags));
}

int open_pty(const char* ptmx, int& master, int& slave) {
  master = ::open(ptmx, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0) {
    return -errno;
  }
  const int unlocked = 0;
  if (::ioctl(master, TIOCSPTLCK, &unlocked) != 0) {
    return -errno;
  }
  // By the master, not by a path, which could be another's (TIOCGPTPEER, Linux 4.13).
  slave = ::ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  return slave < 0 ? -errno : 0;
}

int make_controlling(int terminal) {
  return result_of(::ioctl(terminal, TIOCSCTTY, 0));
}

int set_foreground_group(int terminal, pid_t group) {
  return result_of(::tcsetpgrp(terminal, group));
}

bool stop_own_group(int signal) {
  sigset_t stop, before, continued;
  ::sigemptyset(&stop);
  ::sigaddset(&stop, signal);
  ::sigemptyset(&continued);
  ::sigaddset(&continued, SIGCONT);
  const timespec at_once{};
  // One from before would look like the end of this stop.
  ::sigtimedwait(&continued, nullptr, &at_once);
  if (::kill(0, signal) != 0) {
    return false;
  }
  ::sigprocmask(SIG_UNBLOCK, &stop, &before);  // here it stops
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  return ::sigtimedwait(&continued, nullptr, &at_once) == SIGCONT;
}

}  // namespace sbx::sys
