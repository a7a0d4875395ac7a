// SPDX-License-Identifier: Apache-2.0
#include "seccomp/constants.h"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

namespace sbx::seccomp {
namespace {

// fcntl.h differs here: arm's ABI swapped these four before arm64 took it over.
#if defined(__aarch64__)
constexpr long long kODirectory = 040000, kONofollow = 0100000, kODirect = 0200000,
                    kOLargefile = 0400000;
#else
constexpr long long kODirectory = 0200000, kONofollow = 0400000, kODirect = 040000,
                    kOLargefile = 0100000;
#endif

// Characters, not pointers, as in syscall_table.cpp: nothing to relocate at start.
struct Constant {
  char name_text[52] = {};
  char family_text[16] = {};
  std::uint8_t name_length = 0;
  std::uint8_t family_length = 0;
  std::uint64_t value = 0;

  constexpr Constant(std::string_view name, std::string_view family, long long number)
      : name_length(static_cast<std::uint8_t>(name.size())),
        family_length(static_cast<std::uint8_t>(family.size())),
        value(static_cast<std::uint64_t>(number)) {
    for (std::size_t i = 0; i < name.size(); ++i) {
      name_text[i] = name[i];
    }
    for (std::size_t i = 0; i < family.size(); ++i) {
      family_text[i] = family[i];
    }
  }

