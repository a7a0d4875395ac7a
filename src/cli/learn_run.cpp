// SPDX-License-Identifier: Apache-2.0
#include "cli/learn_run.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>

#include "base/path.h"
#include "base/text.h"
#include "cli/launch_command.h"
#include "cli/learn_engine.h"
#include "cli/output.h"
#include "learn/ebpf_record.h"
#include "learn/recorder.h"
#include "sys/pidfd.h"
#include "sys/process.h"
#include "sys/unique_fd.h"

namespace sbx::cli {
namespace {

// For the signal handler.
volatile sig_atomic_t watcher = 0;
volatile sig_atomic_t interrupted = 0;

// The terminal's signals come to the whole group, so to the watching process too; another process's
// come here alone.
void pass_on(int signal, siginfo_t* info, void*) {
  interrupted = 1;
  if (info->si_code != SI_KERNEL && watcher > 0) {
    const int saved = errno;
    ::kill(static_cast<pid_t>(watcher), signal);
    errno = saved;
  }
}

// Signals that end a run, passed on while one is under way.
class Signals {
 public:
  Signals() {
    struct sigaction action {};
    action.sa_sigaction = pass_on;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    ::sigemptyset(&action.sa_mask);
    for (std::size_t i = 0; i < kPassed.size(); ++i) {
      ::sigaction(kPassed[i], &action, &before_[i]);
    }
  }
  ~Signals() { restore(); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  void restore() const {
    for (std::size_t i = 0; i < kPassed.size(); ++i) {
      ::sigaction(kPassed[i], &before_[i], nullptr);
    }
  }

 private:
  static constexpr std::array kPassed{SIGINT, SIGQUIT, SIGTERM, SIGHUP};
  std::array<struct sigaction, kPassed.size()> before_{};
};

// An Error over the pipe: fields that end in a NUL, which no text of sbx holds.
std::string error_text(const Error& error) {
  std::string text = "e";
  for (const std::string& field :
       {error.action, std::to_string(error.errno_value), to_text(error.origin), error.hint,
        std::to_string(static_cast<int>(error.exit_code))}) {
    text += field;
    text += '\0';
  }
  return text;
}

int number(const std::string& text) {
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Error error_from(const std::string& text) {
  const auto fields = split(std::string_view(text).substr(1), '\0');
  if (fields.size() < 5) {
    return Error{"cannot learn what the run has done", 0, {}, "the process that watched it was killed"};
  }
  Error error{fields[0], number(fields[1]), Origin{.source = fields[2]}, fields[3]};
  error.exit_code = static_cast<ExitCode>(number(fields[4]));
  return error;
}

[[noreturn]] void watch(const plan::LaunchPlan& plan, const Command& command, int pipe) {
  learn::Recorder recorder(plan.filter.arch, plan.program);
  Stopwatch stopwatch;
  const auto status = launch_and_supervise(
      plan, command, false, stopwatch,
      [&recorder](const seccomp_notif& call, const seccomp::Rule& rule,
                  const sys::SeccompListener& listener) { recorder.take(call, rule, listener); });
  const bool told = write_all(pipe, status ? "o" + learn::to_wire(recorder.finish())
                                           : error_text(status.error()));
  ::_exit(told && status ? *status : static_cast<int>(ExitCode::SbxFailed));
}

// Until the pipe has something, or the kernel's half has.
Status wait(int pipe, learn::EbpfWatch& kernel) {
  constexpr int kCollectEvery = 100;  // milliseconds
  std::array<pollfd, 2> waited{pollfd{pipe, POLLIN, 0}, pollfd{kernel.descriptor(), POLLIN, 0}};
  while (::poll(waited.data(), waited.size(), kCollectEvery) < 0 || waited[0].revents == 0) {
    SBX_TRY(kernel.collect());
  }
  return {};
}

Status follow(learn::EbpfWatch& kernel, pid_t child) {
  const sys::UniqueFd process(sys::open_pidfd(child));
  return process ? kernel.follow_launcher(process.get())
                 : Status{Error{"cannot open the process that watches the run", -process.get()}};
}

Result<std::string> read_all(int pipe, learn::EbpfWatch* kernel) {
  std::string text;
  std::array<char, 65536> block{};
  for (;;) {
    if (kernel != nullptr) {
      SBX_TRY(wait(pipe, *kernel));
    }
    const ssize_t length = ::read(pipe, block.data(), block.size());
    if (length == 0) {
      return text;
    }
    if (length < 0 && errno != EINTR) {
      return Error{"cannot hear what the run has done", errno};
    }
    text.append(block.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  }
}

}  // namespace

Result<WatchedRun> run_watched(const plan::LaunchPlan& plan, const Command& command,
                               std::unique_ptr<learn::EbpfWatch> kernel) {
  std::array<int, 2> ends{};
  std::array<int, 2> gate_ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0 || ::pipe2(gate_ends.data(), O_CLOEXEC) != 0) {
    return Error{"cannot make a pipe", errno};
  }
  // The watching process starts nothing before the kernel's half knows it.
  sys::UniqueFd gate(gate_ends[0]);
  sys::UniqueFd gate_opener(gate_ends[1]);
  sys::UniqueFd reader(ends[0]);
  sys::UniqueFd writer(ends[1]);
  watcher = 0;
  interrupted = 0;
  const Signals signals;
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) {
    return Error{"cannot start a process to watch the run", errno};
  }
  if (child == 0) {
    signals.restore();
    reader.reset();
    kernel.reset();  // the parent's
    gate_opener.reset();
    if (char opened = 0; ::read(gate.get(), &opened, 1) != 1) {
      ::_exit(static_cast<int>(ExitCode::SbxFailed));
    }
    // Nothing of a run outlives sbx.
    if (sys::set_parent_death_signal(SIGTERM) < 0 || ::getppid() != parent) {
      ::_exit(static_cast<int>(ExitCode::SbxFailed));
    }
    watch(plan, command, writer.get());
  }
  watcher = child;
  writer.reset();
  const Status followed = kernel ? follow(*kernel, child) : Status{};
  if (followed) {
    write_all(gate_opener.get(), "o");
  }
  gate_opener.reset();
  const auto text = followed ? read_all(reader.get(), kernel.get()) : Result<std::string>(followed.error());
  if (!text) {
    reader.reset();  // nobody waits for what it has to say
    ::kill(child, SIGTERM);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  watcher = 0;
  if (!text) {
    return text.error();
  }
  if (!text->starts_with("o")) {
    return error_from(*text);
  }
  auto seen = learn::from_wire(std::string_view(*text).substr(1));
  if (!seen) {
    return std::move(seen).error();
  }
  if (kernel) {
    auto counted = kernel->finish();
    if (!counted) {
      return std::move(counted).error();
    }
    tell_losses(kernel->losses(), command);
    std::array<char, PATH_MAX> file{};
    if (::realpath(plan.program.c_str(), file.data()) != nullptr) {
      learn::call_program(*counted, std::string(path::basename(file.data())),
                          std::string(path::basename(plan.program)));
    }
    seen = learn::join_engines(*std::move(counted), *seen);
  }
  return WatchedRun{*std::move(seen), WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                    interrupted != 0};
}

}  // namespace sbx::cli
