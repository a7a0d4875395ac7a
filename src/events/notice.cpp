// SPDX-License-Identifier: Apache-2.0
#include "events/notice.h"

#include <string.h>  // sigabbrev_np

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"

namespace sbx::events {
namespace {

constexpr int kError = 3;    // LOG_ERR
constexpr int kWarning = 4;  // LOG_WARNING
constexpr int kUser = 1;     // LOG_USER >> 3

// Made once, at random, as sd_journal's manual asks for.
std::string_view message_id(const Event& event) {
  struct Named {
    std::string_view kind, id;
  };
  constexpr std::array kIds{Named{"denied", "d8c15e1e3d734e6a93ee4b190013cf97"},
                            Named{"network", "6ab126502ae1c8df92c84bbf9f3ca1b3"},
                            Named{"limit", "d3729cf304ab731235cfc496c0127786"},
                            Named{"crashed", "f0aa0a97b4f402d16274cce604990b1c"},
                            Named{"restarted", "75ce6e15f844a7b3bf30c69c5dc537cc"}};
  const auto found = std::find_if(kIds.begin(), kIds.end(), [&](const Named& named) {
    return named.kind == kind_of(event);
  });
  return found == kIds.end() ? std::string_view() : found->id;
}

void add(std::string& datagram, std::string_view name, std::string_view value) {
  if (value.empty()) {
    return;
  }
  datagram.append(name);
  if (value.find('\n') == std::string_view::npos) {
    datagram.append("=").append(value).append("\n");
    return;
  }
  datagram.append("\n");
  for (unsigned shift = 0; shift < 64; shift += 8) {
    datagram.push_back(static_cast<char>((value.size() >> shift) & 0xff));
  }
  datagram.append(value).append("\n");
}

void add(std::string& datagram, std::string_view name, std::uint64_t value) {
  add(datagram, name, std::to_string(value));
}

void add(std::string& datagram, const Actor& actor) {
  add(datagram, "SBX_PROGRAM", escape(actor.program));
  add(datagram, "SBX_EXE", escape(actor.executable));
  add(datagram, "SBX_THREAD", escape(actor.thread_name));
  add(datagram, "SBX_PID", actor.pid_outside > 0 ? std::to_string(actor.pid_outside) : "");
}

struct Fields {
  std::string& datagram;

  void operator()(const Started&) const {}
  void operator()(const Denied& denied) const {
    add(datagram, "SBX_LAYER", word(denied.layer));
    add(datagram, "SBX_SYSCALL", printable(denied.call));
    add(datagram, "SBX_SYSCALL_NUMBER", std::to_string(denied.number));
    add(datagram, "SBX_ARGUMENTS", printable(denied.arguments_text));
    add(datagram, "SBX_OBJECT", escape(denied.object));
    add(datagram, denied.actor);
    add(datagram, "SBX_LOCATION", to_text(denied.place));
    add(datagram, "SBX_RULE", printable(denied.rule));
    add(datagram, "SBX_ORIGIN", escape(to_text(denied.origin)));
    add(datagram, "SBX_ANSWER", printable(denied.answer));
    add(datagram, "SBX_REMEDY", printable(policy_line(denied.remedy)));
    add(datagram, "SBX_COUNT", denied.count);
  }
  void operator()(const NetworkNote& note) const {
    add(datagram, "SBX_ORIGIN", escape(to_text(note.origin)));
  }
  void operator()(const LimitHit& limit) const {
    add(datagram, "SBX_ORIGIN", escape(to_text(limit.origin)));
  }
  void operator()(const Crashed& crashed) const {
    const char* name = ::sigabbrev_np(crashed.signal);
    add(datagram, "SBX_SIGNAL", name == nullptr ? std::to_string(crashed.signal) : std::string(name));
    add(datagram, crashed.actor);
    add(datagram, "SBX_DENIED_CALL", printable(crashed.denied_call));
  }
  void operator()(const Restarted& restarted) const { add(datagram, "SBX_RESTARTS", restarted.count); }
  void operator()(const Ended&) const {}
};

}  // namespace

bool is_notable(const Event& event) {
  return !std::holds_alternative<Started>(event.what) && !std::holds_alternative<Ended>(event.what);
}

int severity(const Event& event) {
  return std::holds_alternative<Crashed>(event.what) ? kError : kWarning;
}

std::string message(const Event& event) {
  constexpr std::string_view kPrefix = "sbx: ";
  std::string text = to_text(event);
  if (text.starts_with(kPrefix)) {
    text.erase(0, kPrefix.size());
  }
  std::string line;
  for (const std::string& part : split(text, '\n')) {
    const std::size_t begin = part.find_first_not_of(' ');
    if (begin != std::string::npos) {
      line.append(line.empty() ? "" : "; ").append(part, begin);
    }
  }
  return line;
}

std::string journal_datagram(const Event& event) {
  std::string datagram;
  add(datagram, "MESSAGE", message(event));
  add(datagram, "MESSAGE_ID", message_id(event));
  add(datagram, "PRIORITY", std::to_string(severity(event)));
  add(datagram, "SYSLOG_IDENTIFIER", "sbx");
  add(datagram, "SBX_EVENT", kind_of(event));
  add(datagram, "SBX_RUN", event.run);
  add(datagram, "SBX_POLICY", escape(event.policy));
  std::visit(Fields{datagram}, event.what);
  return datagram;
}

std::string syslog_datagram(const Event& event, const std::string& time, int pid) {
  return fmt::format("<{}>{} sbx[{}]: {}", kUser * 8 + severity(event), time, pid, message(event));
}

}  // namespace sbx::events
