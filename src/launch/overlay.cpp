// SPDX-License-Identifier: Apache-2.0
// overlayfs in an own user namespace: kernel documentation, filesystems/overlayfs.rst; Linux 5.11.
#include "launch/overlay.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "sys/mount_api.h"
#include "sys/unique_fd.h"

namespace sbx::launch {
namespace {

using sys::UniqueFd;

// A path for a descriptor. By it a directory can be named whatever its name contains (a colon would
// part two layers), and cannot be exchanged before it is mounted.
struct FdPath {
  explicit FdPath(int fd) {
    constexpr char kPrefix[] = "/proc/self/fd/";
    std::memcpy(text.data(), kPrefix, sizeof kPrefix - 1);
    std::to_chars(text.data() + sizeof kPrefix - 1, text.data() + text.size() - 1, fd);
  }
  std::array<char, 32> text{};
};

int open_directory(int directory, const char* name) {
  const int fd = ::openat(directory, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

}  // namespace

int mount_overlay(const plan::OverlayMount& op, const TmpfsOptions& options, int root) {
  constexpr std::uint64_t kAttributes = sys::kNoSuid | sys::kNoDev | sys::kNoExec;
  const UniqueFd lower(open_source(op.source, op.source_device, op.source_inode));
  struct stat found {};
  if (!lower || ::fstat(lower.get(), &found) != 0) {
    return lower ? -errno : lower.get();
  }
  const sys::FilesystemOption scratch[] = {
      {"mode", "0700"},
      {options.size.empty() ? nullptr : "size", options.size.c_str()},
      {nullptr, nullptr},
  };
  // Attached, since overlayfs takes no directory of a detached tree; covered by the overlay itself.
  const UniqueFd changes(sys::mount_new("tmpfs", scratch, kAttributes));
  if (!changes) {
    return changes.get();
  }
  if (const int answer = attach_at(root, op.destination, changes.get()); answer < 0) {
    return answer;
  }
  // The directory that is seen takes mode and owner from the upper layer.
  constexpr mode_t kModeBits = 01777;
  if (::mkdirat(changes.get(), "upper", found.st_mode & kModeBits) != 0 ||
      ::mkdirat(changes.get(), "work", 0700) != 0) {
    return -errno;
  }
  const UniqueFd upper(open_directory(changes.get(), "upper"));
  const UniqueFd work(open_directory(changes.get(), "work"));
  if (!upper || !work) {
    return upper ? work.get() : upper.get();
  }
  const FdPath lower_path(lower.get()), upper_path(upper.get()), work_path(work.get());
  const sys::FilesystemOption layers[] = {
      {"lowerdir", lower_path.text.data()}, {"upperdir", upper_path.text.data()},
      {"workdir", work_path.text.data()},   {"userxattr", nullptr},
      {nullptr, nullptr},
  };
  const UniqueFd overlay(sys::mount_new("overlay", layers, kAttributes));
  return overlay ? attach_at(root, op.destination, overlay.get()) : overlay.get();
}

}  // namespace sbx::launch
