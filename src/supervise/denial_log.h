// SPDX-License-Identifier: Apache-2.0
// Equal denials are told once, at once, and counted from then on; the counts are told at the end. A
// sandboxee that makes a million denied calls, equal or not, neither floods the user's terminal nor
// makes the supervisor grow.
#pragma once

#include <sys/types.h>

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "events/event.h"

namespace sbx::supervise {

// What makes two calls look equal before anything has been read from procfs: call, rule, place in
// memory, and those arguments whose values have names (a socket's domain, an ioctl's request; the
// others are 0 here). Descriptors, addresses and lengths make no new kind of denial.
struct DenialKey {
  const void* rule = nullptr;
  int number = 0;
  std::uint32_t arch = 0;
  std::uint64_t instruction_pointer = 0;
  std::array<std::uint64_t, 6> named_arguments{};

  friend auto operator<=>(const DenialKey&, const DenialKey&) = default;
};

class DenialLog {
 public:
  using Sink = std::function<void(events::What)>;
  explicit DenialLog(Sink sink) : sink_(std::move(sink)) {}

  // True if this needs no description: an equal one is known, or the table is full. Counted.
  bool is_repeat(const DenialKey& key, pid_t thread, std::uint64_t time_us);

  // Reports a denial with this key, unless another process has had the same at the same place of
  // the same program (loaded elsewhere in memory): then it is counted.
  void report(const DenialKey& key, events::Denied denied, std::uint64_t time_us);

  // One event for each denial that came again, and one for those that were never told.
  void close();

  // Whether this thread was denied anything before, as far as is remembered.
  bool knows(pid_t thread) const { return by_thread_.contains(thread); }
  // Of a thread that was denied something: its process, and whether it is the only one there.
  void learn(pid_t thread, pid_t process, bool is_only_thread);

  // The last denial of a process, also after its end.
  struct Last {
    const events::Denied& denied;  // as it was first told, perhaps of another process
    std::uint64_t time_us = 0;
    bool only_thread = false;
  };
  std::optional<Last> last_of(pid_t process) const;

  std::size_t size() const { return told_.size(); }
  std::uint64_t total() const { return total_; }

 private:
  struct OfThread {
    std::size_t index = 0;  // into told_
    std::uint64_t time_us = 0;
    pid_t process = 0;  // 0: not known; a process's first thread has its number
    bool only_thread = false;
  };

  void count(std::size_t index, pid_t thread, std::uint64_t time_us);

  Sink sink_;
  std::vector<events::Denied> told_;
  std::map<DenialKey, std::size_t> by_key_;  // → index into told_
  std::map<std::string, std::size_t> by_text_;
  std::map<pid_t, OfThread> by_thread_;
  std::uint64_t untold_ = 0;
  std::uint64_t total_ = 0;
};

inline constexpr std::size_t kMostToldDenials = 1024;

}  // namespace sbx::supervise
