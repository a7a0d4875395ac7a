// SPDX-License-Identifier: Apache-2.0
// Who called the function that made a denied call. A program calls the C library, and the library
// the kernel: the place of the call alone names the library.
//
// The thread waits in the kernel, and stopping it by ptrace(2) would take a right that a supervisor
// should not have. procfs gives its stack pointer (proc(5), syscall). The stack is searched for
// return addresses: words that point behind a call instruction, and where that names what it calls,
// behind a call of the function that comes before. It is a guess, a good one for honest programs; a
// hostile one can forge its stack, and lies about itself alone. x86-64 only: elsewhere the first
// return address is in a register.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "events/event.h"
#include "supervise/code_location.h"

namespace sbx::supervise {

// Innermost first, at most kMostCallers; empty where nothing is found. `place` is the call's own.
inline constexpr std::size_t kMostCallers = 12;
std::vector<events::CodePlace> find_callers(pid_t thread, const events::CodePlace& place);

// From the text of /proc/PID/syscall.
std::optional<std::uint64_t> parse_stack_pointer(std::string_view text);

// The call instruction that ends where these bytes do, of code at `end`.
struct CallInstruction {
  std::uint64_t target = 0;  // 0: by a register or through memory
};
std::optional<CallInstruction> call_before(std::span<const std::uint8_t> bytes, std::uint64_t end);

}  // namespace sbx::supervise