  constexpr std::string_view name() const { return {name_text, name_length}; }
  constexpr std::string_view family() const { return {family_text, family_length}; }
};

constexpr Constant kConstants[] = {
#include "seccomp/constants.inc"
};

constexpr bool names_ascend() {
  for (std::size_t i = 1; i < std::size(kConstants); ++i) {
    if (!(kConstants[i - 1].name() < kConstants[i].name())) {
      return false;
    }
  }
  return true;
}
static_assert(names_ascend(), "constants.inc is searched by halves");

// Families whose members are flags. `field` are the bits that hold one of several values instead:
// the type in socket's second argument, the access mode in open's flags.
struct FlagFamily {
  std::string_view name;
  std::uint64_t field;
  std::string_view field_family;
};

constexpr FlagFamily kFlagFamilies[] = {
    {"SOCK", 0xf, "SOCK"},
    {"O", 3, "O"},
    {"MAP", 0xf, "MAP"},
    {"CLONE", 0xff, "SIG"},
    {"UNSHARE", 0, "CLONE"},
    {"FUTEX", 0x7f, "FUTEX"},
    {"PROT", 0, ""},
    {"MSG", 0, ""},
    {"MREMAP", 0, ""},
    {"MFD", 0, ""},
    {"MLOCKALL", 0, ""},
    {"MSYNC", 0, ""},
    {"AT", 0, ""},
    {"RENAME", 0, ""},
    {"XATTR", 0, ""},
    {"ACCESS", 0, ""},
    {"STATX", 0, ""},
    {"FLOCK", 0, ""},
    {"SHMAT", 0, ""},
    {"EPOLL", 0, ""},
    {"EFD", 0, ""},
    {"TFD", 0, ""},
    {"TFDSET", 0, ""},
    {"SFD", 0, ""},
    {"IN", 0, ""},
    {"INMASK", 0, ""},
    {"GRND", 0, ""},
    {"RWF", 0, ""},
    {"SPLICE", 0, ""},
    {"SYNCRANGE", 0, ""},
    {"FALLOC", 0, ""},
    {"WAIT", 0, ""},
    {"TIMER", 0, ""},
    {"MOUNT", 0, ""},
    {"UMOUNT", 0, ""},
    {"MOVEMOUNT", 0, ""},
    {"OPENTREE", 0, ""},
    {"FSOPEN", 0, ""},
    {"FSMOUNT", 0, ""},
    {"FSPICK", 0, ""},
    {"MOUNTATTR", 0, ""},
    {"CLOSERANGE", 0, ""},
    {"PIDFD", 0, ""},
    {"MODULE", 0, ""},
    {"KEXECFILE", 0, ""},
    {"PERF", 0, ""},
    {"SECCOMPFLAG", 0, ""},
    {"LANDLOCK", 0, ""},
    {"IORINGENTER", 0, ""},
    {"FANMARK", 0, ""},
    {"MEMPOLICY", 0, ""},
    {"MLOCK", 0, ""},
    {"PKEY", 0, ""},
    {"SHSTK", 0, ""},
    {"PERSONALITY", 0xff, "PERSONALITY"},
    {"SCHED", 0xff, "SCHED"},
    {"FUTEX2", 0, ""},
    {"UFFD", 0, ""},
    {"FAN", 0, ""},
    {"IPCGET", 0777, ""},
    {"UNLINKAT", 0, ""},
};

const FlagFamily* find_flag_family(std::string_view name) {
  const auto* found = std::find_if(std::begin(kFlagFamilies), std::end(kFlagFamilies),
                                   [&](const FlagFamily& family) { return family.name == name; });
  return found == std::end(kFlagFamilies) ? nullptr : found;
}

std::string_view name_of_value(std::string_view family, std::uint64_t value) {
  for (const Constant& constant : kConstants) {
    if (constant.family() == family && constant.value == value) {
      return constant.name();
    }
  }
  return {};
}

void append_part(std::string& text, std::string_view part) {
  if (!text.empty()) {
    text += '|';
  }
  text += part;
}

// Names for the bits of `rest`, names of more bits first (O_SYNC before O_DSYNC); what has no name
// follows in hexadecimal.
void append_flags(std::string& text, std::string_view family, std::uint64_t rest) {
  while (rest != 0) {
    const Constant* best = nullptr;
    for (const Constant& constant : kConstants) {
      if (constant.family() == family && constant.value != 0 && (constant.value & ~rest) == 0 &&
          (best == nullptr || std::popcount(constant.value) > std::popcount(best->value))) {
        best = &constant;
      }
    }
    if (best == nullptr) {
      append_part(text, fmt::format("{:#x}", rest));
      return;
    }
    append_part(text, best->name());
    rest &= ~best->value;
  }
}

std::string decode_flags(const FlagFamily& family, std::uint64_t value) {
  std::string text;
  const std::uint64_t field = value & family.field;
  const std::uint64_t flags = value & ~family.field;
  // A zero in the field is worth a word where it has a name (O_RDONLY); else the flags say it all.
  const std::string_view word =
      family.field_family.empty() ? "" : name_of_value(family.field_family, field);
  if (family.field != 0 && !word.empty()) {
    text = word;
  } else if (field != 0) {
    text = family.name == "IPCGET" ? fmt::format("{:#o}", field) : fmt::format("{:#x}", field);
  }
  append_flags(text, family.name == "UNSHARE" ? "CLONE" : family.name, flags);
  if (text.empty()) {
    const auto name = name_of_value(family.name, 0);
    return name.empty() ? "0" : std::string(name);
  }
  return text;
}

std::string decode_number(const ArgumentInfo& info, std::uint64_t value) {
  if (!info.is_signed) {
    // Large numbers without a sign are addresses or masks more often than counts.
    return value > 0xffffff ? fmt::format("{:#x}", value) : fmt::format("{}", value);
  }
  return info.width == 32 ? fmt::format("{}", static_cast<std::int32_t>(value))
                          : fmt::format("{}", static_cast<std::int64_t>(value));
}

}  // namespace

std::optional<std::uint64_t> constant_value(std::string_view name) {
  const auto* found = std::lower_bound(
      std::begin(kConstants), std::end(kConstants), name,
      [](const Constant& constant, std::string_view key) { return constant.name() < key; });
  if (found == std::end(kConstants) || found->name() != name) {
    return std::nullopt;
  }
  return found->value;
}

std::vector<std::string_view> constants_of(std::string_view family) {
  const std::string_view stored = family == "UNSHARE" ? "CLONE" : family;
  std::vector<std::string_view> names;
  for (const Constant& constant : kConstants) {
    if (family.empty() || constant.family() == stored) {
      names.push_back(constant.name());
    }
  }
  return names;
}

std::string decode_argument(const ArgumentInfo& info, std::uint64_t value) {
  const std::uint64_t read = value & info.mask & (info.width == 32 ? 0xffff'ffffu : ~0ull);
  if (info.is_pointer) {
    return read == 0 ? "NULL" : fmt::format("{:#x}", read);
  }
  if (info.constants.empty()) {
    return decode_number(info, read);
  }
  if (info.constants == "S") {
    return fmt::format("{:#o}", read);
  }
  if (info.constants == "PERSONALITY" && read == 0xffff'ffff) {
    return "0xffffffff";  // the query, not a set of flags
  }
  if (const FlagFamily* flags = find_flag_family(info.constants); flags != nullptr) {
    return decode_flags(*flags, read);
  }
  // Negative constants are stored sign-extended; an int has only the lower half of them.
  std::uint64_t stored = read;
  if (info.is_signed && info.width == 32) {
    stored = static_cast<std::uint64_t>(std::int64_t{static_cast<std::int32_t>(read)});
  }
  if (const auto name = name_of_value(info.constants, stored); !name.empty()) {
    return std::string(name);
  }
  // What is no constant of an enumeration is printed as ioctl requests are written.
  return info.is_signed ? decode_number(info, read) : fmt::format("{:#x}", read);
}

std::string decode_mask(const ArgumentInfo& info, std::uint64_t mask) {
  const FlagFamily* family = find_flag_family(info.constants);
  if (mask == 0 || info.constants == "S") {
    return fmt::format("{:#o}", mask);
  }
  const std::uint64_t field = family == nullptr ? mask : mask & family->field;
  std::string text = field == 0 ? "" : fmt::format("{:#x}", field);
  if (family != nullptr) {
    append_flags(text, family->name == "UNSHARE" ? "CLONE" : family->name, mask & ~field);
  }
  return text;
}

}  // namespace sbx::seccomp
