// SPDX-License-Identifier: Apache-2.0
#include "host/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "sys/unique_fd.h"

namespace sbx::host {
namespace {

Error cannot_read(const std::string& path, int errno_value) {
  return Error{.action = "cannot read " + path, .errno_value = errno_value};
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  // O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever.
  sys::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file) {
    return cannot_read(path, errno);
  }
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) {
    return cannot_read(path, errno);
  }
  if (S_ISDIR(info.st_mode)) {
    return cannot_read(path, EISDIR);
  }
  if (S_ISFIFO(info.st_mode)) {
    if (::fcntl(file.get(), F_SETFL, 0) != 0) {
      return cannot_read(path, errno);
    }
  } else if (!S_ISREG(info.st_mode)) {
    return Error{.action = "cannot read " + path + ": it is neither a regular file nor a pipe"};
  }
  std::string contents;
  // procfs says 0 for every size; a regular file that has a size ends where a read falls short.
  const bool has_size = S_ISREG(info.st_mode) && info.st_size > 0;
  std::size_t wanted = has_size ? static_cast<std::size_t>(info.st_size) + 1 : 4096;
  for (;;) {
    wanted = std::min(wanted, max_bytes + 1 - contents.size());
    const std::size_t filled = contents.size();
    contents.resize(filled + wanted);
    const ssize_t got = ::read(file.get(), contents.data() + filled, wanted);
    const int errno_value = errno;
    contents.resize(filled + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && errno_value == EINTR) {
      continue;
    }
    if (got < 0) {
      return cannot_read(path, errno_value);
    }
    if (contents.size() > max_bytes) {
      return cannot_read(path, EFBIG);
    }
    if (got == 0 || (has_size && static_cast<std::size_t>(got) < wanted)) {
      return contents;
    }
    wanted = std::max<std::size_t>(4096, contents.size());
  }
}

std::vector<std::string> list_directory(const std::string& path, std::string_view suffix) {
  std::vector<std::string> names;
  DIR* directory = ::opendir(path.c_str());
  if (directory == nullptr) {
    return names;
  }
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && name.ends_with(suffix)) {
      names.emplace_back(name);
    }
  }
  ::closedir(directory);
  std::sort(names.begin(), names.end());
  return names;
}

std::string read_line(const std::string& path) {
  const auto contents = read_file(path, 65536);
  return contents ? contents->substr(0, contents->find('\n')) : std::string();
}

}  // namespace sbx::host
