// SPDX-License-Identifier: Apache-2.0
#include "sys/capabilities.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

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

}  // namespace

int drop_all_capabilities() {
  // Securebits and the bounding set need CAP_SETPCAP: first, while it is there.
  if (::prctl(PR_SET_SECUREBITS, kLockedBits, 0, 0, 0) != 0) {
    return -errno;
  }
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
    return -errno;
  }
  for (unsigned long capability = 0; capability <= kMaxCapability; ++capability) {
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
      if (errno == EINVAL && capability > 0) {
        break;  // beyond the kernel's last capability
      }
      return -errno;
    }
  }
  CapabilitySets none;
  return ::syscall(SYS_capset, &none.header, &none.data) != 0 ? -errno : 0;
}

int verify_no_capabilities() {
  CapabilitySets sets;
  if (::syscall(SYS_capget, &sets.header, &sets.data) != 0) {
    return -errno;
  }
  for (const __user_cap_data_struct& half : sets.data) {
    if ((half.effective | half.permitted | half.inheritable) != 0) {
      return -EPERM;
    }
  }
  for (unsigned long capability = 0; capability <= kMaxCapability; ++capability) {
    const int bounding = ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
    if (bounding < 0 && errno == EINVAL && capability > 0) {
      break;  // beyond the kernel's last capability
    }
    // The ambient set is a subset of permitted and inheritable (capabilities(7)), both empty.
    if (bounding != 0) {
      return -EPERM;
    }
  }
  const int bits = ::prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
  return bits >= 0 && static_cast<unsigned long>(bits) == kLockedBits ? 0 : -EPERM;
}

}  // namespace sbx::sys
