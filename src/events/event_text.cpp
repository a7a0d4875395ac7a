// SPDX-License-Identifier: Apache-2.0
#include <time.h>

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "base/text.h"
#include "events/event.h"

namespace sbx::events {
namespace {

constexpr std::size_t kCommLength =
    15;  // TASK_COMM_LEN - 1: what the kernel keeps of a thread's name
constexpr std::uint64_t kMicroseconds = 1'000'000;

std::string in_brackets(const Origin& origin) {
  const std::string place = to_text(origin);
  return place.empty() ? std::string() : fmt::format(" [{}]", printable(place));
}

std::string signal_name(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", signal);
}

// The layer that has a name of its own is told as such: a W^X refusal looks like any other EPERM to
// the program, and is the one that most often kills it.
std::string_view deed(const Denied& denied) {
  if (denied.answer.starts_with("allowed")) {
    return "allowed";
  }
  return denied.layer == Layer::WriteExec ? "W^X refused" : "denied";
}

// All of them where nobody can look any more; else the innermost of the program's own.
std::vector<CodePlace> shown_callers(const Denied& denied) {
  const auto is_own = [&](const CodePlace& place) { return place.module == denied.actor.program; };
  if (denied.answer == "killed") {
    return denied.callers;
  }
  const auto own = std::find_if(denied.callers.begin(), denied.callers.end(), is_own);
  return own == denied.callers.end() ? std::vector<CodePlace>{} : std::vector<CodePlace>{*own};
}

std::string text_of(const Denied& denied) {
  const bool allowed = denied.answer.starts_with("allowed");
  std::string text =
      fmt::format("sbx: {} {} by {}", allowed ? printable(denied.answer) : std::string(deed(denied)),
                  call_text(denied), to_text(denied.actor));
  if (const std::string place = to_text(denied.place); !place.empty()) {
    text += " at " + place;
  }
  if (denied.count > 1) {
    return text + fmt::format(": {} times\n", denied.count);
  }
  text += fmt::format("\n     policy: {}{}", printable(denied.rule), in_brackets(denied.origin));
  text += allowed || denied.answer.empty() ? "\n"
                                           : fmt::format(", answer: {}\n", printable(denied.answer));
  for (const CodePlace& caller : shown_callers(denied)) {
    text += fmt::format("     called from {}\n", to_text(caller));
  }
  const std::string remedy = to_text(denied.remedy);
  if (!remedy.empty()) {
    text += fmt::format("     allow it with: {}\n", printable(remedy));
  }
  if (!denied.remedy.warning.empty()) {
    text += fmt::format("     {}{}\n", remedy.empty() ? "" : "but: ",
                        printable(denied.remedy.warning));
  }
  return text;
}

std::string text_of(const Started&) {
  return "sbx: the command has started\n";
}

std::string text_of(const NetworkNote& note) {
  return fmt::format("sbx: {}{}\n", printable(note.text), in_brackets(note.origin));
}

std::string text_of(const LimitHit& limit) {
  return fmt::format("sbx: {}{}\n", printable(limit.text), in_brackets(limit.origin));
}

std::string text_of(const Crashed& crashed) {
  const std::string who =
      crashed.is_command ? "the command" : fmt::format("{} in the sandbox", to_text(crashed.actor));
  std::string text = fmt::format("sbx: {} was ended by {}{}{}", who, signal_name(crashed.signal),
                                 crashed.core_dumped ? " (core dumped)" : "",
                                 crashed.out_of_memory ? ", for want of memory" : "");
  if (crashed.denial != 0) {
    text += fmt::format("\n     {} before, {} was denied{}",
                        crashed.denied_before_us < kMicroseconds
                            ? fmt::format("{} ms", crashed.denied_before_us / 1000)
                            : fmt::format("{} s", crashed.denied_before_us / kMicroseconds),
                        printable(crashed.denied_call),
                        crashed.same_thread ? " in the same thread" : "");
  }
  return text + "\n";
}

std::string text_of(const Ended& ended) {
  switch (ended.ending) {
    case Ending::Exited:
      return fmt::format("sbx: the command ended with status {}\n", ended.status);
    case Ending::Killed:
      return fmt::format("sbx: the command was ended by {}\n", signal_name(ended.status));
    case Ending::Violation:
      return "sbx: the command was killed for a denied call\n";
    case Ending::TimedOut:
      return "sbx: the command was ended at its time limit\n";
  }
  return {};
}

std::string text_of(const Restarted& restarted) {
  const std::string pause = fmt::format("{}.{:03} s", restarted.delay_us / kMicroseconds,
                                        restarted.delay_us % kMicroseconds / 1000);
  return restarted.is_storm
             ? fmt::format("sbx: restart storm: the command has crashed {} times in a row; from now on "
                           "it is started again after longer and longer, next in {}\n",
                           restarted.count, pause)
             : fmt::format("sbx: the command has crashed ({} in a row): it is started again in {}\n",
                           restarted.count, pause);
}

tm calendar(std::uint64_t time_us) {
  const auto seconds = static_cast<time_t>(time_us / kMicroseconds);
  tm broken_down{};
  ::gmtime_r(&seconds, &broken_down);
  return broken_down;
}

}  // namespace

std::string run_id(std::uint64_t time_us, int supervisor) {
  const tm at = calendar(time_us);
  return fmt::format("{:04}{:02}{:02}-{:02}{:02}{:02}.{:06}-{}", at.tm_year + 1900, at.tm_mon + 1,
                     at.tm_mday, at.tm_hour, at.tm_min, at.tm_sec, time_us % kMicroseconds,
                     supervisor);
}

std::string time_text(std::uint64_t time_us) {
  const tm at = calendar(time_us);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", at.tm_year + 1900, at.tm_mon + 1,
                     at.tm_mday, at.tm_hour, at.tm_min, at.tm_sec, time_us % kMicroseconds);
}

std::string to_text(const CodePlace& place) {
  if (place.module.empty()) {
    return place.offset == 0 ? std::string() : fmt::format("anonymous memory {:#x}", place.offset);
  }
  std::string text = fmt::format("{}+{:#x}", escape(place.module), place.offset);
  if (!place.function.empty()) {
    text += " " + escape(place.function);
  }
  if (place.line > 0) {
    text += fmt::format(" ({}:{})", escape(place.source), place.line);
  }
  return text;
}

std::string to_text(const Actor& actor) {
  const std::string_view thread = actor.thread_name;
  const std::string_view program = actor.program;
  const bool same = thread.empty() || thread == program.substr(0, kCommLength);
  return fmt::format("{} (pid {}{})", program.empty() ? "?" : escape(program), actor.pid_inside,
                     same ? "" : ", thread " + escape(thread));
}

std::string call_text(const Denied& denied) {
  return fmt::format("{}({}) [{}]", printable(denied.call), printable(denied.arguments_text),
                     denied.number);
}

std::string to_text(const Event& event) {
  return std::visit([](const auto& what) { return text_of(what); }, event.what);
}

}  // namespace sbx::events
