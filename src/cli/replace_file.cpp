// SPDX-License-Identifier: Apache-2.0
#include "cli/replace_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/path.h"
#include "cli/output.h"
#include "sys/unique_fd.h"

namespace sbx::cli {

Status replace_file(const std::string& path, const std::string& text) {
  const auto cannot = [&path](int errno_value) {
    return Error{.action = "cannot write " + path, .errno_value = errno_value};
  };
  SBX_TRY(make_place_for(path));
  const std::string directory = path::parent(path);
  const std::string temporary =
      path::join(directory, "." + std::string(path::basename(path)) + "." + std::to_string(::getpid()));
  sys::UniqueFd file(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) {
    return cannot(errno);
  }
  if (!write_all(file.get(), text) || ::fsync(file.get()) != 0 ||
      ::rename(temporary.c_str(), path.c_str()) != 0) {
    const int errno_value = errno;
    ::unlink(temporary.c_str());
    return cannot(errno_value);
  }
  return {};
}

}  // namespace sbx::cli
