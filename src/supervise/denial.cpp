// SPDX-License-Identifier: Apache-2.0
#include "supervise/denial.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

#include "base/text.h"
#include "seccomp/abi.h"
#include "seccomp/constants.h"
#include "seccomp/evaluate.h"
#include "seccomp/remedy.h"
#include "seccomp/syscall_table.h"
#include "supervise/address_text.h"
#include "supervise/call_stack.h"
#include "supervise/code_location.h"
#include "sys/process_memory.h"

namespace sbx::supervise {
namespace {

constexpr std::size_t kMostShown = 128;  // bytes of a string argument

// Arguments that are NUL-terminated strings, by the names that the prototypes give them.
bool is_string(std::string_view call, std::string_view argument) {
  constexpr std::string_view kStrings[] = {"path",     "oldpath",   "newpath",  "new_root",
                                           "put_old",  "target",    "linkpath", "source",
                                           "fromname", "from_path", "to_path",  "specialfile",
                                           "fstype",   "fs_name",   "description"};
  return std::find(std::begin(kStrings), std::end(kStrings), argument) != std::end(kStrings) ||
         (argument == "name" && call != "uname");  // uname fills it in
}

std::string string_argument(pid_t thread, std::uint64_t pointer) {
  std::array<char, kMostShown + 1> bytes{};
  const std::int64_t copied =
      sys::copy_memory(thread, pointer, std::as_writable_bytes(std::span(bytes)));
  if (copied <= 0) {
    return fmt::format("{:#x}", pointer);
  }
  const std::string_view text(bytes.data(), static_cast<std::size_t>(copied));
  const std::size_t end = text.find('\0');
  if (end != std::string_view::npos) {
    return quote(text.substr(0, end));
  }
  return quote(text.substr(0, kMostShown)) + "…";
}

// Where a call has a socket address, and where its length: -1 for a call that has none.
int address_argument(std::string_view name) {
  return name == "bind" || name == "connect" ? 1 : name == "sendto" ? 4 : -1;
}

std::string address_argument_text(pid_t thread, std::uint64_t pointer, std::uint64_t length) {
  sys::SocketAddress address;
  return pointer == 0 || copy_address(thread, pointer, length, address) != 0
             ? fmt::format("{:#x}", pointer)
             : address_text(address);
}

events::Layer layer_of(seccomp::Purpose purpose) {
  switch (purpose) {
    case seccomp::Purpose::WriteExec:
      return events::Layer::WriteExec;
    case seccomp::Purpose::Publish:
    case seccomp::Purpose::Network:
    case seccomp::Purpose::Address:
    case seccomp::Purpose::Families:
      return events::Layer::Network;
    case seccomp::Purpose::Policy:
    case seccomp::Purpose::Default:
    case seccomp::Purpose::Namespaces:
    case seccomp::Purpose::PretendUid:
    case seccomp::Purpose::Unknown:
    case seccomp::Purpose::Launch:
      return events::Layer::Filter;
  }
  return events::Layer::Filter;
}

}  // namespace

std::string arguments_text(const seccomp::FilterSpec& spec, const seccomp_data& call,
                           pid_t thread) {
  if (seccomp::is_foreign(spec.arch, call)) {
    return {};
  }
  const std::string_view name = seccomp::name_of(spec.arch, call.nr);
  const auto arguments = seccomp::arguments_of(name);
  const int address = thread > 0 ? address_argument(name) : -1;
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < arguments.size() && i < 6; ++i) {
    if (static_cast<int>(i) == address) {
      texts.push_back(address_argument_text(thread, call.args[i], call.args[i + 1]));
    } else if (thread > 0 && arguments[i].is_pointer && call.args[i] != 0 &&
               is_string(name, arguments[i].name)) {
      texts.push_back(string_argument(thread, call.args[i]));
    } else {
      texts.push_back(seccomp::decode_argument(arguments[i], call.args[i]));
    }
  }
  return join(texts, ", ");
}

events::Actor actor_of(pid_t thread, const ProcessFacts& process) {
  return {process.program,    process.executable,
          process.thread_name, process.pid_inside,
          process.process, thread};
}

events::Denied describe(const seccomp::FilterSpec& spec, const seccomp::Rule& rule,
                        const seccomp_notif& notification, const ProcessFacts& process) {
  const seccomp_data& call = notification.data;
  const auto thread = static_cast<pid_t>(notification.pid);
  events::Denied denied;
  denied.layer = layer_of(rule.purpose);
  denied.number = call.nr;
  denied.arch = call.arch;
  denied.call = seccomp::call_text(call.arch, call.nr);
  std::copy(std::begin(call.args), std::end(call.args), denied.arguments.begin());
  denied.arguments_text = arguments_text(spec, call, thread);
  denied.actor = actor_of(thread, process);
  denied.place = code_place(thread, call.instruction_pointer);
  denied.callers = find_callers(thread, denied.place);
  denied.purpose = rule.purpose;
  denied.rule = rule.text;
  denied.origin = rule.origin;
  denied.remedy = seccomp::remedy_for(spec, call, rule);
  return denied;
}

}  // namespace sbx::supervise
