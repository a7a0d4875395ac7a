// SPDX-License-Identifier: Apache-2.0
// What happened in a run, typed: its start, each denial, crash and limit, its end. Made by
// supervise/ and cli/, shown as text and JSON here, read back from the log. Texts of a sandboxee in it
// (names, paths, arguments) are raw bytes: to_text and to_json escape. docs/events.schema.json is
// the JSON's contract.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/origin.h"
#include "seccomp/filter_spec.h"
#include "seccomp/remedy.h"

namespace sbx::events {

// Of the JSON. New members may come without a new version; what is there keeps name and meaning.
inline constexpr int kEventVersion = 1;

struct Started {
  std::string version;  // of sbx
  int supervisor = 0;   // its pid
  std::vector<std::string> argv;
  std::string policy_file;  // its path; empty where it is not known
};

// A place in a program. Everything may be unknown.
struct CodePlace {
  std::string module;        // "probe", "[vdso]"; "" with an offset: anonymous memory
  std::uint64_t offset = 0;  // as objdump and addr2line have it
  std::string function;
  std::string source;        // "probe.c", as the debug information names it
  int line = 0;              // 0: unknown

  friend bool operator==(const CodePlace&, const CodePlace&) = default;
};

// Which thread. Of a process that init reaped, only the pid inside.
struct Actor {
  std::string program;      // base name of the executable
  std::string executable;   // its path, as the kernel shows it
  std::string thread_name;  // comm, chosen by the sandboxee
  int pid_inside = 0;
  int pid_outside = 0;
  int thread_outside = 0;   // of the thread; equal to pid_outside for a process's first

  friend bool operator==(const Actor&, const Actor&) = default;
};

// What refused a call.
enum class Layer : std::uint8_t {
  Filter,      // the policy's system calls
  WriteExec,   // W^X
  Network,     // the address or port
  Filesystem,  // a path that the policy does not grant, as `sbx run --explain` sees it
};

struct Denied {
  Layer layer = Layer::Filter;
  // The first denial of a run has 1. One that came again is told twice, with the same id: at once,
  // and at the end with its count.
  std::uint32_t id = 0;
  std::uint64_t count = 1;
  std::uint64_t first_us = 0;  // CLOCK_REALTIME
  std::uint64_t last_us = 0;

  int number = 0;
  std::uint32_t arch = 0;  // AUDIT_ARCH_*
  std::string call;        // "getpid"; "i386 getpid"; "call 470"
  std::array<std::uint64_t, 6> arguments{};
  std::string arguments_text;  // decoded: "AF_PACKET, SOCK_RAW, 0"
  std::string object;          // Network: "tcp 10.0.0.1:443"; Filesystem: the path; else empty
  Actor actor;
  CodePlace place;
  std::vector<CodePlace> callers;  // of that place, innermost first, where they were looked for
  seccomp::Purpose purpose = seccomp::Purpose::Default;
  std::string rule;    // "not in allow", "seccomp.deny = ptrace", "W^X"
  Origin origin;       // the line that decided
  std::string answer;  // "EPERM", "killed", "allowed (log)"
  seccomp::Remedy remedy;
};

// What is worth telling about a published port.
struct NetworkNote {
  std::string text;
  Origin origin;
};

struct LimitHit {
  std::string text;
  Origin origin;
  // Denied calls that are told in number only, since there were too many kinds.
  std::uint64_t unlisted_denials = 0;
};

// The end of a process by a signal that says "defect", or by the kernel for want of memory.
struct Crashed {
  int signal = 0;
  bool core_dumped = false;
  bool out_of_memory = false;
  bool is_command = true;  // false: another process of the sandbox
  Actor actor;
  // The last call that was denied to the same process shortly before, best the same thread; 0: none.
  std::uint32_t denial = 0;
  std::string denied_call;          // "mprotect(0x7f…, 4096, PROT_READ|PROT_EXEC)"
  std::uint64_t denied_before_us = 0;  // so long before
  bool same_thread = false;
};

enum class Ending : std::uint8_t { Exited, Killed, Violation, TimedOut };

struct Ended {
  Ending ending = Ending::Exited;
  int status = 0;  // exit status, or the signal
  std::uint64_t duration_us = 0;
  std::uint64_t denied = 0;  // denied calls, all counted
};

// The command has crashed and is started again after a pause (sbx run --restart).
struct Restarted {
  std::uint64_t count = 0;     // crashes in a row
  std::uint64_t delay_us = 0;  // the pause
  bool is_storm = false;       // so many crashes in a row that somebody should look
};

using What = std::variant<Started, Denied, NetworkNote, LimitHit, Crashed, Ended, Restarted>;

struct Event {
  std::uint64_t time_us = 0;  // CLOCK_REALTIME
  std::string run;            // run_id
  std::string policy;         // its name
  What what;
};

// "20261124-091408.123456-4711": when and by which supervisor (a pid). Names order as times do.
std::string run_id(std::uint64_t time_us, int supervisor);
// "2026-11-24T09:14:08.123456Z"
std::string time_text(std::uint64_t time_us);

// "denied", "started": the JSON's "event".
std::string_view kind_of(const Event& event);
std::string_view word(Layer layer);    // "filter"
std::string_view word(Ending ending);  // "exited"

// Lines starting with "sbx: ", each ended by a newline (DESIGN §6 shows the form).
std::string to_text(const Event& event);
// "probe+0x1139 main (probe.c:12)"; empty for an unknown place.
std::string to_text(const CodePlace& place);
// "getpid() [39]", safe for a terminal.
std::string call_text(const Denied& denied);
// "probe (pid 7, thread worker)", safe for a terminal.
std::string to_text(const Actor& actor);

// One JSON object on one line, without newline.
std::string to_json(const Event& event);
// Of such a line; nothing if it is none, lacks what its kind needs, or is of a newer version.
std::optional<Event> from_json(std::string_view line);

}  // namespace sbx::events
