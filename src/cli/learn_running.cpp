// SPDX-License-Identifier: Apache-2.0
#include "cli/learn_running.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"
#include "base/time_text.h"
#include "cli/learn_engine.h"
#include "cli/output.h"
#include "host/files.h"
#include "host/probe.h"
#include "learn/ebpf_watch.h"
#include "sys/pidfd.h"
#include "sys/unique_fd.h"

namespace sbx::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostText = 1u << 20;
constexpr int kDeepest = 12;  // of a unit below the root of all cgroups

std::string read_text(const std::string& path) {
  auto text = host::read_file(path, kMostText);
  return text ? *std::move(text) : std::string();
}

Result<std::string> read_link(const std::string& path) {
  std::array<char, PATH_MAX> target{};
  const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
  if (length < 0) {
    return Error{"cannot read " + path, errno};
  }
  return std::string(target.data(), static_cast<std::size_t>(length));
}

std::optional<pid_t> parse_pid(std::string_view text) {
  pid_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value > 0
             ? std::optional(value)
             : std::nullopt;
}

bool is_cgroup(const std::string& directory) {
  return ::access((directory + "/cgroup.procs").c_str(), F_OK) == 0;
}

std::vector<std::string> cgroups_named(const std::string& mount, const std::string& unit) {
  std::vector<std::string> found;
  std::error_code error;
  fs::recursive_directory_iterator entry(mount, fs::directory_options::skip_permission_denied,
                                         error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (!entry->is_directory(error)) {
      continue;
    }
    if (entry->path().filename() == unit) {
      found.push_back(entry->path());
      entry.disable_recursion_pending();
    } else if (entry.depth() >= kDeepest) {
      entry.disable_recursion_pending();
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

Result<std::string> find_unit(const std::string& word) {
  const Origin origin{.source = "--unit " + word};
  const std::string mount = host::probe_cgroup().mount;
  if (mount.empty()) {
    return Error{"cannot look for a unit: no cgroup hierarchy of version 2 is mounted", 0, origin,
                 "give the process instead: --pid PID"};
  }
  if (word.find('/') != std::string::npos) {
    for (const std::string& place : {word, mount + "/" + word}) {
      if (is_cgroup(place)) {
        return place;
      }
    }
    return Error{"no such cgroup: " + word, 0, origin,
                 "a path below " + mount + " is wanted, or a unit's name"};
  }
  const bool has_kind = word.find('.') != std::string::npos;
  const auto found = cgroups_named(mount, has_kind ? word : word + ".service");
  if (found.size() == 1) {
    return found.front();
  }
  if (found.empty()) {
    return Error{"no such unit runs: " + word, 0, origin,
                 "systemctl status UNIT shows it; a process is watched with --pid PID"};
  }
  return Error{fmt::format("{} units of that name run", found.size()), 0, origin,
               "give one's cgroup: --unit " + found.front()};
}

std::vector<pid_t> processes_in(const std::string& cgroup) {
  std::vector<pid_t> all;
  const auto take = [&](const std::string& directory) {
    for (const std::string& line : split(read_text(directory + "/cgroup.procs"), '\n')) {
      if (const auto process = parse_pid(line)) {
        all.push_back(*process);
      }
    }
  };
  take(cgroup);
  std::error_code error;
  for (fs::recursive_directory_iterator entry(cgroup, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->is_directory(error)) {
      take(entry->path());
    }
  }
  std::sort(all.begin(), all.end());
  return all;
}

Status describe(pid_t process, RunningProgram& running) {
  const std::string place = fmt::format("/proc/{}", process);
  auto program = read_link(place + "/exe");
  auto cwd = read_link(place + "/cwd");
  if (!program || !cwd) {
    const int why = program ? cwd.error().errno_value : program.error().errno_value;
    return Error{fmt::format("cannot look at process {}", process),
                 why,
                 {},
                 why == ENOENT ? "it is a kernel thread, or has ended" : "be root"};
  }
  running.program = *std::move(program);
  running.cwd = *std::move(cwd);
  running.command = split(read_text(place + "/cmdline"), '\0');
  if (!running.command.empty() && running.command.back().empty()) {
    running.command.pop_back();  // each argument ends in one
  }
  // argv[0] is what the program likes to show.
  running.command.resize(std::max<std::size_t>(running.command.size(), 1));
  running.command.front() = running.program;
  return {};
}

volatile sig_atomic_t ended = 0;

void end_watching(int) {
  ended = 1;
}

// Ends the watching, not what is watched.
void take_signals() {
  ended = 0;
  struct sigaction action {};
  action.sa_handler = end_watching;
  ::sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGQUIT, SIGTERM, SIGHUP}) {
    ::sigaction(signal, &action, nullptr);
  }
}

std::uint64_t now_us() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(time.tv_nsec) / 1000;
}

