// SPDX-License-Identifier: Apache-2.0
#include "supervise/call_names.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstring>
#include <span>

#include <fmt/format.h>

#include "base/path.h"
#include "supervise/address_text.h"
#include "supervise/destination.h"
#include "supervise/process_facts.h"
#include "sys/process.h"
#include "sys/process_memory.h"
#include "sys/unique_fd.h"

namespace sbx::supervise {

std::optional<std::string> copy_path(pid_t thread, std::uint64_t pointer) {
  std::array<std::byte, PATH_MAX> bytes;
  const std::int64_t copied = sys::copy_memory(thread, pointer, bytes);
  if (copied <= 0) {
    return std::nullopt;
  }
  const void* const end = std::memchr(bytes.data(), 0, static_cast<std::size_t>(copied));
  if (end == nullptr) {
    return std::nullopt;
  }
  return std::string(static_cast<const char*>(static_cast<const void*>(bytes.data())),
                     static_cast<const char*>(end));
}

std::optional<std::string> absolute_path(pid_t thread, int directory, const std::string& path) {
  if (path::is_absolute(path)) {
    return path::normalise(path);
  }
  std::array<char, PATH_MAX> target{};
  const std::string link = directory == AT_FDCWD ? fmt::format("/proc/{}/cwd", thread)
                                                 : fmt::format("/proc/{}/fd/{}", thread, directory);
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
  const std::string_view base(target.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  if (!path::is_absolute(base) || base.ends_with(" (deleted)")) {
    return std::nullopt;
  }
  return path::normalise(path, base);
}

std::optional<std::string> named_address(const seccomp_notif& call, bool is_bind) {
  const auto thread = static_cast<pid_t>(call.pid);
  sys::SocketAddress address;
  if (copy_address(thread, call.data.args[1], call.data.args[2], address) != 0) {
    return std::nullopt;
  }
  if (address.family() == AF_UNIX) {
    const std::string path = unix_path(address);
    if (const std::string name = unix_abstract(address); path.empty() && !name.empty()) {
      return "unix:@" + name;
    }
    const auto place = path.empty() ? std::nullopt : absolute_path(thread, AT_FDCWD, path);
    return place ? std::optional("unix:" + *place) : std::nullopt;
  }
  const sys::UniqueFd process(open_process_of(thread));
  if (!process) {
    return std::nullopt;
  }
  const sys::UniqueFd socket(sys::take_descriptor(
      process.get(), static_cast<int>(static_cast<std::uint32_t>(call.data.args[0]))));
  if (!socket) {
    return std::nullopt;
  }
  const auto place = is_bind ? bound_place(socket.get(), address)
                             : reached_destination(socket.get(), address);
  return place ? std::optional(plan::to_text(*place)) : std::nullopt;
}

}  // namespace sbx::supervise
