// SPDX-License-Identifier: Apache-2.0
// Equal denials are told once, at once, and counted from then on; the counts are told at the end. A
// sandboxee that makes a million denied calls, equal or not, neither floods the user's terminal nor
// makes the supervisor grow.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
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
  using Sink = std::function<void(const events::Event&)>;
  explicit DenialLog(const Sink& sink) : sink_(sink) {}

  // True if this needs no description: an equal one is known, or the table is full. Counted.
  bool is_repeat(const DenialKey& key);

  // Reports a denial with this key, unless another process has had the same at the same place of
  // the same program (loaded elsewhere in memory): then it is counted.
  void report(const DenialKey& key, const events::Event& event);

  // One event for each denial that came again, and one for those that were never told.
  void close(std::uint64_t time_us);

  std::size_t size() const { return told_.size(); }

 private:
  struct Told {
    events::DeniedCall call;
    std::uint64_t more = 0;
  };

  const Sink& sink_;
  std::vector<Told> told_;
  std::map<DenialKey, std::size_t> by_key_;  // → index into told_
  std::map<std::string, std::size_t> by_text_;
  std::uint64_t untold_ = 0;
};

inline constexpr std::size_t kMostToldDenials = 1024;

}  // namespace sbx::supervise
