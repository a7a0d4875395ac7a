// SPDX-License-Identifier: Apache-2.0
#include "events/summary.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"

namespace sbx::events {
namespace {

constexpr std::size_t kMostRows = 20;  // a screen; sbx why has all of them

bool was_let_by(const Denied& denied) {
  return denied.answer.starts_with("allowed");
}

std::string plural(std::uint64_t count, std::string_view one, std::string_view many) {
  return count == 1 ? std::string(one) : fmt::format("{} {}", count, many);
}

// The most frequent first, as they were told first.
std::vector<const Denied*> by_count(const std::map<std::uint32_t, Denied>& kinds) {
  std::vector<const Denied*> rows;
  rows.reserve(kinds.size());
  for (const auto& [id, denied] : kinds) {
    rows.push_back(&denied);
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Denied* a, const Denied* b) { return a->count > b->count; });
  return rows;
}

std::string row_text(const Denied& denied) {
  std::string text = fmt::format("     {:>7} x {}", denied.count, call_text(denied));
  if (!denied.actor.program.empty()) {
    text += " by " + escape(denied.actor.program);
  }
  if (was_let_by(denied)) {
    text += ", let by";
  } else if (denied.remedy.key.empty()) {
    // Either something else helps or nothing does; the event said why.
    text += denied.remedy.advice.empty() ? ": no line allows it" : ": " + printable(denied.remedy.advice);
  }
  return text + "\n";
}

// As policy_lines, each line that is unwise below its reason, so that all can be copied.
std::string remedy_lines(const std::vector<const Denied*>& rows) {
  std::vector<seccomp::Remedy> remedies;
  for (const Denied* row : rows) {
    remedies.push_back(row->remedy);
  }
  std::string text;
  std::vector<std::string> told;
  for (const seccomp::Remedy& remedy : remedies) {
    const bool is_new = std::find(told.begin(), told.end(), remedy.warning) == told.end();
    if (!remedy.key.empty() && !remedy.warning.empty() && is_new) {
      told.push_back(remedy.warning);
      text += fmt::format("       # {} is unwise: {}\n", printable(remedy.key + " = " + remedy.value),
                          printable(remedy.warning));
    }
  }
  for (const std::string& line : split(policy_lines(remedies), '\n')) {
    text += line.empty() ? "" : fmt::format("       {}\n", printable(line));
  }
  return text;
}

}  // namespace

void Summary::take(const Event& event) {
  if (const auto* denied = std::get_if<Denied>(&event.what)) {
    kinds_.insert_or_assign(denied->id, *denied);
  } else if (const auto* limit = std::get_if<LimitHit>(&event.what)) {
    unlisted_ += limit->unlisted_denials;
  }
}

std::uint64_t Summary::denied() const {
  std::uint64_t sum = unlisted_;
  for (const auto& [id, denied] : kinds_) {
    sum += was_let_by(denied) ? 0 : denied.count;
  }
  return sum;
}

std::string Summary::text(const std::string& run, const std::string& policy_file) const {
  if (kinds_.empty()) {
    return {};
  }
  const auto rows = by_count(kinds_);
  const std::uint64_t sum = denied();
  std::string text =
      sum == 0 ? "sbx: in this run nothing was denied, but calls were let by that the policy denies:\n"
               : fmt::format("sbx: in this run {} denied:\n",
                             plural(sum, "one call was", "calls were"));
  for (std::size_t i = 0; i < std::min(rows.size(), kMostRows); ++i) {
    text += row_text(*rows[i]);
  }
  if (rows.size() > kMostRows) {
    text += fmt::format("     and {} more kinds\n", rows.size() - kMostRows);
  }
  if (const std::string lines = remedy_lines(rows); !lines.empty()) {
    text += fmt::format("     to allow {}{}:\n{}", rows.size() == 1 ? "it" : "them",
                        policy_file.empty() ? "" : ", in " + escape(policy_file), lines);
  }
  return text + (run.empty() ? "" : fmt::format("     more: sbx why {}\n", run));
}

}  // namespace sbx::events
