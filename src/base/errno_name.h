// SPDX-License-Identifier: Apache-2.0
// errno values by name (errno(3)), in both directions: policies say errno(EACCES), events say it back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sbx {

// "ENOENT", or "errno 512" for a number without a name.
std::string errno_name(int value);

// The number for "ENOENT"; nothing for an unknown name.
std::optional<int> errno_from_name(std::string_view name);

}  // namespace sbx
