// SPDX-License-Identifier: Apache-2.0
#include "learn/recorder.h"

#include <fcntl.h>
#include <dirent.h>
#include <sched.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <span>

#include <fmt/format.h>

#include "base/path.h"
#include "learn/argument_classes.h"
#include "learn/path_arguments.h"
#include "seccomp/syscall_table.h"
#include "supervise/call_names.h"
#include "supervise/process_facts.h"
#include "sys/process_memory.h"

namespace sbx::learn {
namespace {

// What a hostile or a very busy program can make this hold.
constexpr std::size_t kMostCalls = 4096;
constexpr std::size_t kMostFiles = 1u << 18;
constexpr std::size_t kMostAddresses = 1024;
constexpr std::size_t kMostThreads = 1u << 16;
constexpr std::size_t kMostPrograms = 63;  // the last bit stands for all others
constexpr std::uint64_t kSampleEvery = 250'000;  // microseconds

std::uint64_t now_us() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(time.tv_nsec) / 1000;
}

Fate fate_of(const seccomp::Rule& rule) {
  switch (rule.mediation) {
    case seccomp::Mediation::ObserveLacking:
      return Fate::Lacking;
    case seccomp::Mediation::ObserveRefused:
      return Fate::Refused;
    case seccomp::Mediation::Deny:
      return Fate::Denied;
    default:
      return Fate::Granted;
  }
}

bool is_by_policy(const seccomp::Rule& rule) {
  return rule.purpose == seccomp::Purpose::Policy || rule.purpose == seccomp::Purpose::Default ||
         rule.purpose == seccomp::Purpose::Families;
}

// "VmHWM:     1234 kB" of /proc/PID/status.
std::uint64_t status_number(std::string_view status, std::string_view key) {
  const std::size_t at = status.find(key);
  if (at == std::string_view::npos) {
    return 0;
  }
  std::string_view rest = status.substr(at + key.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
  std::uint64_t value = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), value);
  return value;
}

// The names in a directory of procfs that are numbers.
std::vector<pid_t> numbers_in(const std::string& path) {
  std::vector<pid_t> numbers;
  DIR* const directory = ::opendir(path.c_str());
  if (directory == nullptr) {
    return numbers;
  }
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view name = entry->d_name;
    pid_t number = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), number).ec == std::errc()) {
      numbers.push_back(number);
    }
  }
  ::closedir(directory);
  return numbers;
}

// Threads of all processes below this one; zombies count, as for RLIMIT_NPROC.
std::uint64_t tasks_below(pid_t ancestor) {
  constexpr std::size_t kMostTasks = 1u << 15;
  constexpr std::size_t kMostChildren = 1u << 18;  // bytes
  std::vector<pid_t> processes{ancestor};
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < processes.size() && processes.size() < kMostTasks; ++i) {
    const std::string tasks = fmt::format("/proc/{}/task", processes[i]);
    for (const pid_t thread : numbers_in(tasks)) {
      count += processes[i] == ancestor ? 0u : 1u;
      const std::string children =
          supervise::read_proc_file(fmt::format("{}/{}/children", tasks, thread), kMostChildren);
      for (const char* at = children.data(); at != children.data() + children.size();) {
        pid_t child = 0;
        const auto [next, error] = std::from_chars(at, children.data() + children.size(), child);
        if (error == std::errc()) {
          processes.push_back(child);
        }
        at = error == std::errc() ? next : at + 1;
      }
    }
  }
  return count;
}

// sd_notify(3): a line READY=1 in what is sent. It only dates what is learned.
bool says_ready(pid_t thread, const seccomp_notif& call, std::string_view name) {
  iovec piece{reinterpret_cast<void*>(call.data.args[1]), static_cast<std::size_t>(call.data.args[2])};
  msghdr message{};
  if (name == "sendmsg" &&
      (sys::copy_memory(thread, call.data.args[1], std::as_writable_bytes(std::span(&message, 1))) !=
           static_cast<std::int64_t>(sizeof message) ||
       message.msg_iovlen == 0 ||
       sys::copy_memory(thread, reinterpret_cast<std::uint64_t>(message.msg_iov),
                        std::as_writable_bytes(std::span(&piece, 1))) !=
           static_cast<std::int64_t>(sizeof piece))) {
    return false;
  }
  std::array<char, 256> text{};
  const std::int64_t length =
      sys::copy_memory(thread, reinterpret_cast<std::uint64_t>(piece.iov_base),
                       std::as_writable_bytes(std::span(text).first(std::min(text.size(), piece.iov_len))));
  const std::string_view sent(text.data(), length < 0 ? 0 : static_cast<std::size_t>(length));
  return sent.starts_with("READY=1") || sent.find("\nREADY=1") != std::string_view::npos;
}