// Microseconds; nothing for "until it ends".
Result<std::optional<std::uint64_t>> length_of(const Command& command) {
  if (command.learn.length.empty()) {
    return std::optional<std::uint64_t>{};
  }
  constexpr std::uint64_t kFar = 1ull << 62;
  const std::string& word = command.learn.length;
  const bool is_span = !word.empty() && (word.back() < '0' || word.back() > '9');
  const auto before = is_span ? parse_since(word, kFar) : std::nullopt;
  if (!before || *before >= kFar) {
    return Error{"no such length of time: " + quote(word), 0, Origin{.source = "--for"},
                 "write 30s, 10m or 2h"};
  }
  return std::optional(kFar - *before);
}

}  // namespace

Result<RunningProgram> find_running(const Command& command) {
  RunningProgram running;
  if (!command.learn.pid.empty()) {
    const auto process = parse_pid(command.learn.pid);
    if (!process) {
      return Error{"no process id: " + quote(command.learn.pid), 0, Origin{.source = "--pid"}};
    }
    running.what = fmt::format("process {}", *process);
    running.processes = {*process};
  } else {
    auto cgroup = find_unit(command.learn.unit);
    if (!cgroup) {
      return std::move(cgroup).error();
    }
    running.what = "unit " + command.learn.unit;
    running.cgroup = *std::move(cgroup);
    running.processes = processes_in(running.cgroup);
    if (running.processes.empty()) {
      return Error{"no process is in " + running.cgroup, 0, Origin{.source = "--unit"}};
    }
  }
  SBX_TRY(describe(running.processes.front(), running));
  return running;
}

Result<learn::Observations> watch_running(const RunningProgram& running, const Command& command,
                                          seccomp::Arch arch) {
  const auto length = length_of(command);
  if (!length) {
    return length.error();
  }
  struct stat cgroup {};
  if (!running.cgroup.empty() && ::stat(running.cgroup.c_str(), &cgroup) != 0) {
    return Error{"cannot look at " + running.cgroup, errno};
  }
  take_signals();
  auto engine = learn::EbpfWatch::open({.arch = arch,
                                        .exact = command.learn.exact,
                                        .cgroup = running.cgroup.empty() ? 0 : cgroup.st_ino});
  if (!engine) {
    return std::move(engine).error();
  }
  learn::EbpfWatch& watch = **engine;
  // Once more, now that whoever comes after is seen.
  const std::vector<pid_t> processes =
      running.cgroup.empty() ? running.processes : processes_in(running.cgroup);
  std::vector<sys::UniqueFd> held;
  std::vector<int> pidfds;
  for (const pid_t process : processes) {
    if (sys::UniqueFd pidfd(sys::open_pidfd(process)); pidfd) {
      pidfds.push_back(pidfd.get());
      held.push_back(std::move(pidfd));
    }
  }
  SBX_TRY(watch.follow(pidfds));
  if (!watch.is_anything_left()) {
    return Error{running.what + " has ended before it could be watched"};
  }
  say(command, fmt::format("watching {}; Ctrl-C ends that, not the program", running.what));
  constexpr int kCollectEvery = 100;  // milliseconds
  const std::uint64_t start = now_us();
  while (ended == 0 && (!*length || now_us() - start < **length) &&
         (watch.is_anything_left() || !running.cgroup.empty())) {
    pollfd waited{watch.descriptor(), POLLIN, 0};
    ::poll(&waited, 1, kCollectEvery);
    SBX_TRY(watch.collect());
  }
  auto seen = watch.finish();
  tell_losses(watch.losses(), command);
  return seen;
}

}  // namespace sbx::cli
