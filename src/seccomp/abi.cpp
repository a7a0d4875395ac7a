// SPDX-License-Identifier: Apache-2.0
#include "seccomp/abi.h"

#include <linux/audit.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <vector>

#include "seccomp/syscall_table.h"

namespace sbx::seccomp {
namespace {

#include "seccomp/abi_names.inc"

constexpr std::int64_t kX32Bit = 0x40000000;
constexpr int kFirstShared = 424;  // Documentation/process/adding-syscalls.rst: the same everywhere
constexpr int kFirstOfX32 = 512;
constexpr int kArmPrivate = 0x0f0000;  // arch/arm/include/uapi/asm/unistd.h: __ARM_NR_BASE
constexpr std::string_view kArmPrivateNames[] = {"",      "breakpoint", "cacheflush", "usr26",
                                                 "usr32", "set_tls",    "get_tls"};

constexpr std::string_view kAbiNames[] = {"x86-64", "i386", "x32", "aarch64", "arm"};

// The words of a table by position. Split once and on demand: a launch never asks.
std::vector<std::string_view> words_of(std::string_view table) {
  std::vector<std::string_view> words;
  while (!table.empty()) {
    const std::size_t end = std::min(table.find(' '), table.size());
    const std::string_view word = table.substr(0, end);
    words.push_back(word == "-" ? std::string_view() : word);
    table.remove_prefix(std::min(end + 1, table.size()));
  }
  return words;
}

std::string_view word_at(const std::vector<std::string_view>& words, int position) {
  const auto at = static_cast<std::size_t>(position);
  return position >= 0 && at < words.size() ? words[at] : std::string_view();
}

std::string_view i386_name(int number) {
  static const auto words = words_of(kI386);
  return number < kFirstShared ? word_at(words, number) : name_of(Arch::X86_64, number);
}

std::string_view x32_name(int number) {
  static const auto words = words_of(kX32);
  if (number >= kFirstOfX32) {
    return word_at(words, number - kFirstOfX32);
  }
  return std::binary_search(std::begin(kNotX32), std::end(kNotX32), number)
             ? std::string_view()
             : name_of(Arch::X86_64, number);
}

std::string_view arm_name(int number) {
  static const auto words = words_of(kArm);
  constexpr int kMemfdSecret = 447;  // reserved on arm, never wired up
  if (number > kArmPrivate &&
      number < kArmPrivate + static_cast<int>(std::size(kArmPrivateNames))) {
    return kArmPrivateNames[number - kArmPrivate];
  }
  if (number < kFirstShared) {
    return word_at(words, number);
  }
  return number == kMemfdSecret ? std::string_view() : name_of(Arch::Aarch64, number);
}

}  // namespace

std::string_view abi_name(Abi abi) {
  return kAbiNames[static_cast<std::size_t>(abi)];
}

std::optional<Abi> find_abi(std::string_view name) {
  const auto found = std::find(std::begin(kAbiNames), std::end(kAbiNames), name);
  if (found == std::end(kAbiNames)) {
    return std::nullopt;
  }
  return static_cast<Abi>(found - std::begin(kAbiNames));
}

std::optional<AbiCall> abi_call(std::uint32_t audit_arch, std::int64_t number) {
  // The kernel's numbers are ints: anything else is no number, of no call.
  const bool fits = number >= 0 && number <= 0x7fffffff;
  const int plain = fits ? static_cast<int>(number) : -1;
  switch (audit_arch) {
    case AUDIT_ARCH_X86_64:
      if (fits && (number & kX32Bit) != 0) {
        const int inner = static_cast<int>(number - kX32Bit);
        return AbiCall{Abi::X32, inner, x32_name(inner)};
      }
      return AbiCall{Abi::X86_64, plain, name_of(Arch::X86_64, plain)};
    case AUDIT_ARCH_I386:
      return AbiCall{Abi::I386, plain, i386_name(plain)};
    case AUDIT_ARCH_AARCH64:
      return AbiCall{Abi::Aarch64, plain, name_of(Arch::Aarch64, plain)};
    case AUDIT_ARCH_ARM:
      return AbiCall{Abi::Arm, plain, arm_name(plain)};
    default:
      return std::nullopt;
  }
}

std::string call_text(std::uint32_t audit_arch, std::int64_t number) {
  const auto call = abi_call(audit_arch, number);
  if (!call) {
    return fmt::format("call {} of architecture {:#x}", number, audit_arch);
  }
  std::string text;
  if (call->abi != Abi::X86_64 && call->abi != Abi::Aarch64) {
    text = std::string(abi_name(call->abi)) + " ";
  }
  if (!call->name.empty()) {
    return text + std::string(call->name);
  }
  return text + fmt::format("call {}", call->abi == Abi::X32 ? call->number : number);
}

}  // namespace sbx::seccomp
