// SPDX-License-Identifier: Apache-2.0
#include "cli/report_file.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "base/path.h"
#include "cli/output.h"
#include "sys/pidfd.h"
#include "sys/process.h"

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

// The publisher: waits for one byte, then acts; without it (sbx has failed, or was killed) it
// leaves nothing behind. It answers with an errno.
[[noreturn]] void publish(Waiting waiting, int socket) {
  // Ctrl-C reaches the whole foreground group, and must not cost the report of the command it
  // ended.
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_BLOCK, &all, nullptr);
  // Not one descriptor of sbx's: who reads its output waits for the last holder to be gone.
  std::array kept{waiting.directory.get(), waiting.file.get(), socket};
  std::sort(kept.begin(), kept.end());
  unsigned next = 0;
  for (const int descriptor : kept) {
    const auto number = static_cast<unsigned>(descriptor);
    if (number > next) {
      ::close_range(next, number - 1, 0);
    }
    next = number + 1;
  }
  ::close_range(next, ~0u, 0);
  char go = 0;
  if (::read(socket, &go, 1) == 1) {
    const int errno_value = put_in_place(waiting);
    [[maybe_unused]] const ssize_t told = ::write(socket, &errno_value, sizeof errno_value);
  }
  if (!waiting.temporary.empty()) {
    ::unlinkat(waiting.directory.get(), waiting.temporary.c_str(), 0);
  }
  ::_exit(0);
}

}  // namespace

ReportFile::~ReportFile() {
  if (publisher_) {
    channel_.reset();
    sys::Ended ignored;
    sys::reap(publisher_.get(), true, ignored);
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
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return cannot("open", path, errno);
  }
  report.channel_.reset(ends[0]);
  const sys::UniqueFd other_end(ends[1]);
  int pidfd = -1;
  const int publisher = sys::clone_namespaces(0, &pidfd);
  if (publisher == 0) {
    publish(*std::move(waiting), ends[1]);
  }
  if (publisher < 0) {
    return cannot("open", path, -publisher);
  }
  report.publisher_.reset(pidfd);
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
  if (!publisher_) {
    return {};
  }
  constexpr char kGo = 1;
  int errno_value = 0;
  if (::write(channel_.get(), &kGo, 1) != 1 ||
      ::read(channel_.get(), &errno_value, sizeof errno_value) !=
          static_cast<ssize_t>(sizeof errno_value)) {
    return cannot("replace", path_, EPIPE);  // somebody has killed the publisher
  }
  if (errno_value != 0) {
    return cannot("replace", path_, errno_value);
  }
  file_.reset();
  return {};
}

}  // namespace sbx::cli
