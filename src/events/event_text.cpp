// SPDX-License-Identifier: Apache-2.0
#include <sys/wait.h>

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "base/text.h"
#include "events/event.h"

namespace sbx::events {
namespace {

constexpr std::size_t kCommLength =
    15;  // TASK_COMM_LEN - 1: what the kernel keeps of a thread's name

// For texts that the supervisor composed, with each hostile part already quoted: a backslash stays
// one. Anything that a terminal could act upon is escaped all the same.
std::string composed(std::string_view text) {
  const bool clean = is_utf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
                       return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
                     });
  // U+0080 … U+009F are control characters too, and UTF-8 writes them as C2 80 … C2 9F.
  bool has_c1 = false;
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    has_c1 = has_c1 || (text[i] == '\xc2' && static_cast<unsigned char>(text[i + 1]) < 0xa0);
  }
  return clean && !has_c1 ? std::string(text) : escape(text);
}

std::string in_brackets(const Origin& origin) {
  const std::string place = to_text(origin);
  return place.empty() ? std::string() : fmt::format(" [{}]", composed(place));
}

std::string who(const DeniedCall& call) {
  const std::string_view thread = call.thread_name;
  const std::string_view program = call.program;
  const bool same = thread.empty() || thread == program.substr(0, kCommLength);
  return fmt::format("{} (pid {}{})", program.empty() ? "?" : escape(program), call.pid_inside,
                     same ? "" : ", thread " + escape(thread));
}

std::string denied_text(const DeniedCall& call) {
  const bool allowed = call.answer.starts_with("allowed");
  std::string text =
      fmt::format("sbx: {} {}({}) [{}] by {}", allowed ? composed(call.answer) : "denied",
                  composed(call.name), composed(call.arguments_text), call.number, who(call));
  if (!call.location.empty()) {
    text += " at " + composed(call.location);
  }
  if (call.repeated > 0) {
    return text + fmt::format(": {} more\n", call.repeated);
  }
  text += fmt::format("\n     policy: {}{}", composed(call.rule), in_brackets(call.origin));
  text +=
      allowed || call.answer.empty() ? "\n" : fmt::format(", answer: {}\n", composed(call.answer));
  if (!call.remedy.empty()) {
    text += fmt::format("     allow it with: {}\n", composed(call.remedy));
  }
  if (!call.warning.empty()) {
    text += fmt::format("     {}{}\n", call.remedy.empty() ? "" : "but: ", composed(call.warning));
  }
  return text;
}

std::string ended_text(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    const char* name = ::sigabbrev_np(WTERMSIG(wait_status));
    return fmt::format("sbx: the command was ended by {}{}\n",
                       name != nullptr ? fmt::format("SIG{}", name)
                                       : fmt::format("signal {}", WTERMSIG(wait_status)),
                       WCOREDUMP(wait_status) ? " (core dumped)" : "");
  }
  return fmt::format("sbx: the command ended with status {}\n", WEXITSTATUS(wait_status));
}

}  // namespace

std::string to_text(const Event& event) {
  switch (event.kind) {
    case Event::Kind::Denied:
      return denied_text(event.denied);
    case Event::Kind::Network:
    case Event::Kind::Limit:
      return fmt::format("sbx: {}{}\n", composed(event.note.text), in_brackets(event.note.origin));
    case Event::Kind::Started:
      return "sbx: the command has started\n";
    case Event::Kind::Ended:
    case Event::Kind::Crashed:
      return ended_text(event.wait_status);
  }
  return {};
}

}  // namespace sbx::events
