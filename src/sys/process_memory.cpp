// SPDX-License-Identifier: Apache-2.0
#include "sys/process_memory.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>

namespace sbx::sys {

std::int64_t copy_memory(pid_t process, std::uint64_t address, std::span<std::byte> into) {
  constexpr std::uint64_t kPage = 4096;
  // A remote vector is read whole or not at all (process_vm_readv(2), "partial transfers"): one for
  // each page, so that a string just before an unmapped page is still read.
  std::array<iovec, 16> pages{};
  std::size_t count = 0;
  std::size_t asked = 0;
  while (asked < into.size() && count < pages.size()) {
    const std::uint64_t start = address + asked;
    const std::size_t length = std::min<std::size_t>(into.size() - asked, kPage - start % kPage);
    pages[count++] = {std::bit_cast<void*>(static_cast<std::uintptr_t>(start)), length};
    asked += length;
  }
  const iovec local{into.data(), asked};
  const ssize_t copied = ::process_vm_readv(process, &local, 1, pages.data(), count, 0);
  return copied < 0 ? -errno : copied;
}

int write_memory(pid_t process, std::uint64_t address, std::span<const std::byte> bytes) {
  const iovec local{const_cast<std::byte*>(bytes.data()), bytes.size()};
  const iovec remote{std::bit_cast<void*>(static_cast<std::uintptr_t>(address)), bytes.size()};
  const ssize_t written = ::process_vm_writev(process, &local, 1, &remote, 1, 0);
  if (written < 0) {
    return -errno;
  }
  return written == static_cast<ssize_t>(bytes.size()) ? 0 : -EFAULT;
}

}  // namespace sbx::sys
