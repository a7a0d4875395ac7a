// SPDX-License-Identifier: Apache-2.0
// process_vm_readv(2): a copy of another process's memory, made once. Whatever is decided must be
// decided on the copy, since the other side may write meanwhile.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace sbx::sys {

// How many bytes could be read (at the end of a mapping fewer than asked for), or a negative errno:
// -EPERM where ptrace(2) access is refused, -EFAULT for an address that is not mapped. Pages that
// another party answers for (userfaultfd, FUSE) can make this wait; both need calls that no shipped
// policy allows.
std::int64_t copy_memory(pid_t process, std::uint64_t address, std::span<std::byte> into);

// process_vm_writev(2): 0 when all of it was written, or a negative errno.
int write_memory(pid_t process, std::uint64_t address, std::span<const std::byte> bytes);

}  // namespace sbx::sys
