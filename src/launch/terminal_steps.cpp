// SPDX-License-Identifier: Apache-2.0
// pty(7), ioctl_tty(2): the sandboxee's own terminal, from its own devpts.
#include <unistd.h>

#include <cerrno>

#include "launch/prepared.h"
#include "launch/report.h"
#include "launch/steps.h"
#include "sys/terminal.h"

namespace sbx::launch {

StepResult open_terminal(const PreparedLaunch& prepared, ChildState& state) noexcept {
  const plan::Terminal& terminal = prepared.plan.terminal;
  if (!terminal.own) {
    return {};
  }
  const char* multiplexer = prepared.plan.on_host_tree ? "/dev/ptmx" : "/dev/pts/ptmx";
  int master = -1;
  if (const int answer = sys::open_pty(multiplexer, master, state.terminal); answer < 0) {
    return result_of(answer);
  }
  const sys::TerminalState& start = prepared.terminal.state;
  if (const int answer = sys::set_modes(state.terminal, start.modes); answer < 0) {
    return result_of(answer);
  }
  if (const int answer = sys::set_size(state.terminal, start.size); answer < 0) {
    return result_of(answer);
  }
  // init leads the session, as a shell does, and the sandboxee is a job of it: so its group is not
  // orphaned and Ctrl-Z stops it.
  if (const int answer = sys::make_controlling(state.terminal); answer < 0) {
    return result_of(answer);
  }
  for (int descriptor = 0; descriptor <= 2; ++descriptor) {
    if (terminal.replaces[static_cast<std::size_t>(descriptor)] &&
        ::dup3(state.terminal, descriptor, 0) < 0) {
      return {errno, 0};
    }
  }
  const ChildReport opened{ChildReport::Kind::TerminalOpened, 0, 0, master};
  return {::write(prepared.status_write.get(), &opened, sizeof opened) != sizeof opened ? errno : 0,
          0};
}

StepResult take_foreground(const PreparedLaunch& prepared, ChildState& state) noexcept {
  if (!prepared.plan.terminal.own || !prepared.terminal.in_foreground) {
    return {};
  }
  // From the background; SIGTTOU is blocked until ResetSignals.
  return result_of(sys::set_foreground_group(state.terminal, ::getpid()));
}

}  // namespace sbx::launch