// Files of the sandbox's own: nothing that a policy grants.
bool is_own(std::string_view path) {
  return path::is_below(path, "/proc") || path::is_below(path, "/dev/pts") ||
         path::is_below(path, "/dev/fd");
}

}  // namespace

struct Recorder::Shape {
  bool is_known = false;
  std::string_view name;
  bool has_classes = false;
  std::span<const PathArgument> paths;
  enum class Role : std::uint8_t { None, Bind, Connect, Listen, Send, Start, ThreadEnd, ProcessEnd, Execute };
  Role role = Role::None;
};

Recorder::Recorder(seccomp::Arch arch, const std::string& program)
    : arch_(arch),
      start_us_(now_us()),
      shapes_(static_cast<std::size_t>(seccomp::highest_number(arch)) + 1) {
  programs_.emplace_back(path::basename(program));
  std::array<char, PATH_MAX> file{};
  if (::realpath(program.c_str(), file.data()) != nullptr) {
    name_of_file_ = path::basename(file.data());
  }
}

Recorder::~Recorder() = default;

std::size_t Recorder::CallKeyHash::operator()(const CallKey& key) const {
  std::uint64_t hash = static_cast<std::uint64_t>(key.number) << 32 | key.fate;
  for (const std::uint64_t value : key.values) {
    hash = (std::rotl(hash, 13) ^ value) * 0x9e37'79b9'7f4a'7c15;
  }
  return static_cast<std::size_t>(hash);
}

const Recorder::Shape& Recorder::shape_of(int number) {
  Shape& shape = shapes_[static_cast<std::size_t>(number)];
  if (!shape.is_known) {
    using Role = Shape::Role;
    const std::string_view name = seccomp::name_of(arch_, number);
    shape.is_known = true;
    shape.name = name;
    shape.has_classes = !class_arguments(name).empty();
    shape.paths = path_arguments(name);
    shape.role = name == "bind"                                            ? Role::Bind
                 : name == "connect"                                       ? Role::Connect
                 : name == "listen"                                        ? Role::Listen
                 : name == "sendto" || name == "sendmsg"                   ? Role::Send
                 : name == "clone" || name == "fork" || name == "vfork"    ? Role::Start
                 : name == "exit"                                          ? Role::ThreadEnd
                 : name == "exit_group"                                    ? Role::ProcessEnd
                 : name == "execve" || name == "execveat"                  ? Role::Execute
                                                                           : Role::None;
  }
  return shape;
}

// A number that is used again stands for the program that had it last: a name in a comment.
std::uint64_t Recorder::program_bit(pid_t thread) {
  if (const auto known = program_of_.find(thread); known != program_of_.end()) {
    return std::uint64_t{1} << known->second;
  }
  const auto facts = supervise::read_process(thread);
  const std::string name = !facts                            ? std::string()
                           : facts->program == name_of_file_ ? programs_.front()
                                                             : facts->program;
  auto at = std::find(programs_.begin(), programs_.end(), name);
  std::size_t index = kMostPrograms;
  if (at != programs_.end()) {
    index = static_cast<std::size_t>(at - programs_.begin());
  } else if (!name.empty() && programs_.size() < kMostPrograms) {
    index = programs_.size();
    programs_.push_back(name);
  }
  if (program_of_.size() >= kMostThreads) {
    program_of_.clear();
  }
  program_of_.emplace(thread, index);
  return std::uint64_t{1} << index;
}

void Recorder::touch(Count& count, std::uint64_t now, std::uint64_t program) const {
  count.first_us = count.count == 0 ? now : count.first_us;
  count.last_us = now;
  count.programs |= program;
  ++count.count;
}

