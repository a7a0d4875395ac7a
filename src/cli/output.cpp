// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "sys/unique_fd.h"

namespace sbx::cli {

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      // Somebody else who has the same open file set O_NONBLOCK on it.
      pollfd wait{fd, POLLOUT, 0};
      (void)::poll(&wait, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

Status print(std::string_view text) {
  if (!write_all(STDOUT_FILENO, text)) {
    return Error{.action = "cannot write to standard output", .errno_value = errno};
  }
  return {};
}

Status write_file(const std::string& path, std::string_view text, mode_t mode) {
  const auto failed = [&path](int error) {
    return Error{.action = "cannot write " + path, .errno_value = error};
  };
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    const sys::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    return file && write_all(file.get(), text) ? Status() : Status(failed(errno));
  }
  std::string temporary = path + ".XXXXXX";
  const sys::UniqueFd file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!file) {
    return failed(errno);
  }
  const mode_t mask = ::umask(0);
  ::umask(mask);
  if (!write_all(file.get(), text) || ::fchmod(file.get(), mode & ~mask) != 0 || ::fsync(file.get()) != 0 ||
      ::rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary.c_str());
    return failed(error);
  }
  return {};
}

Status make_place_for(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  for (std::size_t end = directory.find('/', 1); end != std::string::npos;
       end = directory.find('/', end + 1)) {
    ::mkdir(directory.substr(0, end).c_str(), 0700);  // what fails here, access tells
  }
  struct stat info {};
  const bool is_device = ::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode);
  if (::access(is_device ? path.c_str() : directory.c_str(), W_OK) != 0) {
    return Error{.action = "cannot write " + path, .errno_value = errno};
  }
  return {};
}

bool wants_color(Color color, int fd, const char* no_color, const char* term) {
  if (color != Color::Auto) {
    return color == Color::Always;
  }
  const bool forbidden = no_color != nullptr && *no_color != '\0';
  const bool dumb = term == nullptr || *term == '\0' || std::string_view(term) == "dumb";
  return !forbidden && !dumb && ::isatty(fd) == 1;
}

std::string paint(std::string_view diagnostic) {
  std::string painted;
  for (const std::string& line : split(diagnostic, '\n')) {
    if (line.starts_with("sbx:")) {
      painted += "\x1b[1;31msbx:\x1b[0m" + line.substr(4);
    } else if (line.starts_with("hint:")) {
      painted += "\x1b[1;36mhint:\x1b[0m" + line.substr(5);
    } else {
      painted += line;
    }
    painted += '\n';
  }
  if (!painted.empty()) {
    painted.pop_back();  // split has one empty part behind the last newline
  }
  return painted;
}

}  // namespace sbx::cli
