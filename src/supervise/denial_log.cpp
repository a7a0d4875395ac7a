// SPDX-License-Identifier: Apache-2.0
#include "supervise/denial_log.h"

#include <fmt/format.h>

#include "base/origin.h"

namespace sbx::supervise {
namespace {

constexpr std::size_t kMostKeys = 4 * kMostToldDenials;
constexpr std::size_t kMostThreads = 1024;

// The named arguments are part of the key, so of the text too; the whole argument text is not,
// since it holds descriptors and addresses.
std::string text_of(const DenialKey& key, const events::Denied& denied) {
  std::string text = fmt::format("{}\n{}\n{}\n{}\n{}", denied.call, denied.rule, to_text(denied.origin),
                                 denied.actor.program, to_text(denied.place));
  for (const std::uint64_t argument : key.named_arguments) {
    text += fmt::format("\n{:x}", argument);
  }
  return text;
}

}  // namespace

void DenialLog::count(std::size_t index, pid_t thread, std::uint64_t time_us) {
  ++told_[index].count;
  told_[index].last_us = time_us;
  auto known = by_thread_.find(thread);
  if (known == by_thread_.end()) {
    if (by_thread_.size() >= kMostThreads) {
      by_thread_.clear();  // a crash soon after is told without what was denied before
    }
    known = by_thread_.emplace(thread, OfThread{}).first;
  }
  known->second.index = index;
  known->second.time_us = time_us;
}

void DenialLog::learn(pid_t thread, pid_t process, bool is_only_thread) {
  const auto known = by_thread_.find(thread);
  if (known != by_thread_.end() && process != 0) {
    known->second.process = process;
    known->second.only_thread = is_only_thread;
  }
}

bool DenialLog::is_repeat(const DenialKey& key, pid_t thread, std::uint64_t time_us) {
  if (const auto known = by_key_.find(key); known != by_key_.end()) {
    ++total_;
    count(known->second, thread, time_us);
    return true;
  }
  if (told_.size() >= kMostToldDenials) {
    ++total_;
    ++untold_;
    return true;
  }
  return false;
}

void DenialLog::report(const DenialKey& key, events::Denied denied, std::uint64_t time_us) {
  ++total_;
  if (by_key_.size() >= kMostKeys) {
    by_key_.clear();  // a cache: what is forgotten is described again and found by its text
  }
  const pid_t thread = denied.actor.thread_outside;
  const std::string text = text_of(key, denied);
  if (const auto known = by_text_.find(text); known != by_text_.end()) {
    by_key_.emplace(key, known->second);
    count(known->second, thread, time_us);
    return;
  }
  by_key_.emplace(key, told_.size());
  by_text_.emplace(text, told_.size());
  denied.id = static_cast<std::uint32_t>(told_.size() + 1);
  denied.count = 0;
  denied.first_us = time_us;
  told_.push_back(std::move(denied));
  count(told_.size() - 1, thread, time_us);
  sink_(told_.back());
}

void DenialLog::close() {
  for (const events::Denied& denied : told_) {
    if (denied.count > 1) {
      sink_(denied);
    }
  }
  if (untold_ > 0) {
    sink_(events::LimitHit{
        fmt::format("{} more denied calls, of other kinds than the first {}, are not listed",
                    untold_, kMostToldDenials),
        {},
        untold_});
  }
}

std::optional<DenialLog::Last> DenialLog::last_of(pid_t process) const {
  const OfThread* last = nullptr;
  for (const auto& [thread, one] : by_thread_) {
    if ((thread == process || one.process == process) &&
        (last == nullptr || one.time_us >= last->time_us)) {
      last = &one;
    }
  }
  return last == nullptr ? std::nullopt
                         : std::optional<Last>(Last{told_[last->index], last->time_us, last->only_thread});
}

}  // namespace sbx::supervise
