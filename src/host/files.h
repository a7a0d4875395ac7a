// SPDX-License-Identifier: Apache-2.0
// Whole small files and directory listings, with plain system calls: the launch reads a dozen
// files, and neither streams nor std::filesystem pay for their start-up there.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sbx::host {

inline constexpr std::size_t kMaxFileBytes = 4u << 20;

// The contents of a regular file, or of a pipe (`--policy <(generator)`). Anything else is refused:
// a device has no end. Errors carry the errno; EFBIG for more than `max_bytes`.
Result<std::string> read_file(const std::string& path, std::size_t max_bytes = kMaxFileBytes);

// Names in a directory that end in `suffix`, sorted; empty if the directory cannot be read.
std::vector<std::string> list_directory(const std::string& path, std::string_view suffix);

// A one-line file of procfs or sysfs without its newline; empty if it cannot be read.
std::string read_line(const std::string& path);

}  // namespace sbx::host
