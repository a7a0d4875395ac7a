// SPDX-License-Identifier: Apache-2.0
#include "host/kernel_version.h"

#include <charconv>
#include <system_error>

namespace sbx::host {

KernelVersion parse_kernel_version(std::string_view release) {
  KernelVersion version;
  const char* end = release.data() + release.size();
  const auto first = std::from_chars(release.data(), end, version.major);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '.') {
    return {};
  }
  const auto second = std::from_chars(first.ptr + 1, end, version.minor);
  return second.ec == std::errc() ? version : KernelVersion{};
}

}  // namespace sbx::host
