// SPDX-License-Identifier: Apache-2.0
#include "events/story.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/text.h"

namespace sbx::events {
namespace {

constexpr std::string_view kPrefix = "sbx: ";

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

const Actor* actor_of(const Event& event) {
  if (const auto* denied = std::get_if<Denied>(&event.what)) {
    return &denied->actor;
  }
  const auto* crashed = std::get_if<Crashed>(&event.what);
  return crashed == nullptr ? nullptr : &crashed->actor;
}

bool has_pid(const Event& event, int pid) {
  const auto* started = std::get_if<Started>(&event.what);
  const Actor* actor = actor_of(event);
  return (started != nullptr && started->supervisor == pid) ||
         (actor != nullptr && (actor->pid_outside == pid || actor->thread_outside == pid));
}

bool is_named(const Event& event, std::string_view name) {
  const auto* started = std::get_if<Started>(&event.what);
  return event.policy == name || (started != nullptr && !started->argv.empty() &&
                                  base_name(started->argv.front()) == name);
}

// "+0.003 s"
std::string since(std::uint64_t from_us, std::uint64_t time_us) {
  const std::uint64_t microseconds = time_us > from_us ? time_us - from_us : 0;
  return fmt::format("+{}.{:03} s", microseconds / 1'000'000, microseconds / 1000 % 1000);
}

std::string duration(std::uint64_t microseconds) {
  constexpr std::uint64_t kMinute = 60'000'000;
  if (microseconds < kMinute) {
    return fmt::format("{}.{:03} s", microseconds / 1'000'000, microseconds / 1000 % 1000);
  }
  return fmt::format("{} min {} s", microseconds / kMinute, microseconds % kMinute / 1'000'000);
}

std::string without_prefix(const Event& event) {
  std::string text = to_text(event);
  return text.starts_with(kPrefix) ? text.substr(kPrefix.size()) : text;
}

// The denial that a crash is put down to: the one that it names, the last of that number before it,
// since numbers begin anew with each start; else the last of the same process, a moment before.
const Denied* find_denial(const Story& story, std::size_t before, const Crashed& crashed) {
  constexpr std::uint64_t kMomentUs = 1'000'000;
  const std::uint64_t crashed_us = story.events[before].time_us;
  for (std::size_t i = before; i-- > 0;) {
    const auto* denied = std::get_if<Denied>(&story.events[i].what);
    if (denied == nullptr) {
      continue;
    }
    const bool is_same = crashed.actor.pid_inside == denied->actor.pid_inside ||
                         (crashed.is_command && crashed.actor.pid_inside == 0);
    if (crashed.denial != 0 ? denied->id == crashed.denial
                            : is_same && story.events[i].time_us + kMomentUs >= crashed_us) {
      return denied;
    }
  }
  return nullptr;
}

// The event's own lines, below the time that it happened.
std::string paragraph(const Story& story, std::size_t index) {
  const Event& event = story.events[index];
  Event shown = event;
  std::string more;
  if (auto* denied = std::get_if<Denied>(&shown.what); denied != nullptr && denied->count > 1) {
    more = fmt::format(", {} times until {}", denied->count, since(story.started_us, denied->last_us));
    denied->count = 1;  // with its rule and its remedy, as when it was told first
  }
  std::string text;
  for (const std::string& line : split(without_prefix(shown), '\n')) {
    const std::size_t begin = line.find_first_not_of(' ');
    if (begin == std::string::npos) {
      continue;
    }
    if (text.empty()) {
      text = fmt::format("{:>11}  {}{}\n", since(story.started_us, event.time_us), line, more);
    } else {
      text += fmt::format("{:>13}{}\n", "", line.substr(begin));
    }
  }
  if (const auto* crashed = std::get_if<Crashed>(&event.what)) {
    text += fmt::format("{:>13}{}\n", "",
                        probable_cause(*crashed, find_denial(story, index, *crashed)));
  }
  return text;
}

std::string ending_text(const Story& story) {
  if (!story.ended) {
    return "no end of it is logged: it runs still, or sbx itself was killed\n";
  }
  return fmt::format("{}, after {}\n", headline({0, story.run, story.policy, *story.ended}),
                     duration(story.ended_us - story.started_us));
}

std::string remedies_text(const Story& story) {
  std::vector<seccomp::Remedy> remedies;
  for (const Event& event : story.events) {
    const auto* denied = std::get_if<Denied>(&event.what);
    if (denied != nullptr && denied->remedy.warning.empty()) {
      remedies.push_back(denied->remedy);
    }
  }
  const std::string lines = seccomp::policy_lines(remedies);
  if (lines.empty()) {
    return "";
  }
  std::string text = "what would allow it, and is not unwise by itself:\n";
  for (const std::string& line : split(lines, '\n')) {
    text += line.empty() ? "" : "    " + printable(line) + "\n";
  }
  return text + "sbx why --fix " + escape(story.run) + " writes that to a file for review\n";
}

// A byte that begins a formula, in a spreadsheet that opens the file, with the reader's rights; the
// names of programs are a sandboxee's to choose.
std::string csv_field(std::string text) {
  if (!text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos) {
    text.insert(text.begin(), '\'');
  }
  if (text.find_first_of(",\"\n\r") == std::string::npos) {
    return text;
  }
  std::string quoted = "\"";
  for (const char c : text) {
    quoted.append(c == '"' ? 2 : 1, c);
  }
  return quoted + "\"";
}

}  // namespace

bool Selection::takes(const Event& event) const {
  const auto* denied = std::get_if<Denied>(&event.what);
  const Actor* actor = actor_of(event);
  return event.time_us >= since_us && (policy.empty() || event.policy == policy) &&
         (call.empty() || (denied != nullptr && denied->call == call)) &&
         (executable.empty() ||
          (actor != nullptr && (actor->executable == executable || actor->program == executable)));
}

std::size_t Story::denials() const {
  return static_cast<std::size_t>(std::count_if(events.begin(), events.end(), [](const Event& event) {
    return std::holds_alternative<Denied>(event.what);
  }));
}

std::string find_run(std::span<const Event> log, std::string_view asked) {
  const bool any = asked.empty() || asked == "last";
  const auto number = parse_number(asked);
  const int pid = number && *number > 0 && *number <= INT32_MAX ? static_cast<int>(*number) : 0;
  for (auto event = log.rbegin(); event != log.rend(); ++event) {
    if (!event->run.empty() &&
        (any || (pid > 0 && has_pid(*event, pid)) || is_named(*event, asked) || event->run == asked)) {
      return event->run;
    }
  }
  // A beginning that a person has typed; a pid is no such.
  constexpr std::size_t kShortest = 8;  // the day
  for (auto event = log.rbegin(); asked.size() >= kShortest && event != log.rend(); ++event) {
    if (event->run.starts_with(asked)) {
      return event->run;
    }
  }
  return {};
}

Story story_of(std::span<const Event> log, std::string_view run) {
  Story story;
  story.run = run;
  std::map<std::uint32_t, std::size_t> told;
  for (const Event& event : log) {
    if (event.run != run) {
      continue;
    }
    story.policy = event.policy;
    story.started_us = story.started_us == 0 ? event.time_us : story.started_us;
    if (const auto* started = std::get_if<Started>(&event.what)) {
      story.started = story.started ? story.started : *started;
      continue;
    }
    if (const auto* ended = std::get_if<Ended>(&event.what)) {
      story.ended = *ended;
      story.ended_us = std::max(event.time_us, story.started_us);
      continue;
    }
    if (std::holds_alternative<Restarted>(event.what)) {
      told.clear();  // the denials of the next start are numbered from 1 again
    }
    const auto* denied = std::get_if<Denied>(&event.what);
    const bool is_folded = denied != nullptr && denied->id != 0;
    const auto known = is_folded ? told.find(denied->id) : told.end();
    if (known == told.end()) {
      if (is_folded) {
        told.emplace(denied->id, story.events.size());
      }
      story.events.push_back(event);
      continue;
    }
    auto& first = std::get<Denied>(story.events[known->second].what);
    first.count = denied->count;
    first.last_us = denied->last_us;
  }
  return story;
}

std::string to_text(const Story& story) {
  std::string command;
  if (story.started) {
    for (const std::string& word : story.started->argv) {
      command += (command.empty() ? "" : " ") + escape(word);
    }
  }
  std::string text = fmt::format("run {}\n  of {} under the policy {}, {}\n", escape(story.run),
                                 command.empty() ? "a command" : command, escape(story.policy),
                                 time_text(story.started_us));
  if (story.events.empty()) {
    return text + "  nothing was denied, and nothing crashed\n  " + ending_text(story);
  }
  for (std::size_t i = 0; i < story.events.size(); ++i) {
    text += paragraph(story, i);
  }
  return text + "  " + ending_text(story) + remedies_text(story);
}

std::string probable_cause(const Crashed& crashed, const Denied* denied) {
  if (crashed.out_of_memory) {
    return "the kernel ended it for want of memory: see limits.memory";
  }
  if (crashed.denial == 0 && denied == nullptr) {
    return "nothing was denied to it just before: a defect of its own, or a path that it misses; "
           "sbx run --explain looks for those";
  }
  const std::string_view when = crashed.same_thread ? "right after" : "soon after";
  const std::string call =
      crashed.denied_call.empty() && denied != nullptr ? call_text(*denied) : printable(crashed.denied_call);
  if (denied == nullptr) {
    return fmt::format("died {} {} was refused", when, call);
  }
  switch (denied->layer) {
    case Layer::WriteExec:
      return fmt::format("died {} {} was refused: probably a JIT, which writes code and runs it; see "
                         "memory.wx", when, call);
    case Layer::Network:
      return fmt::format("died {} {} was refused: it may not expect to be without that address; see "
                         "network.connect and network.bind", when, call);
    case Layer::Filesystem:
      return fmt::format("died {} {} failed: it may need that path; see filesystem.read", when, call);
    case Layer::Filter:
      break;
  }
  return denied->answer == "killed"
             ? fmt::format("was killed for {}", call)
             : fmt::format("died {} {} was refused: it may not expect that call to fail; see the rule "
                           "above", when, call);
}

std::string headline(const Event& event) {
  const std::string text = without_prefix(event);
  return text.substr(0, text.find('\n'));
}

std::string csv_header() {
  return "time,run,policy,event,layer,syscall,arguments,program,exe,pid,rule,origin,answer,count,"
         "remedy,text";
}

std::string csv_line(const Event& event) {
  const auto* denied = std::get_if<Denied>(&event.what);
  const Actor* actor = actor_of(event);
  const Denied none;
  const Actor nobody;
  const Denied& call = denied == nullptr ? none : *denied;
  const Actor& who = actor == nullptr ? nobody : *actor;
  const std::vector<std::string> fields{
      time_text(event.time_us),
      escape(event.run),
      escape(event.policy),
      std::string(kind_of(event)),
      denied == nullptr ? "" : std::string(word(call.layer)),
      printable(call.call),
      printable(call.arguments_text),
      escape(who.program),
      escape(who.executable),
      who.pid_outside == 0 ? "" : std::to_string(who.pid_outside),
      printable(call.rule),
      escape(to_text(call.origin)),
      printable(call.answer),
      denied == nullptr ? "" : std::to_string(call.count),
      printable(seccomp::policy_line(call.remedy)),
      headline(event)};
  std::string line;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    line += (i == 0 ? "" : ",") + csv_field(fields[i]);
  }
  return line;
}

}  // namespace sbx::events
