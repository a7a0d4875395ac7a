// SPDX-License-Identifier: Apache-2.0
#include "supervise/denial_log.h"

#include <fmt/format.h>

#include "base/origin.h"

namespace sbx::supervise {
namespace {

constexpr std::size_t kMostKeys = 4 * kMostToldDenials;

// The named arguments are part of the key, so of the text too; the whole argument text is not,
// since it holds descriptors and addresses.
std::string text_of(const DenialKey& key, const events::DeniedCall& call) {
  std::string text = fmt::format("{}\n{}\n{}\n{}\n{}", call.name, call.rule, to_text(call.origin),
                                 call.program, call.location);
  for (const std::uint64_t argument : key.named_arguments) {
    text += fmt::format("\n{:x}", argument);
  }
  return text;
}

}  // namespace

bool DenialLog::is_repeat(const DenialKey& key) {
  if (const auto known = by_key_.find(key); known != by_key_.end()) {
    ++told_[known->second].more;
    return true;
  }
  if (told_.size() >= kMostToldDenials) {
    ++untold_;
    return true;
  }
  return false;
}

void DenialLog::report(const DenialKey& key, const events::Event& event) {
  if (by_key_.size() >= kMostKeys) {
    by_key_.clear();  // a cache: what is forgotten is described again and found by its text
  }
  const std::string text = text_of(key, event.denied);
  if (const auto known = by_text_.find(text); known != by_text_.end()) {
    by_key_.emplace(key, known->second);
    ++told_[known->second].more;
    return;
  }
  by_key_.emplace(key, told_.size());
  by_text_.emplace(text, told_.size());
  told_.push_back({event.denied, 0});
  sink_(event);
}

void DenialLog::close(std::uint64_t time_us) {
  for (Told& told : told_) {
    if (told.more > 0) {
      events::Event event;
      event.kind = events::Event::Kind::Denied;
      event.time_us = time_us;
      event.denied = told.call;
      event.denied.repeated = told.more;
      sink_(event);
    }
  }
  if (untold_ > 0) {
    events::Event event;
    event.kind = events::Event::Kind::Limit;
    event.time_us = time_us;
    event.note.text =
        fmt::format("{} more denied calls, of other kinds than the first {}, are not listed",
                    untold_, kMostToldDenials);
    sink_(event);
  }
}

}  // namespace sbx::supervise
