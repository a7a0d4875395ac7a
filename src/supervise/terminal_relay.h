// SPDX-License-Identifier: Apache-2.0
// Stands between the caller's terminal and the sandbox's own: bytes both ways, the size, and job
// control (who is in the foreground, suspension by Ctrl-Z), as part of the supervisor's one loop.
// What comes from inside is hostile: it is passed on as it is and never looked into; so escape
// sequences do to the caller's terminal what those of any program do. Read sys/terminal.h next.
//
// There is nothing to parse and no state but these: who has the caller's terminal (the caller's
// shell: then it is left alone; or the command: then it is raw and its keys go inside), and two
// bounded buffers. A full one stops the reading of its source, so that a command that floods, or a
// terminal that nobody reads, holds up the writer and costs no memory.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "plan/launch_plan.h"
#include "sys/event_loop.h"
#include "sys/terminal.h"
#include "sys/unique_fd.h"

namespace sbx::supervise {

class TerminalRelay {
 public:
  // Nothing (a null pointer) where the plan has no terminal of its own. Changes nothing yet.
  static Result<std::unique_ptr<TerminalRelay>> open(const plan::Terminal& plan);
  // Gives the caller's terminal its modes back.
  ~TerminalRelay();
  TerminalRelay(const TerminalRelay&) = delete;
  TerminalRelay& operator=(const TerminalRelay&) = delete;

  // What the terminal inside is to begin with.
  const sys::TerminalState& start_state() const { return start_state_; }
  // Whether the command begins in its foreground. Not in a pipeline: a pager behind it may be the
  // one to read the keys. The command that reads them after all is stopped by its terminal, and
  // given the caller's then.
  bool starts_in_foreground() const { return starts_in_foreground_; }

  void take_master(sys::UniqueFd master) { master_ = std::move(master); }

  // Epoll tags from `first_tag` on, kTags of them, are the relay's. `init`: its pidfd, borrowed.
  static constexpr std::uint64_t kTags = 3;
  Status begin(sys::Epoll& epoll, std::uint64_t first_tag, int init);
  void take(const epoll_event& event);

  // The caller's terminal has another size.
  void resize();
  // The sandboxee was stopped by this signal: hands it the terminal if that is what it was stopped
  // for, else gives the terminal back and stops sbx, too, until somebody continues it.
  void command_stopped(int signal);
  // Somebody has sent SIGCONT.
  void continued();

  // Text of sbx itself for standard error. False: that is not this terminal, or nothing is relayed.
  bool say(std::string_view text);

  // Everything inside is dead: the rest of what was written goes out, as long as somebody takes it,
  // and the caller's terminal gets its modes back.
  void finish();

 private:
  TerminalRelay() = default;

  Status open_terminal(int descriptor);
  void give_to_command();
  void hand_modes_on();
  void take_from_command();
  void hang_up();
  void watch();
  void watch(int fd, std::uint64_t tag, std::uint32_t wanted, std::uint32_t& watched);
  bool read_master();
  void read_input();
  void end_input();
  void write_master();
  void write_output();
  void drain(std::chrono::milliseconds quiet);
  bool relays() const { return epoll_ != nullptr && bool(master_); }

  sys::UniqueFd terminal_;  // the caller's, in a file description of our own; may be none
  sys::UniqueFd input_;     // where keys come from, and what the command writes goes: the terminal,
  sys::UniqueFd output_;    // but for terminal.mode = always
  sys::UniqueFd master_;
  bool input_is_terminal_ = false;
  bool output_is_terminal_ = false;
  bool stderr_is_terminal_ = false;
  bool may_block_ = false;  // input_ or output_ share their flags with others
  bool starts_in_foreground_ = true;
  sys::TerminalState start_state_;
  bool knows_modes_ = true;  // start_state_ is the caller's, not what a shell needs at its prompt

  sys::Epoll* epoll_ = nullptr;
  std::uint64_t first_tag_ = 0;
  int init_ = -1;
  std::uint32_t master_watched_ = 0, input_watched_ = 0, output_watched_ = 0;

  bool with_command_ = false;  // who has the caller's terminal
  bool is_raw_ = false;
  termios modes_outside_{};  // what to give back
  bool input_ended_ = false;
  std::string to_command_;   // from input_, for master_
  std::string to_terminal_;  // from master_, for output_
  bool at_line_start_ = true;
};

}  // namespace sbx::supervise
