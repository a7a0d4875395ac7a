// SPDX-License-Identifier: Apache-2.0
// The calling conventions that a record of the kernel may name, with the names of all their calls
// up to Linux 6.18. A filter is made for one of them (syscall_table.h); a crash or a denial that
// the kernel writes down may be of any: an i386 program on x86-64, an arm one on aarch64, another
// machine's log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sbx::seccomp {

enum class Abi : std::uint8_t { X86_64, I386, X32, Aarch64, Arm };

std::string_view abi_name(Abi abi);  // "x86-64", "i386", "x32", "aarch64", "arm"
std::optional<Abi> find_abi(std::string_view name);

struct AbiCall {
  Abi abi = Abi::X86_64;
  int number = 0;         // of the convention: without the bit that marks x32
  std::string_view name;  // empty if the convention has no call of that number
};

// From AUDIT_ARCH_* and the number as seccomp_data and audit records carry them (x32 is x86-64's
// architecture with bit 30 in the number). Nothing for an architecture that sbx does not know.
std::optional<AbiCall> abi_call(std::uint32_t audit_arch, std::int64_t number);

// "getpid", "i386 getpid", "x32 call 600", "call 39 of architecture 0xf3": 64-bit conventions are
// the ordinary ones and go unnamed.
std::string call_text(std::uint32_t audit_arch, std::int64_t number);

}  // namespace sbx::seccomp
