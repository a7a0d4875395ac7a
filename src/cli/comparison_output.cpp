// SPDX-License-Identifier: Apache-2.0
#include "cli/comparison_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "cli/json_writer.h"

namespace sbx::cli {
namespace {

using plan::Difference;

// Differences that say the same of several subjects: two hundred calls of one group.
struct Entry {
  const Difference* first = nullptr;
  std::vector<std::string> subjects;
};

// "seccomp.allow = link", of the call link, is in the same list as "seccomp.allow = linkat".
std::string_view general(const Difference::Side& side, const std::string& subject) {
  std::string_view reason = side.reason;
  if (const std::string own = " = " + subject; reason.ends_with(own)) {
    reason.remove_suffix(own.size());
  }
  return reason;
}

bool say_the_same(const Difference::Side& one, const std::string& subject,
                  const Difference::Side& other, const std::string& others_subject) {
  return one.text == other.text && one.origin.source == other.origin.source &&
         one.origin.line == other.origin.line &&
         general(one, subject) == general(other, others_subject);
}

bool say_the_same(const Difference& one, const Difference& other) {
  return one.area == other.area && one.when == other.when && one.more == other.more &&
         one.less == other.less && say_the_same(one.a, one.subject, other.a, other.subject) &&
         say_the_same(one.b, one.subject, other.b, other.subject);
}

bool is_call(const Difference& difference) {
  return difference.area == "system calls";
}

// What allows more before what allows less, and that before what is denied in another way.
int weight(const Difference& difference) {
  return difference.more == difference.less ? 2 : difference.more ? 0 : 1;
}

// Only of calls: a path or a variable is looked for in a line of its own.
std::vector<Entry> gathered(const std::vector<Difference>& differences) {
  std::vector<Entry> entries;
  for (const Difference& difference : differences) {
    const auto same = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) {
      return is_call(difference) && say_the_same(*entry.first, difference);
    });
    if (same != entries.end()) {
      same->subjects.push_back(difference.subject);
    } else {
      entries.push_back({&difference, {difference.subject}});
    }
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& one, const Entry& other) {
    return is_call(*one.first) && is_call(*other.first) &&
           weight(*one.first) < weight(*other.first);
  });
  return entries;
}

std::string_view heading(const Difference& difference) {
  return difference.more == difference.less ? "differs"
         : difference.more                  ? "more in B"
                                            : "more in A";
}

// "  more in B  socket connect …", wrapped.
std::string subjects_text(const Entry& entry) {
  constexpr std::size_t kWidth = 96;
  std::string line = fmt::format("  {:<9} ", heading(*entry.first));
  std::string text;
  for (const std::string& subject : entry.subjects) {
    const std::string word = escape(subject);
    if (line.size() + 1 + word.size() > kWidth) {
      text += line + "\n";
      line = std::string(12, ' ');
    }
    line += " " + word;
  }
  if (!entry.first->when.empty()) {
    line += " when " + entry.first->when;
  }
  return text + line + "\n";
}

std::string side_text(char name, const Difference::Side& side, const Entry& entry) {
  std::string text = fmt::format("      {}  {}", name, escape(side.text));
  const std::string_view reason =
      entry.subjects.size() > 1 ? general(side, entry.subjects.front()) : side.reason;
  if (!reason.empty()) {
    text += ": " + escape(reason);
  }
  const std::string origin = to_text(side.origin);
  return text + (origin.empty() ? "" : " [" + escape(origin) + "]") + "\n";
}

std::string verdict_text(const plan::Comparison& comparison, const std::string& a,
                         const std::string& b) {
  const std::string_view verdict = plan::verdict_of(comparison);
  if (verdict == "equal") {
    return fmt::format("{} and {} are equal\n", a, b);
  }
  if (verdict == "different") {
    return fmt::format("A is {}, B is {}: {}\n", a, b,
                       comparison.any_more()
                           ? "different, each allows something that the other does not"
                           : "different, but neither allows more");
  }
  return fmt::format("A is {}, B is {}: B is {} than A\n", a, b, verdict);
}

void write_side(JsonWriter& json, std::string_view name, const Difference::Side& side) {
  json.key(name);
  json.begin_object();
  json.member("text", side.text);
  json.member("reason", side.reason);
  write_origin(json, "origin", side.origin);
  json.end_object();
}

}  // namespace

std::string comparison_text(const plan::Comparison& comparison, const std::string& a,
                            const std::string& b) {
  std::string text = verdict_text(comparison, escape(a), escape(b));
  std::string area;
  for (const Entry& entry : gathered(comparison.differences)) {
    if (entry.first->area != area) {
      area = entry.first->area;
      text += area + "\n";
    }
    text += subjects_text(entry) + side_text('A', entry.first->a, entry) +
            side_text('B', entry.first->b, entry);
  }
  for (const std::string& note : comparison.notes) {
    text += "note: " + note + "\n";
  }
  return text;
}

void write_comparison(JsonWriter& json, const plan::Comparison& comparison, const std::string& a,
                      const std::string& b) {
  json.begin_object();
  json.member("a", a);
  json.member("b", b);
  json.member("verdict", plan::verdict_of(comparison));
  json.key("differences");
  json.begin_array();
  for (const Difference& difference : comparison.differences) {
    json.begin_object();
    json.member("area", difference.area);
    json.member("subject", difference.subject);
    json.member("when", difference.when);
    json.key("more_in_b");
    json.boolean(difference.more);
    json.key("more_in_a");
    json.boolean(difference.less);
    write_side(json, "a", difference.a);
    write_side(json, "b", difference.b);
    json.end_object();
  }
  json.end_array();
  json.key("notes");
  json.begin_array();
  for (const std::string& note : comparison.notes) {
    json.string(note);
  }
  json.end_array();
  json.end_object();
}

std::string comparison_json(const plan::Comparison& comparison, const std::string& a,
                            const std::string& b) {
  JsonWriter json;
  write_comparison(json, comparison, a, b);
  return json.take();
}

}  // namespace sbx::cli
