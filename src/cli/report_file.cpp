// SPDX-License-Identifier: Apache-2.0
#include "cli/report_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

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

// Where the new report waits to take FILE's place.
struct Waiting {
  sys::UniqueFd directory;
  sys::UniqueFd file;
  std::string name;       // FILE's in that directory
  std::string temporary;  // the new report's; empty: it has none yet
};

Result<Waiting> open_beside(const std::string& path) {
  Waiting waiting;
  waiting.name = path::basename(path);
  const std::string parent = path.find('/') == std::string::npos ? "." : path::parent(path);
  waiting.directory.reset(::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!waiting.directory) {
    return cannot("open", path, errno);
  }
  // O_TMPFILE: nothing is left behind even if sbx is killed. Not every file system has it.
  waiting.file.reset(
      ::openat(waiting.directory.get(), ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, kMode));
  if (!waiting.file && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT)) {
    waiting.temporary = "." + waiting.name + "." + std::to_string(::getpid());
    waiting.file.reset(::openat(waiting.directory.get(), waiting.temporary.c_str(),
                                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kMode));
  }
  if (!waiting.file) {
    return cannot("open", path, errno);
  }
  return waiting;
}

// 0 or the errno.
int put_in_place(Waiting& waiting) {
  const int directory = waiting.directory.get();
  if (waiting.temporary.empty()) {
    // linkat(2) replaces nothing, so the file gets a name of its own first.
    const std::string link = "/proc/self/fd/" + std::to_string(waiting.file.get());
    const std::string name = "." + waiting.name + "." + std::to_string(::getpid());
    if (::linkat(AT_FDCWD, link.c_str(), directory, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      return errno;
    }
    waiting.temporary = name;
  }
  if (::renameat(directory, waiting.temporary.c_str(), directory, waiting.name.c_str()) != 0) {
    return errno;
  }
  waiting.temporary.clear();
  return 0;
}

// What the errand does: nothing is left behind if sbx has failed or was killed.
int put_in_place_or_remove(Waiting& waiting, bool asked) {
  const int errno_value = asked ? put_in_place(waiting) : 0;
  if (!waiting.temporary.empty()) {
    ::unlinkat(waiting.directory.get(), waiting.temporary.c_str(), 0);
  }
  return errno_value;
}

}  // namespace

Result<ReportFile> ReportFile::open(const std::string& path, bool leaves_root) {
  ReportFile report;
  report.path_ = path;
  struct stat info {};
  const bool exists = ::stat(path.c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode)) {
    return cannot("open", path, EISDIR);
  }
  if (leaves_root || (exists && !S_ISREG(info.st_mode))) {
    const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY;
    report.file_.reset(::open(path.c_str(), flags, kMode));
    if (!report.file_) {
      return cannot("open", path, errno);
    }
    return report;
  }
  auto waiting = open_beside(path);
  if (!waiting) {
    return std::move(waiting).error();
  }
  auto errand =
      supervise::Errand::start({waiting->directory.get(), waiting->file.get()},
                               [&](bool asked) { return put_in_place_or_remove(*waiting, asked); });
  if (!errand) {
    return cannot("open", path, errand.error().errno_value);
  }
  report.errand_ = *std::move(errand);
  report.file_ = std::move(waiting->file);
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
  if (const int errno_value = errand_ ? errand_.ask() : 0; errno_value != 0) {
    return cannot("replace", path_, errno_value);
  }
  file_.reset();
  return {};
}

}  // namespace sbx::cli
