// SPDX-License-Identifier: Apache-2.0
#include "supervise/watch_carry.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "base/text.h"
#include "supervise/process_facts.h"
#include "sys/event_loop.h"
#include "sys/pidfd.h"
#include "sys/process.h"
#include "sys/unique_fd.h"

namespace sbx::supervise {
namespace {

constexpr std::string_view kInstance = "anon_inode:[eventpoll]";
constexpr std::size_t kMostText = 1 << 20;     // of one instance's fdinfo
constexpr std::size_t kMostInstances = 64;
constexpr std::size_t kMostDescriptors = 1 << 16;

bool is_instance(const std::string& link) {
  std::array<char, kInstance.size() + 1> target{};
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
  return length > 0 &&
         std::string_view(target.data(), static_cast<std::size_t>(length)) == kInstance;
}

// The numbers of that process's epoll instances.
std::vector<int> instances_of(pid_t thread) {
  std::vector<int> found;
  const std::string directory = fmt::format("/proc/{}/fd", thread);
  const std::unique_ptr<DIR, int (*)(DIR*)> list(::opendir(directory.c_str()), ::closedir);
  for (std::size_t seen = 0; list && seen < kMostDescriptors && found.size() < kMostInstances;
       ++seen) {
    const dirent* entry = ::readdir(list.get());
    if (entry == nullptr) {
      break;
    }
    const auto number = parse_number(entry->d_name);
    if (number && is_instance(directory + "/" + entry->d_name)) {
      found.push_back(static_cast<int>(*number));
    }
  }
  return found;
}

// The number after "KEY:" in a line "tfd:       10 events: 8000201d data: … ino:3039 sdev:8".
std::optional<std::uint64_t> field(std::string_view line, std::string_view key, int base) {
  const std::size_t at = line.find(key);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  const std::size_t start = line.find_first_not_of(' ', at + key.size());
  std::uint64_t value = 0;
  if (start == std::string_view::npos) {
    return std::nullopt;
  }
  const auto [end, error] =
      std::from_chars(line.data() + start, line.data() + line.size(), value, base);
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

}  // namespace

std::vector<Watch> parse_watches(std::string_view fdinfo, int descriptor, ino_t inode) {
  std::vector<Watch> watches;
  for (const std::string& line : split(fdinfo, '\n')) {
    if (!line.starts_with("tfd:") || field(line, "tfd:", 10) != static_cast<unsigned>(descriptor) ||
        field(line, " ino:", 16) != inode) {
      continue;
    }
    const auto events = field(line, " events:", 16);
    const auto data = field(line, " data:", 16);
    if (events && data) {
      watches.push_back({-1, static_cast<std::uint32_t>(*events), *data});
    }
  }
  return watches;
}

std::vector<Watch> watches_on(pid_t thread, int descriptor) {
  struct stat watched {};
  if (::stat(fmt::format("/proc/{}/fd/{}", thread, descriptor).c_str(), &watched) != 0) {
    return {};
  }
  std::vector<Watch> all;
  for (const int instance : instances_of(thread)) {
    const std::string text =
        read_proc_file(fmt::format("/proc/{}/fdinfo/{}", thread, instance), kMostText);
    for (Watch watch : parse_watches(text, descriptor, watched.st_ino)) {
      watch.epoll = instance;
      all.push_back(watch);
    }
  }
  return all;
}

void carry_watches(pid_t thread, const std::vector<Watch>& watches, int socket, int descriptor) {
  if (watches.empty()) {
    return;
  }
  const sys::UniqueFd process(open_process_of(thread));
  for (const Watch& watch : watches) {
    const sys::UniqueFd instance(process ? sys::take_descriptor(process.get(), watch.epoll) : -1);
    if (instance.get() >= 0 && is_instance(fmt::format("/proc/self/fd/{}", instance.get()))) {
      sys::watch_as(instance.get(), socket, descriptor, watch.events, watch.data);
    }
  }
}

}  // namespace sbx::supervise
