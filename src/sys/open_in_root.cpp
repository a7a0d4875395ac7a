// SPDX-License-Identifier: Apache-2.0
#include "sys/open_in_root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace sbx::sys {

int open_path_in_root(int root, const char* path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const long fd = ::syscall(SYS_openat2, root, path, &how, sizeof how);
  return fd < 0 ? -errno : static_cast<int>(fd);
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
