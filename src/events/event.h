// SPDX-License-Identifier: Apache-2.0
// What happened, typed: one denial, one crash, one phase change. Made by supervise/, shown as text
// and JSON here. Texts of a sandboxee in it (names, paths) are raw bytes: to_text and to_json
// escape.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/origin.h"
#include "seccomp/filter_spec.h"

namespace sbx::events {

// A call that the filter sent to the supervisor.
struct DeniedCall {
  int number = 0;
  std::uint32_t arch = 0;  // AUDIT_ARCH_*
  std::string name;        // "getpid"; "i386 call 20"; "call 470"
  std::array<std::uint64_t, 6> arguments{};
  std::string arguments_text;  // decoded: "AF_PACKET, SOCK_RAW, 0"
  std::string program;         // the executable's base name
  std::string thread_name;     // comm, chosen by the sandboxee
  int pid_inside = 0;
  int pid_outside = 0;
  std::string location;  // "probe+0x1139 main"; empty if unknown
  seccomp::Purpose purpose = seccomp::Purpose::Default;
  std::string rule;     // "not in allow", "seccomp.deny = ptrace", "W^X"
  Origin origin;        // the line that decided
  std::string answer;   // "EPERM", "killed", "allowed (log)"
  std::string remedy;   // the command line option and the TOML line; may be empty
  std::string warning;  // why the remedy may be unwise; may be empty
  // Not 0: equal denials are reported once, and this is the closing report of how many more came.
  std::uint64_t repeated = 0;
};

// A bind or connect that concerns a published port.
struct NetworkNote {
  std::string text;
  Origin origin;
};

struct Event {
  enum class Kind : std::uint8_t { Denied, Network, Started, Ended, Crashed, Limit };
  Kind kind = Kind::Denied;
  std::uint64_t time_us = 0;  // CLOCK_REALTIME
  DeniedCall denied;          // for Denied
  NetworkNote note;           // for Network, Limit
  int wait_status = 0;        // for Ended, Crashed: as waitpid(2)
};

// Lines starting with "sbx: ", each ended by a newline (DESIGN §6 shows the form).
std::string to_text(const Event& event);
// One JSON object on one line, without newline.
std::string to_json(const Event& event);

}  // namespace sbx::events
