// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"

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
