// SPDX-License-Identifier: Apache-2.0
#include "sys/remove_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sbx::sys {
namespace {

constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

int remove_at(int directory, const char* name);

// Takes the descriptor.
int empty(int directory) {
  DIR* stream = ::fdopendir(directory);
  if (stream == nullptr) {
    ::close(directory);
    return -errno;
  }
  int first_error = 0;
  for (const dirent* entry = nullptr; (entry = ::readdir(stream)) != nullptr;) {
    if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0) {
      const int answer = remove_at(directory, entry->d_name);
      first_error = first_error == 0 ? answer : first_error;
    }
  }
  ::closedir(stream);
  return first_error;
}

int remove_at(int directory, const char* name) {
  if (::unlinkat(directory, name, 0) == 0 || errno == ENOENT) {
    return 0;
  }
  if (errno != EISDIR && errno != EPERM) {
    return -errno;
  }
  int inner = ::openat(directory, name, kFlags);
  if (inner < 0 && errno == EACCES && ::fchmodat(directory, name, 0700, 0) == 0) {
    inner = ::openat(directory, name, kFlags);
  }
  if (inner < 0) {
    return -errno;
  }
  ::fchmod(inner, 0700);  // made without write permission, nothing in it could be removed
  const int answer = empty(inner);
  return ::unlinkat(directory, name, AT_REMOVEDIR) == 0 ? 0 : answer < 0 ? answer : -errno;
}

}  // namespace

int remove_tree(const char* path) { return remove_at(AT_FDCWD, path); }

}  // namespace sbx::sys
