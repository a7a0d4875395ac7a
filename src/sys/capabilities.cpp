// SPDX-License-Identifier: Apache-2.0
#include "sys/capabilities.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <iterator>

namespace sbx::sys {
namespace {

constexpr int kMaxCapability = 63;  // the width of the sets; newer kernels may know more than our headers

constexpr unsigned long kLockedBits =
    SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED |
    SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

struct CapabilitySets {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3]{};
};

constexpr std::uint64_t bit(unsigned long capability) { return std::uint64_t{1} << capability; }

int set(std::uint64_t permitted, std::uint64_t inheritable) {
  CapabilitySets sets;
  for (unsigned half = 0; half < _LINUX_CAPABILITY_U32S_3; ++half) {
    const auto part = [half](std::uint64_t mask) { return static_cast<std::uint32_t>(mask >> (32 * half)); };
    sets.data[half] = {part(permitted), part(permitted), part(inheritable)};
  }
  return ::syscall(SYS_capset, &sets.header, &sets.data) != 0 ? -errno : 0;
}

int drop_from_bounding_set(std::uint64_t kept) {
  for (unsigned long capability = 0; capability <= kMaxCapability; ++capability) {
    if ((kept & bit(capability)) == 0 && ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
      if (errno == EINVAL && capability > 0) {
        break;  // beyond the kernel's last capability
      }
      return -errno;
    }
  }
  return 0;
}

// What is ambient survives an exec of a program without file capabilities, also under no_new_privs.
int raise_ambient(std::uint64_t kept) {
  if (const int answer = set(kept | bit(CAP_SETPCAP), kept); answer < 0) {
    return answer;
  }
  for (unsigned long capability = 0; capability <= kMaxCapability; ++capability) {
    if ((kept & bit(capability)) != 0 &&
        ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0) {
      return -errno;
    }
  }
  return 0;
}

// Permitted, effective and inheritable.
int verify_sets(std::uint64_t kept) {
  CapabilitySets sets;
  if (::syscall(SYS_capget, &sets.header, &sets.data) != 0) {
    return -errno;
  }
  for (unsigned half = 0; half < _LINUX_CAPABILITY_U32S_3; ++half) {
    const auto wanted = static_cast<std::uint32_t>(kept >> (32 * half));
    const __user_cap_data_struct& held = sets.data[half];
    if (held.effective != wanted || held.permitted != wanted || held.inheritable != wanted) {
      return -EPERM;
    }
  }
  return 0;
}

}  // namespace

int keep_capabilities(std::uint64_t kept) {
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
    return -errno;
  }
  // The bounding set and the securebits need CAP_SETPCAP: while it is there.
  if (const int answer = drop_from_bounding_set(kept); answer < 0) {
    return answer;
  }
  if (kept != 0) {
    if (const int answer = raise_ambient(kept); answer < 0) {
      return answer;
    }
  }
  if (::prctl(PR_SET_SECUREBITS, kLockedBits, 0, 0, 0) != 0) {
    return -errno;
  }
  return set(kept, kept);
}

int limit_capabilities(std::uint64_t kept) {
  CapabilitySets sets;
  if (::syscall(SYS_capget, &sets.header, &sets.data) != 0) {
    return -errno;
  }
  bool holds_more = false;
  for (std::size_t half = 0; half < std::size(sets.data); ++half) {
    const auto bits = static_cast<std::uint32_t>(kept >> (32 * half));
    holds_more = holds_more || (sets.data[half].permitted & ~bits) != 0 || sets.data[half].inheritable != 0;
    sets.data[half].permitted &= bits;
    sets.data[half].effective &= bits;
    sets.data[half].inheritable = 0;
  }
  if (!holds_more) {
    return 0;  // an outer sandbox may deny the call
  }
  return ::syscall(SYS_capset, &sets.header, &sets.data) != 0 ? -errno : 0;
}

int drop_own_capabilities() {
  const int answer = limit_capabilities(0);
  return answer < 0 ? answer : verify_sets(0);
}

int verify_capabilities(std::uint64_t kept) {
  if (const int answer = verify_sets(kept); answer < 0) {
    return answer;
  }
  for (unsigned long capability = 0; capability <= kMaxCapability; ++capability) {
    const int bounding = ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
    if (bounding < 0 && errno == EINVAL && capability > 0) {
      break;  // beyond the kernel's last capability
    }
    const int wanted = (kept & bit(capability)) != 0 ? 1 : 0;
    if (bounding != wanted) {
      return -EPERM;
    }
    // The ambient set is a subset of permitted and inheritable (capabilities(7)): empty where they are.
    if (wanted == 1 && ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, capability, 0, 0) != 1) {
      return -EPERM;
    }
  }
  const int bits = ::prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
  return bits >= 0 && static_cast<unsigned long>(bits) == kLockedBits ? 0 : -EPERM;
}

}  // namespace sbx::sys
