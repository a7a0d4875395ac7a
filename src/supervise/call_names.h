// SPDX-License-Identifier: Apache-2.0
// What a call that waits for the supervisor names: a path, an address. Copied once and bounded, from
// memory that may change under the copy: to be recorded and shown, never to be decided on. The caller
// asks the listener afterwards whether the call still waits (process_facts.h says why).
#pragma once

#include <linux/seccomp.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace sbx::supervise {

// A NUL-terminated string of at most PATH_MAX bytes.
std::optional<std::string> copy_path(pid_t thread, std::uint64_t pointer);

// The path, absolute and normalised, symbolic links as they are: below `directory` (a descriptor, or
// AT_FDCWD) where it is relative. "" stands for the directory itself. Nothing for what leads nowhere
// by name, as a deleted directory or a pipe.
std::optional<std::string> absolute_path(pid_t thread, int directory, const std::string& path);

// Where a bind or connect leads: "1.2.3.4:443", "udp:[::1]:53", "unix:/run/x", "unix:@name". Nothing
// for addresses of other families.
std::optional<std::string> named_address(const seccomp_notif& call, bool is_bind);

}  // namespace sbx::supervise
