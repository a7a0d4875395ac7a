// SPDX-License-Identifier: Apache-2.0
#include "supervise/terminal_relay.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "sys/interruption.h"
#include "sys/pidfd.h"

namespace sbx::supervise {
namespace {

using std::chrono::milliseconds;

// A terminal hands out 4 KiB a read. What waits here is what Ctrl-C cannot take back any more.
constexpr std::size_t kOutputRoom = 16 * 1024;
constexpr std::size_t kInputRoom = 4 * 1024;
constexpr std::size_t kMessageRoom = 4 * kOutputRoom;  // of sbx's own, if nobody reads the terminal

// A stopped command's last bytes are still on their way through the kernel (a work queue).
constexpr milliseconds kSettled{20};
// At the end: for a terminal that takes nothing more, having been stopped by Ctrl-S for example.
constexpr milliseconds kPatience{2000};

constexpr std::uint32_t kNotWatched = ~0u;

constexpr std::uint64_t kMaster = 0, kInput = 1, kOutput = 2;

bool would_block() {
  return errno == EAGAIN || errno == EINTR;
}

// A descriptor whose flags others share cannot be made non-blocking: then the call is cut short.
template <typename Call>
ssize_t briefly(bool may_block, Call call) {
  std::optional<sys::InterruptSoon> alarm;
  if (may_block) {
    alarm.emplace();
  }
  return call();
}

ssize_t write_from(std::string& bytes, int fd, bool may_block) {
  const ssize_t written =
      briefly(may_block, [&] { return ::write(fd, bytes.data(), bytes.size()); });
  if (written > 0) {
    bytes.erase(0, static_cast<std::size_t>(written));
  }
  return written;
}

bool is_asked_to_end() {
  sigset_t pending;
  sigpending(&pending);
  return sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1 ||
         sigismember(&pending, SIGHUP) == 1 || sigismember(&pending, SIGQUIT) == 1;
}

Error cannot(const char* what, int errno_value) {
  return Error{std::string("cannot ") + what, errno_value, {}, "run without: --tty never"};
}

}  // namespace

Result<std::unique_ptr<TerminalRelay>> TerminalRelay::open(const plan::Terminal& plan) {
  std::unique_ptr<TerminalRelay> relay;
  if (!plan.own) {
    return relay;
  }
  relay.reset(new TerminalRelay);
  std::array<bool, 3> is_terminal{};
  int first = -1;
  for (int descriptor = 2; descriptor >= 0; --descriptor) {
    is_terminal[static_cast<std::size_t>(descriptor)] = sys::is_terminal(descriptor);
    first = sys::is_terminal(descriptor) ? descriptor : first;
  }
  for (int descriptor = 0; descriptor <= 2; ++descriptor) {
    if (is_terminal[static_cast<std::size_t>(descriptor)] &&
        !sys::is_same_terminal(descriptor, first)) {
      return Error{"descriptors " + std::to_string(first) + " and " + std::to_string(descriptor) +
                       " are different terminals",
                   0, plan.origin,
                   "the command can have one: redirect the other to a file or a pipe"};
    }
  }
  if (first >= 0) {
    SBX_TRY(relay->open_terminal(first));
  } else {
    relay->start_state_ = sys::plain_state();
  }
  const auto outside = [&](std::size_t descriptor, sys::UniqueFd& fd) {
    const bool by_terminal = is_terminal[descriptor] || !plan.replaces[descriptor];
    fd.reset(::fcntl(by_terminal ? relay->terminal_.get() : static_cast<int>(descriptor),
                     F_DUPFD_CLOEXEC, 3));
    relay->may_block_ = relay->may_block_ || !by_terminal;
    return by_terminal;
  };
  relay->input_is_terminal_ = outside(0, relay->input_);
  relay->output_is_terminal_ = outside(1, relay->output_);
  relay->stderr_is_terminal_ = is_terminal[2];
  if (!relay->input_ || !relay->output_) {
    return cannot("keep a descriptor of the terminal", errno);
  }
  if (relay->input_is_terminal_) {
    relay->starts_in_foreground_ =
        is_terminal[0] && is_terminal[1] && sys::is_in_foreground(relay->terminal_.get());
  } else {
    relay->start_state_.modes.c_lflag &= ~static_cast<tcflag_t>(ECHO);  // nobody has typed it
  }
  return relay;
}

Status TerminalRelay::open_terminal(int descriptor) {
  terminal_.reset(sys::open_again(descriptor));
  if (!terminal_) {
    may_block_ = true;
    terminal_.reset(::fcntl(descriptor, F_DUPFD_CLOEXEC, 3));
  }
  if (const int answer = sys::read_state(terminal_.get(), start_state_); answer < 0) {
    return cannot("read the terminal's modes", -answer);
  }
  if (!sys::is_in_foreground(terminal_.get())) {
    // A shell is at its prompt there, with modes for itself. The command's come when it does.
    const tcflag_t stops_writers = start_state_.modes.c_lflag & TOSTOP;
    start_state_.modes = sys::plain_state().modes;
    start_state_.modes.c_lflag |= stops_writers;
    knows_modes_ = false;
  }
  return {};
}

TerminalRelay::~TerminalRelay() {
  take_from_command();
}

Status TerminalRelay::begin(sys::Epoll& epoll, std::uint64_t first_tag, int init) {
  const int flags = ::fcntl(master_.get(), F_GETFL);
  if (flags < 0 || ::fcntl(master_.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
    return cannot("relay the terminal", errno);
  }
  epoll_ = &epoll;
  first_tag_ = first_tag;
  init_ = init;
  master_watched_ = input_watched_ = output_watched_ = kNotWatched;
  if (starts_in_foreground_) {
    give_to_command();
  }
  resize();  // it may have changed since
  watch();
  return {};
}

void TerminalRelay::take(const epoll_event& event) {
  if (!relays()) {
    return;  // of the same wait as the hang-up
  }
  const bool is_broken = (event.events & (EPOLLHUP | EPOLLERR)) != 0;
  switch (event.data.u64 - first_tag_) {
    case kMaster:
      if ((event.events & EPOLLOUT) != 0) {
        write_master();
      }
      // Not readable any more only when init is dead, too.
      if (((event.events & EPOLLIN) != 0 || is_broken) && !read_master()) {
        hang_up();
      }
      break;
    case kInput:
      if (is_broken && input_is_terminal_) {
        hang_up();
      } else {
        read_input();
      }
      break;
    default:
      if (is_broken) {
        hang_up();
      } else {
        write_output();
      }
  }
  watch();
}

// Tells the kernel what to wait for. A source whose bytes have nowhere to go is not read.
void TerminalRelay::watch() {
  if (!relays()) {
    return;
  }
  const bool reads = (with_command_ || !input_is_terminal_) && to_command_.size() < kInputRoom;
  if (!input_ended_) {
    watch(input_.get(), kInput, reads ? EPOLLIN : 0u, input_watched_);
  }
  watch(master_.get(), kMaster,
        (to_terminal_.size() < kOutputRoom ? EPOLLIN : 0u) |
            (to_command_.empty() ? 0u : static_cast<unsigned>(EPOLLOUT)),
        master_watched_);
  watch(output_.get(), kOutput, to_terminal_.empty() ? 0u : EPOLLOUT, output_watched_);
}

void TerminalRelay::watch(int fd, std::uint64_t tag, std::uint32_t wanted, std::uint32_t& watched) {
  if (wanted == watched) {
    return;
  }
  if (wanted == 0 && tag == kInput && !input_is_terminal_) {
    epoll_->remove(fd);  // a pipe whose writer has gone would wake us for ever
    watched = kNotWatched;
    return;
  }
  const int answer = watched == kNotWatched ? epoll_->add(fd, wanted, first_tag_ + tag)
                                            : epoll_->change(fd, wanted, first_tag_ + tag);
  if (answer == 0) {
    watched = wanted;
  } else if (answer == -EPERM && tag == kInput && wanted != 0) {
    // A file is always ready, and no subject of epoll(7).
    while (relays() && !input_ended_ && to_command_.size() < kInputRoom) {
      read_input();
    }
  }
}

// False when nobody has the other side open.
bool TerminalRelay::read_master() {
  std::array<char, kOutputRoom> bytes;
  const std::size_t used = to_terminal_.size();
  if (used >= kOutputRoom) {
    return true;
  }
  const ssize_t length = ::read(master_.get(), bytes.data(), kOutputRoom - used);
  if (length <= 0) {
    return length < 0 && would_block();
  }
  to_terminal_.append(bytes.data(), static_cast<std::size_t>(length));
  at_line_start_ = to_terminal_.back() == '\n';
  write_output();
  return true;
}

void TerminalRelay::write_output() {
  if (!to_terminal_.empty() && write_from(to_terminal_, output_.get(), may_block_) < 0 &&
      !would_block()) {
    hang_up();
  }
}

void TerminalRelay::read_input() {
  std::array<char, kInputRoom> bytes;
  if (to_command_.size() >= kInputRoom) {
    return;
  }
  const ssize_t length = briefly(may_block_, [&] {
    return ::read(input_.get(), bytes.data(), kInputRoom - to_command_.size());
  });
  if (length > 0) {
    to_command_.append(bytes.data(), static_cast<std::size_t>(length));
    write_master();
  } else if (length < 0 && would_block()) {
    return;
  } else if (!input_is_terminal_) {
    end_input();
  } else if (length < 0 && errno == EIO && !sys::is_in_foreground(terminal_.get())) {
    // Somebody took the terminal without stopping us first. Its modes are theirs now.
    with_command_ = is_raw_ = false;
    sys::queue_signal(init_, SIGCONT, sys::kToBackground);
  } else {
    hang_up();
  }
}

void TerminalRelay::write_master() {
  if (!to_command_.empty()) {
    // An error is the end of everything inside, which init's pidfd tells.
    write_from(to_command_, master_.get(), false);
  }
}

// A file or a pipe has ended: what a keyboard has for that is a character. In the middle of a line
// it only hands the line over (termios(3), VEOF), so there are two.
void TerminalRelay::end_input() {
  input_ended_ = true;
  epoll_->remove(input_.get());
  sys::TerminalState inside;
  if (sys::read_state(master_.get(), inside) == 0 && (inside.modes.c_lflag & ICANON) != 0) {
    to_command_.append(2, static_cast<char>(inside.modes.c_cc[VEOF]));
    write_master();
  }
}

void TerminalRelay::resize() {
  winsize size{};
  if (relays() && terminal_ && sys::read_size(terminal_.get(), size) == 0) {
    sys::set_size(master_.get(), size);
  }
}

void TerminalRelay::give_to_command() {
  if (terminal_ && input_is_terminal_) {
    sys::TerminalState now;
    if (!is_raw_ && sys::read_state(terminal_.get(), now) == 0) {
      modes_outside_ = now.modes;
      is_raw_ = true;
      hand_modes_on();
    }
    if (is_raw_) {
      sys::set_modes(terminal_.get(), sys::raw(modes_outside_));
    }
  }
  with_command_ = true;
}

void TerminalRelay::hand_modes_on() {
  sys::TerminalState inside;
  // Unless the command has set its own by now.
  if (!knows_modes_ && sys::read_state(master_.get(), inside) == 0 &&
      inside.modes.c_lflag == start_state_.modes.c_lflag &&
      inside.modes.c_iflag == start_state_.modes.c_iflag) {
    sys::set_modes(master_.get(), modes_outside_);
  }
  knows_modes_ = true;
}

void TerminalRelay::take_from_command() {
  // Not from the background: whoever is in front has set the modes that they need.
  if (is_raw_ && sys::is_in_foreground(terminal_.get())) {
    sys::set_modes(terminal_.get(), modes_outside_);
  }
  with_command_ = is_raw_ = false;
}

void TerminalRelay::command_stopped(int signal) {
  if (!relays()) {
    return;
  }
  const bool wants_terminal = signal == SIGTTIN || signal == SIGTTOU;
  const bool is_foreground = !terminal_ || sys::is_in_foreground(terminal_.get());
  const bool had_terminal = with_command_;
  bool was_stopped = false;
  if (!wants_terminal || !is_foreground) {
    drain(kSettled);  // a full-screen program has just left its screen
    take_from_command();
    was_stopped = sys::stop_own_group(wants_terminal ? signal : SIGTSTP);
  }
  if (!terminal_ || sys::is_in_foreground(terminal_.get())) {
    const bool gets_terminal = wants_terminal || had_terminal;
    if (gets_terminal) {
      give_to_command();
    }
    resize();
    sys::queue_signal(init_, SIGCONT, gets_terminal ? sys::kToForeground : sys::kToGroup);
  } else {
    // In the background it stops again when it wants the terminal again, and so do we: a shell's
    // bg. Where nobody can stop us (no shell has made a job of us) that would go round for ever.
    sys::queue_signal(init_, SIGCONT, was_stopped ? sys::kToBackground : sys::kToForeground);
  }
  watch();
}

void TerminalRelay::continued() {
  const bool is_foreground = !terminal_ || sys::is_in_foreground(terminal_.get());
  if (is_foreground && with_command_) {
    give_to_command();  // the shell has set its own modes while we were stopped from outside
    resize();
  } else if (!is_foreground) {
    with_command_ = is_raw_ = false;
  }
  sys::queue_signal(init_, SIGCONT, is_foreground ? sys::kToGroup : sys::kToBackground);
  watch();
}

// The caller's terminal has gone: so has the command's, and its kernel side tells everybody inside
// (SIGHUP, end of input). Who lives on after that writes to nobody.
void TerminalRelay::hang_up() {
  for (const int fd : {input_.get(), output_.get(), master_.get()}) {
    epoll_->remove(fd);
  }
  master_.reset();
  to_terminal_.clear();
  to_command_.clear();
}

bool TerminalRelay::say(std::string_view text) {
  if (!relays() || !stderr_is_terminal_ || !output_is_terminal_) {
    return false;
  }
  if (to_terminal_.size() > kMessageRoom) {
    return true;
  }
  const std::string_view line_end = is_raw_ ? "\r\n" : "\n";
  if (!at_line_start_) {
    to_terminal_ += line_end;
  }
  for (const char letter : text) {
    if (letter == '\n') {
      to_terminal_ += line_end;
    } else {
      to_terminal_ += letter;
    }
  }
  at_line_start_ = to_terminal_.empty() || to_terminal_.back() == '\n';
  write_output();
  watch();
  return true;
}

// Until nothing comes any more for so long, or the other side is closed.
void TerminalRelay::drain(milliseconds quiet) {
  bool is_open = true;
  while (master_ && (is_open || !to_terminal_.empty())) {
    const bool reads = is_open && to_terminal_.size() < kOutputRoom;
    std::array<pollfd, 2> ready{pollfd{reads ? master_.get() : -1, POLLIN, 0},
                                pollfd{to_terminal_.empty() ? -1 : output_.get(), POLLOUT, 0}};
    const milliseconds wait = to_terminal_.empty() ? quiet : kPatience;
    const int count = ::poll(ready.data(), ready.size(), static_cast<int>(wait.count()));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    // The slow reader of a pipe is waited for, until somebody asks us to end.
    if (count == 0 && !to_terminal_.empty() && !output_is_terminal_ && !is_asked_to_end()) {
      continue;
    }
    if (count <= 0) {
      return;
    }
    if (ready[0].revents != 0) {
      is_open = read_master();
    } else {
      write_output();
    }
  }
}

void TerminalRelay::finish() {
  if (relays()) {
    drain(kPatience);
  }
  if (relays()) {
    hang_up();
  }
  take_from_command();
}

}  // namespace sbx::supervise