void Recorder::take(const seccomp_notif& call, const seccomp::Rule& rule,
                    const sys::SeccompListener& listener) {
  if (seccomp::audit_arch(arch_) != call.data.arch || call.data.nr < 0 ||
      static_cast<std::size_t>(call.data.nr) >= shapes_.size()) {
    return;  // another ABI: denied, and told of
  }
  const auto thread = static_cast<pid_t>(call.pid);
  const Shape& shape = shape_of(call.data.nr);
  const std::uint64_t now = now_us() - start_us_;
  last_us_ = now;
  const std::uint64_t program = program_bit(thread);
  take_start(thread, now, program);
  const Fate fate = fate_of(rule);
  CallKey key;
  key.number = call.data.nr;
  key.fate = static_cast<std::uint32_t>(fate) |
             (fate == Fate::Refused ? std::uint32_t{rule.denied_errno} << 8 : 0) |
             (is_by_policy(rule) ? 1u << 31 : 0);
  if (shape.has_classes) {
    key.values = class_of(shape.name, std::to_array(call.data.args));
  }
  if (const auto known = calls_.find(key); known != calls_.end()) {
    touch(known->second, now, program);
  } else if (calls_.size() < kMostCalls) {
    touch(calls_[key], now, program);
  } else {
    ++unlisted_;
  }
  if (fate == Fate::Refused || fate == Fate::Denied) {
    return;  // it did nothing
  }
  if (!shape.paths.empty()) {
    take_files(call, shape, listener, now, program);
  }
  if (shape.role != Shape::Role::None) {
    take_tasks(call, shape, now);
  }
  if (shape.role == Shape::Role::Bind || shape.role == Shape::Role::Connect) {
    take_address(call, shape.role == Shape::Role::Bind, listener, now, program);
  }
  if (now >= next_sample_us_) {
    sample(thread);
    next_sample_us_ = now + kSampleEvery;
  }
}

void Recorder::take_files(const seccomp_notif& call, const Shape& shape,
                          const sys::SeccompListener& listener, std::uint64_t now,
                          std::uint64_t program) {
  const auto thread = static_cast<pid_t>(call.pid);
  for (const PathArgument& argument : shape.paths) {
    const std::uint64_t pointer = call.data.args[argument.path];
    const auto path = pointer == 0 ? std::nullopt : supervise::copy_path(thread, pointer);
    if (!path || path->empty()) {
      continue;  // the descriptor itself, which was opened before; or a call that fails
    }
    const int directory =
        argument.directory < 0
            ? AT_FDCWD
            : static_cast<int>(static_cast<std::uint32_t>(call.data.args[argument.directory]));
    auto absolute = supervise::absolute_path(thread, directory, *path);
    if (!absolute || !listener.is_waiting(call.id)) {
      continue;  // what was read may have been another process's
    }
    const std::uint8_t doings = argument.open_flags < 0
                                    ? argument.doings
                                    : doings_of_open(call.data.args[argument.open_flags]);
    take_file(*std::move(absolute), doings, now, program);
  }
}

void Recorder::take_file(std::string path, std::uint8_t doings, std::uint64_t now,
                         std::uint64_t program) {
  if (is_own(path)) {
    return;
  }
  auto known = files_.find(path);
  if (known == files_.end()) {
    if (files_.size() >= kMostFiles) {
      ++unlisted_;
      return;
    }
    known = files_.emplace(std::move(path), File{}).first;
  }
  known->second.doings |= doings;
  touch(known->second.count, now, program);
}

void Recorder::take_address(const seccomp_notif& call, bool is_bind,
                            const sys::SeccompListener& listener, std::uint64_t now,
                            std::uint64_t program) {
  auto address = supervise::named_address(call, is_bind);
  if (!address || !listener.is_waiting(call.id)) {
    return;
  }
  std::pair key(*std::move(address), is_bind);
  auto known = addresses_.find(key);
  if (known == addresses_.end()) {
    if (addresses_.size() >= kMostAddresses) {
      ++unlisted_;
      return;
    }
    known = addresses_.emplace(std::move(key), Count{}).first;
  }
  touch(known->second, now, program);
}

// Before its own execve it is the program that started it.
void Recorder::take_start(pid_t thread, std::uint64_t now, std::uint64_t program) {
  if (threads_.size() >= kMostThreads) {
    threads_.clear();
  }
  const bool is_command = threads_.empty() && peaks_.tasks == 1;
  if (!threads_.insert(thread).second) {
    return;
  }
  if (is_command) {
    constexpr std::size_t kMostStatus = 8192;
    init_ = static_cast<pid_t>(status_number(
        supervise::read_proc_file(fmt::format("/proc/{}/status", thread), kMostStatus), "\nPPid:"));
    return;
  }
  if (now >= next_count_us_) {
    count_tasks();
  }
  if (threads_.size() > peaks_.tasks && std::has_single_bit(threads_.size())) {
    forget_the_dead();
  }
  peaks_.tasks = std::max<std::uint64_t>(peaks_.tasks, threads_.size());
  const auto number = seccomp::number_of(arch_, "clone");
  if (hears_starts_ || !number) {
    return;
  }
  const auto facts = supervise::read_process(thread);
  CallKey key;
  key.number = *number;
  key.fate = static_cast<std::uint32_t>(Fate::Granted) | 1u << 31;
  key.values[0] = facts && facts->process != thread ? 1 : 0;
  touch(calls_[key], now, program);
}

