// SPDX-License-Identifier: Apache-2.0
#include "cli/report_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/path.h"
#include "cli/output.h"

namespace sbx::cli {
namespace {

constexpr mode_t kMode = 0600;  // arguments of denied calls may show what was secret

Error cannot(const std::string& what, const std::string& path, int errno_value) {
  return Error{.action = "cannot " + what + " the report " + path,
               .errno_value = errno_value,
               .origin = Origin{.source = "--report " + path},
               .hint = errno_value == ENOSPC ? "make room there, or name another file" : ""};
}

std::string directory_of(const std::string& path) {
  return path.find('/') == std::string::npos ? "." : path::parent(path);
}

}  // namespace

ReportFile::~ReportFile() {
  if (file_ && !temporary_.empty()) {
    ::unlinkat(directory_.get(), temporary_.c_str(), 0);
  }
}

Result<ReportFile> ReportFile::open(const std::string& path, bool leaves_root) {
  ReportFile report;
  report.path_ = path;
  struct stat info {};
  const bool exists = ::stat(path.c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode)) {
    return cannot("open", path, EISDIR);
  }
  report.in_place_ = leaves_root || (exists && !S_ISREG(info.st_mode));
  if (report.in_place_) {
    const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY;
    report.file_.reset(::open(path.c_str(), flags, kMode));
    if (!report.file_) {
      return cannot("open", path, errno);
    }
    return report;
  }
  const std::string directory = directory_of(path);
  report.directory_.reset(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!report.directory_) {
    return cannot("open", path, errno);
  }
  // O_TMPFILE: nothing is left behind even if sbx is killed. Not every file system has it.
  report.file_.reset(
      ::openat(report.directory_.get(), ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, kMode));
  if (!report.file_ && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT)) {
    report.temporary_ = "." + std::string(path::basename(path)) + "." + std::to_string(::getpid());
    report.file_.reset(::openat(report.directory_.get(), report.temporary_.c_str(),
                                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kMode));
  }
  if (!report.file_) {
    return cannot("open", path, errno);
  }
  return report;
}

void ReportFile::write_line(const std::string& json) {
  if (!file_ || errno_value_ != 0) {
    return;
  }
  if (!write_all(file_.get(), json + "\n")) {
    errno_value_ = errno;
  }
}

Status ReportFile::state() const {
  if (file_ && errno_value_ != 0) {
    return cannot("write", path_, errno_value_);
  }
  return {};
}

Status ReportFile::finish() {
  if (!file_) {
    return {};
  }
  SBX_TRY(state());
  if (in_place_) {
    return {};
  }
  if (temporary_.empty()) {
    // linkat(2) replaces nothing, so the file gets a name of its own first.
    const std::string name =
        "." + std::string(path::basename(path_)) + "." + std::to_string(::getpid());
    const std::string link = "/proc/self/fd/" + std::to_string(file_.get());
    if (::linkat(AT_FDCWD, link.c_str(), directory_.get(), name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      return cannot("write", path_, errno);
    }
    temporary_ = name;
  }
  const std::string name(path::basename(path_));
  if (::renameat(directory_.get(), temporary_.c_str(), directory_.get(), name.c_str()) != 0) {
    return cannot("replace", path_, errno);
  }
  file_.reset();
  return {};
}

}  // namespace sbx::cli
