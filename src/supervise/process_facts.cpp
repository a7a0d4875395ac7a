// SPDX-License-Identifier: Apache-2.0
#include "supervise/process_facts.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdint>

#include <fmt/format.h>

#include "base/path.h"
#include "sys/open_in_root.h"
#include "sys/pidfd.h"
#include "sys/unique_fd.h"

namespace sbx::supervise {
namespace {

constexpr std::size_t kMostStatus = 8192;

// The words after "KEY:" of a line; the name on the first line cannot fake one, since the kernel
// escapes newlines in it (proc(5), status).
std::string_view field(std::string_view text, std::string_view key) {
  std::size_t start = 0;
  while (start < text.size()) {
    std::size_t end = text.find('\n', start);
    end = end == std::string_view::npos ? text.size() : end;
    const std::string_view line = text.substr(start, end - start);
    if (line.starts_with(key) && line.substr(key.size()).starts_with(":")) {
      const std::string_view value = line.substr(key.size() + 1);
      const std::size_t first = value.find_first_not_of(" \t");
      return first == std::string_view::npos ? std::string_view{} : value.substr(first);
    }
    start = end + 1;
  }
  return {};
}

std::optional<int> number(std::string_view text, int base) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end != text.data() ? std::optional<int>(value) : std::nullopt;
}

// "NSpid: 4711 7": the pid in each pid namespace from procfs's own inward. The sandbox's is the
// second, whatever is below it; the first where there is no second.
std::optional<int> pid_inside(std::string_view pids) {
  const std::size_t blank = pids.find_first_of(" \t");
  return number(blank == std::string_view::npos ? pids : pids.substr(blank + 1), 10);
}

std::string read_link(const std::string& link) {
  std::array<char, PATH_MAX> target{};
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
  return length <= 0 ? std::string() : std::string(target.data(), static_cast<std::size_t>(length));
}

std::string executable(pid_t thread) {
  std::string path = read_link(fmt::format("/proc/{}/exe", thread));
  constexpr std::string_view kDeleted = " (deleted)";
  if (path.ends_with(kDeleted)) {
    path.resize(path.size() - kDeleted.size());
  }
  return path;
}

}  // namespace

std::string read_proc_file(const std::string& path, std::size_t most) {
  const sys::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::string text(most, '\0');
  std::size_t size = 0;
  while (file && size < most) {
    const ssize_t length = ::read(file.get(), text.data() + size, most - size);
    if (length <= 0) {
      break;
    }
    size += static_cast<std::size_t>(length);
  }
  text.resize(size);
  return text;
}

std::optional<ProcessFacts> parse_status(std::string_view text) {
  ProcessFacts facts;
  const auto leader = number(field(text, "Tgid"), 10);
  const auto inside = pid_inside(field(text, "NSpid"));
  if (!leader || !inside) {
    return std::nullopt;
  }
  facts.process = *leader;
  facts.pid_inside = *inside;
  facts.threads = number(field(text, "Threads"), 10).value_or(0);
  facts.umask = static_cast<mode_t>(number(field(text, "Umask"), 8).value_or(022));
  return facts;
}

std::optional<ProcessFacts> read_process(pid_t thread) {
  auto facts = parse_status(read_proc_file(fmt::format("/proc/{}/status", thread), kMostStatus));
  if (!facts) {
    return std::nullopt;
  }
  // The process's own pid is asked for, not the thread's, which is what a user knows it by.
  if (facts->process != thread) {
    const auto leader =
        parse_status(read_proc_file(fmt::format("/proc/{}/status", facts->process), kMostStatus));
    facts->pid_inside = leader ? leader->pid_inside : facts->pid_inside;
  }
  facts->executable = executable(thread);
  facts->program = path::basename(facts->executable);
  facts->thread_name = read_proc_file(fmt::format("/proc/{}/comm", thread), 64);
  if (facts->thread_name.ends_with('\n')) {
    facts->thread_name.pop_back();
  }
  return facts;
}

int open_as_seen_by(pid_t thread, const std::string& path) {
  const sys::UniqueFd root(sys::open_path(fmt::format("/proc/{}/root", thread).c_str()));
  if (!root) {
    return root.get();
  }
  if (path::is_absolute(path)) {
    return sys::open_path_in_root(root.get(), path.c_str());
  }
  // From the root, since openat2 knows one directory only, and ".." may lead above the working one.
  const std::string directory = read_link(fmt::format("/proc/{}/cwd", thread));
  return path::is_absolute(directory)
             ? sys::open_path_in_root(root.get(), (directory + '/' + path).c_str())
             : -ENOENT;
}

int open_process_of(pid_t thread) {
  const int by_thread = sys::open_thread_pidfd(thread);
  if (by_thread >= 0) {
    return by_thread;
  }
  const auto facts =
      parse_status(read_proc_file(fmt::format("/proc/{}/status", thread), kMostStatus));
  return facts ? sys::open_pidfd(facts->process) : -ESRCH;
}

bool shows_caught_signal(std::string_view status) {
  const auto mask = [&](std::string_view key) {
    std::uint64_t bits = 0;
    const std::string_view text = field(status, key);
    std::from_chars(text.data(), text.data() + text.size(), bits, 16);
    return bits;
  };
  // One that waits for the process may be another thread's to take.
  const std::uint64_t pending =
      mask("SigPnd") | (number(field(status, "Threads"), 10) == 1 ? mask("ShdPnd") : 0);
  return (pending & mask("SigCgt") & ~mask("SigBlk")) != 0;
}

bool has_caught_signal(pid_t thread) {
  return shows_caught_signal(
      read_proc_file(fmt::format("/proc/{}/status", thread), kMostStatus));
}

std::optional<int> parse_fdinfo(std::string_view text) {
  return number(field(text, "flags"), 8);
}

std::optional<int> descriptor_flags(pid_t thread, int descriptor) {
  return parse_fdinfo(read_proc_file(fmt::format("/proc/{}/fdinfo/{}", thread, descriptor), 4096));
}

}  // namespace sbx::supervise
