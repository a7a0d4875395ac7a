// SPDX-License-Identifier: Apache-2.0
#include "launch/handed_on.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>

#include "base/path.h"
#include "plan/view.h"
#include "sys/mount_api.h"

namespace sbx::launch {
namespace {

constexpr std::string_view kHint =
    "hand on a pipe, or one file to read and another to write; or allow it: memory.wx = \"allow\"";

struct Handed {
  int descriptor = -1;
  int flags = 0;
  struct stat file {};

  bool reads() const { return (flags & O_ACCMODE) != O_WRONLY; }
  bool writes() const { return (flags & O_ACCMODE) != O_RDONLY; }
  bool is_same_file(const Handed& other) const {
    return file.st_dev == other.file.st_dev && file.st_ino == other.file.st_ino;
  }
};

// 1 for a regular file that could be mapped executable, 0 for all else, or a negative errno.
int look_at(int descriptor, Handed* handed) {
  struct statfs mount {};
  handed->descriptor = descriptor;
  handed->flags = ::fcntl(descriptor, F_GETFL);
  if (handed->flags < 0 || ::fstat(descriptor, &handed->file) != 0) {
    return -errno;
  }
  if (!S_ISREG(handed->file.st_mode)) {
    return 0;
  }
  if (::fstatfs(descriptor, &mount) != 0) {
    return -errno;
  }
  return (static_cast<std::uint64_t>(mount.f_flags) & ST_NOEXEC) == 0 ? 1 : 0;
}

std::string link_of(int descriptor) { return fmt::format("/proc/self/fd/{}", descriptor); }

// The new description has a position of its own; one that 1 and 2 share stays shared.
Status narrow(Handed& handed, const std::vector<Handed>& narrowed) {
  const int fd = handed.descriptor;
  const off_t position = ::lseek(fd, 0, SEEK_CUR);
  for (const Handed& other : narrowed) {
    if (other.descriptor != 0 && fd != 0 && other.is_same_file(handed) &&
        ::lseek(other.descriptor, 0, SEEK_CUR) == position) {
      handed.flags = other.flags;
      return ::dup2(other.descriptor, fd) == fd ? Status() : Error{"cannot copy a descriptor", errno, {}, ""};
    }
  }
  const int mode = (fd == 0 ? O_RDONLY : O_WRONLY) | (handed.flags & O_APPEND);
  const sys::UniqueFd again(::open(link_of(fd).c_str(), mode | O_CLOEXEC));
  if (!again || ::lseek(again.get(), position, SEEK_SET) != position || ::dup2(again.get(), fd) != fd) {
    return Error{fmt::format("cannot open the file of descriptor {} again, without {}", fd,
                             fd == 0 ? "writing" : "reading"),
                 errno, {}, std::string(kHint)};
  }
  handed.flags = mode;
  return {};
}

// By which name inside a file of the host can be written; empty if by none.
std::string writable_name(const plan::LaunchPlan& plan, const std::string& on_host) {
  for (const plan::MountOp& op : plan.mounts) {
    const auto* bind = std::get_if<plan::Bind>(&op.what);
    if (bind == nullptr || bind->read_only || !path::is_below(on_host, bind->source)) {
      continue;
    }
    const std::string inside = bind->destination + on_host.substr(bind->source.size());
    const plan::Seen seen = plan::look(plan.mounts, inside);
    if (seen.host_path == on_host && !seen.read_only) {
      return inside;
    }
  }
  return "";
}

std::string name_on_host(int descriptor) {
  std::array<char, PATH_MAX> name{};
  const ssize_t length = ::readlink(link_of(descriptor).c_str(), name.data(), name.size());
  return length <= 0 ? std::string() : std::string(name.data(), static_cast<std::size_t>(length));
}

}  // namespace

bool is_written_file(int descriptor) {
  Handed handed;
  const int answer = look_at(descriptor, &handed);
  return answer < 0 || (answer > 0 && handed.writes());  // in doubt it is one
}

Status narrow_handed_on(const plan::LaunchPlan& plan, PreparedLaunch& prepared) {
  std::vector<Handed> files;
  if (!plan.landlock.no_reading_back) {
    return {};
  }
  const int failed = for_each_handed_on(plan, [&files](int descriptor) {
    Handed handed;
    const int answer = look_at(descriptor, &handed);
    if (answer > 0) {
      files.push_back(handed);
    }
    return answer < 0 ? answer : 0;
  });
  if (failed < 0) {
    return Error{"cannot look at the descriptors that are handed on", -failed, {}, ""};
  }
  std::vector<Handed> narrowed;
  for (Handed& handed : files) {
    if (!handed.reads() || !handed.writes()) {
      continue;
    }
    if (handed.descriptor > 2) {
      return Error{fmt::format("descriptor {} is a file open for reading and writing: what is written "
                               "could be mapped executable", handed.descriptor),
                   0, {}, std::string(kHint)};
    }
    SBX_TRY(narrow(handed, narrowed));
    narrowed.push_back(handed);
  }
  for (const Handed& read : files) {
    for (const Handed& written : files) {
      if (read.reads() && written.writes() && read.is_same_file(written)) {
        return Error{fmt::format("descriptors {} and {} are one file: what is written could be mapped "
                                 "executable", read.descriptor, written.descriptor),
                     0, {}, std::string(kHint)};
      }
    }
    const std::string inside = read.reads() ? writable_name(plan, name_on_host(read.descriptor)) : "";
    if (!inside.empty()) {
      prepared.reopen.push_back({read.descriptor, inside});
    }
  }
  return {};
}

int reopen_inside(const PreparedLaunch& prepared, int root, std::size_t* failed) {
  for (std::size_t i = 0; i < prepared.reopen.size(); ++i) {
    const Reopen& entry = prepared.reopen[i];
    *failed = i;
    const sys::UniqueFd file(sys::open_beneath_for_reading(root, entry.inside.c_str() + 1));
    struct stat here {}, handed {};
    if (!file) {
      return file.get();
    }
    if (::fstat(file.get(), &here) != 0 || ::fstat(entry.descriptor, &handed) != 0) {
      return -errno;
    }
    if (here.st_dev != handed.st_dev || here.st_ino != handed.st_ino) {
      return -ESTALE;
    }
    const off_t position = ::lseek(entry.descriptor, 0, SEEK_CUR);
    if (::lseek(file.get(), position, SEEK_SET) != position ||
        ::dup3(file.get(), entry.descriptor, entry.descriptor > 2 ? O_CLOEXEC : 0) < 0) {
      return -errno;
    }
  }
  return 0;
}

}  // namespace sbx::launch
