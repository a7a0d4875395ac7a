// SPDX-License-Identifier: Apache-2.0
#include "sys/open_in_root.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <string>
#include <vector>

#include "sys/unique_fd.h"

namespace sbx::sys {
namespace {

constexpr int kMostLinks = 40;  // MAXSYMLINKS: then ELOOP, as the kernel would
constexpr std::size_t kMostDirectories =
    256;  // descriptors of ours for one path of the sandboxee's

std::string take_component(std::string& rest) {
  const std::size_t start = rest.find_first_not_of('/');
  const std::size_t end = start == std::string::npos ? start : rest.find('/', start);
  std::string name = start == std::string::npos ? std::string() : rest.substr(start, end - start);
  rest = end == std::string::npos ? std::string() : rest.substr(end);
  return name;
}

// The text of a symbolic link that `link` (O_PATH | O_NOFOLLOW) names.
int read_link_text(int link, std::string& text) {
  std::array<char, PATH_MAX> target{};
  const ssize_t length = ::readlinkat(link, "", target.data(), target.size());
  if (length < 0) {
    return -errno;
  }
  text.assign(target.data(), static_cast<std::size_t>(length));
  return text.empty() ? -ENOENT : 0;
}

}  // namespace

int open_path_in_root(int root, const char* path) {
  constexpr int kFlags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  std::string rest = path;
  if (rest.empty()) {
    return -ENOENT;
  }
  std::vector<UniqueFd>
      way;  // the directories from below the root to where we are; empty: the root
  const auto here = [&] { return way.empty() ? root : way.back().get(); };
  for (int links = 0; !rest.empty();) {
    const std::string name = take_component(rest);
    if (name.empty() || name == ".") {
      continue;
    }
    if (name == "..") {  // by our own steps back: the kernel's ".." of a moved directory leads out
      if (!way.empty()) {
        way.pop_back();
      }
      continue;
    }
    UniqueFd next(::openat(here(), name.c_str(), kFlags));
    struct stat found {};
    if (!next || ::fstat(next.get(), &found) != 0) {
      return -errno;
    }
    if (S_ISLNK(found.st_mode)) {
      std::string target;
      if (const int answer = ++links > kMostLinks ? -ELOOP : read_link_text(next.get(), target);
          answer < 0) {
        return answer;
      }
      if (target.front() == '/') {
        way.clear();
      }
      rest.insert(0, target);
      continue;
    }
    if (!rest.empty() && !S_ISDIR(found.st_mode)) {
      return -ENOTDIR;
    }
    if (way.size() >= kMostDirectories) {
      return -ENAMETOOLONG;
    }
    way.push_back(std::move(next));
  }
  const int fd = way.empty() ? ::openat(root, ".", kFlags) : way.back().release();
  return fd < 0 ? -errno : fd;
}

int open_path(const char* path) {
  const int fd = ::open(path, O_PATH | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

int open_regular(int path_fd) {
  struct stat status {};
  if (::fstat(path_fd, &status) != 0) {
    return -errno;
  }
  if (!S_ISREG(status.st_mode)) {
    return -EINVAL;
  }
  // The descriptor's own link: what was examined is what is opened.
  const std::string link = "/proc/self/fd/" + std::to_string(path_fd);
  const int fd = ::open(link.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  return fd < 0 ? -errno : fd;
}

}  // namespace sbx::sys
