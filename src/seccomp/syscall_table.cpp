// SPDX-License-Identifier: Apache-2.0
#include "seccomp/syscall_table.h"

#include <linux/audit.h>

#include <algorithm>
#include <array>

namespace sbx::seccomp {
namespace {

// Characters, not pointers: pointers would be relocated at every start of a position-independent
// sbx, and this table is on the path of every launch.
struct Syscall {
  char text[29] = {};
  std::uint8_t length = 0;
  std::int16_t x86_64 = -1;
  std::int16_t aarch64 = -1;

  constexpr Syscall(std::string_view name, int x86_64_number, int aarch64_number)
      : length(static_cast<std::uint8_t>(name.size())),
        x86_64(static_cast<std::int16_t>(x86_64_number)),
        aarch64(static_cast<std::int16_t>(aarch64_number)) {
    for (std::size_t i = 0; i < name.size(); ++i) {
      text[i] = name[i];
    }
  }

  constexpr std::string_view name() const { return {text, length}; }
  constexpr int number(Arch arch) const { return arch == Arch::X86_64 ? x86_64 : aarch64; }
};

constexpr Syscall kSyscalls[] = {
#include "seccomp/syscall_numbers.inc"
};

constexpr bool names_ascend() {
  for (std::size_t i = 1; i < std::size(kSyscalls); ++i) {
    if (!(kSyscalls[i - 1].name() < kSyscalls[i].name())) {
      return false;
    }
  }
  return true;
}
static_assert(names_ascend(), "all_names() gives sorted names, each once");

constexpr int kHighest = 469;

// Position in kSyscalls of each number; -1 where the architecture has none.
template <Arch arch>
constexpr auto index_by_number() {
  std::array<std::int16_t, kHighest + 1> index{};
  index.fill(-1);
  for (std::size_t i = 0; i < std::size(kSyscalls); ++i) {
    if (const int number = kSyscalls[i].number(arch); number >= 0) {
      index[static_cast<std::size_t>(number)] = static_cast<std::int16_t>(i);
    }
  }
  return index;
}

constexpr auto kIndexX86 = index_by_number<Arch::X86_64>();
constexpr auto kIndexArm = index_by_number<Arch::Aarch64>();
static_assert(kIndexX86.back() >= 0 && kIndexArm.back() >= 0);

// Open addressing over the names: a policy of a few groups asks for a thousand of them.
constexpr std::size_t kSlots = 2048;

constexpr std::size_t slot_of(std::string_view name) {
  std::uint32_t hash = 2166136261u;  // FNV-1a
  for (const char byte : name) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 16777619u;
  }
  return (hash ^ (hash >> 15)) % kSlots;
}

constexpr auto index_by_name() {
  static_assert(std::size(kSyscalls) < kSlots / 2);
  std::array<std::int16_t, kSlots> slots{};
  slots.fill(-1);
  for (std::size_t i = 0; i < std::size(kSyscalls); ++i) {
    std::size_t slot = slot_of(kSyscalls[i].name());
    while (slots[slot] >= 0) {
      slot = (slot + 1) % kSlots;
    }
    slots[slot] = static_cast<std::int16_t>(i);
  }
  return slots;
}

constexpr auto kNameIndex = index_by_name();

const Syscall* find_syscall(std::string_view name) {
  for (std::size_t slot = slot_of(name); kNameIndex[slot] >= 0; slot = (slot + 1) % kSlots) {
    const Syscall& call = kSyscalls[kNameIndex[slot]];
    if (call.name() == name) {
      return &call;
    }
  }
  return nullptr;
}

}  // namespace

std::uint32_t audit_arch(Arch arch) {
  return arch == Arch::X86_64 ? AUDIT_ARCH_X86_64 : AUDIT_ARCH_AARCH64;
}

Arch native_arch() {
#if defined(__x86_64__)
  return Arch::X86_64;
#elif defined(__aarch64__)
  return Arch::Aarch64;
#else
#error "sbx knows the system calls of x86_64 and aarch64 only"
#endif
}

int highest_number(Arch) {
  return kHighest;
}

std::optional<int> number_of(Arch arch, std::string_view name) {
  const Syscall* call = find_syscall(name);
  if (call == nullptr || call->number(arch) < 0) {
    return std::nullopt;
  }
  return call->number(arch);
}

std::string_view name_of(Arch arch, int number) {
  if (number < 0 || number > kHighest) {
    return {};
  }
  const auto& index = arch == Arch::X86_64 ? kIndexX86 : kIndexArm;
  const int position = index[static_cast<std::size_t>(number)];
  return position < 0 ? std::string_view{} : kSyscalls[position].name();
}

bool is_syscall_name(std::string_view name) {
  return find_syscall(name) != nullptr;
}

std::vector<std::string_view> all_names() {
  std::vector<std::string_view> names;
  for (const Syscall& call : kSyscalls) {
    names.push_back(call.name());
  }
  return names;
}

std::vector<std::string_view> all_names(Arch arch) {
  std::vector<std::string_view> names;
  names.reserve(std::size(kSyscalls));
  for (const Syscall& call : kSyscalls) {
    if (call.number(arch) >= 0) {
      names.push_back(call.name());
    }
  }
  return names;
}

}  // namespace sbx::seccomp