// Those that have not been heard of yet as well. A twentieth of the time at most goes into it.
void Recorder::count_tasks() {
  const std::uint64_t before = now_us();
  peaks_.tasks = std::max(peaks_.tasks, tasks_below(init_));
  const std::uint64_t after = now_us();
  next_count_us_ = after - start_us_ + 20 * (after - before);
}

// Whoever is killed says nothing. Looked for now and then, so that it costs nothing.
void Recorder::forget_the_dead() {
  std::erase_if(threads_, [](pid_t thread) {
    constexpr std::size_t kSome = 16;
    return supervise::read_proc_file(fmt::format("/proc/{}/stat", thread), kSome).empty();
  });
}

void Recorder::take_tasks(const seccomp_notif& call, const Shape& shape, std::uint64_t now) {
  const auto thread = static_cast<pid_t>(call.pid);
  switch (shape.role) {
    case Shape::Role::Listen:
      ready_us_ = ready_us_.value_or(now);
      break;
    case Shape::Role::Send:
      if (!has_notified_ && says_ready(thread, call, shape.name)) {
        has_notified_ = true;
        ready_us_ = now;
      }
      break;
    case Shape::Role::Start:
      hears_starts_ = true;
      break;
    case Shape::Role::ThreadEnd:
      program_of_.erase(thread);
      threads_.erase(thread);
      break;
    case Shape::Role::ProcessEnd: {
      sample(thread);
      program_of_.erase(thread);
      threads_.erase(thread);
      break;
    }
    case Shape::Role::Execute:
      // Whoever calls next from here is another program, if the call succeeds.
      program_of_.erase(thread);
      break;
    case Shape::Role::None:
    case Shape::Role::Bind:
    case Shape::Role::Connect:
      break;
  }
}

// What the caller's process needs of what [limits] can limit.
void Recorder::sample(pid_t thread) {
  constexpr std::size_t kMostStatus = 8192;
  const std::string status =
      supervise::read_proc_file(fmt::format("/proc/{}/status", thread), kMostStatus);
  peaks_.memory_bytes = std::max(peaks_.memory_bytes, status_number(status, "\nVmHWM:") * 1024);
  peaks_.descriptors = std::max(peaks_.descriptors, numbers_in(fmt::format("/proc/{}/fd", thread)).size());
  peaks_.tasks = std::max(peaks_.tasks, status_number(status, "\nThreads:"));
}

Use Recorder::use_of(const Count& count) const {
  Use use{count.count, count.first_us, count.last_us, {}};
  for (std::size_t i = 0; i < programs_.size(); ++i) {
    if ((count.programs >> i & 1) != 0) {
      use.programs.insert(programs_[i]);
    }
  }
  return use;
}

Observations Recorder::finish() {
  Observations seen;
  for (const auto& [key, count] : calls_) {
    CallUse use;
    use.call = shape_of(key.number).name;
    use.values = key.values;
    use.fate = static_cast<Fate>(key.fate & 0xff);
    use.errno_value = static_cast<int>(key.fate >> 8 & 0xffff);
    use.by_policy = key.fate >> 31 != 0;
    use.use = use_of(count);
    seen.calls.push_back(std::move(use));
  }
  for (const auto& [path, file] : files_) {
    seen.files.push_back({path, file.doings, use_of(file.count)});
  }
  for (const auto& [key, count] : addresses_) {
    seen.addresses.push_back({key.first, key.second, use_of(count)});
  }
  seen.peaks = peaks_;
  seen.ready_us = ready_us_;
  seen.length_us = last_us_;
  seen.unlisted = unlisted_;
  seen.runs = 0;
  Observations sorted;
  sorted.runs = 1;
  return unite(std::move(sorted), seen);
}

}  // namespace sbx::learn
