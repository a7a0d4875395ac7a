// SPDX-License-Identifier: Apache-2.0
#include "sys/mount_api.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace sbx::sys {
namespace {

// <sys/mount.h> and <linux/mount.h> cannot be included together with glibc 2.36.
constexpr unsigned long kMntDetach = 2, kUmountNofollow = 8;
constexpr std::uint64_t kPropagationPrivate = 1ul << 18;  // MS_PRIVATE

int result_of(long value) { return value < 0 ? -errno : static_cast<int>(value); }

int configure(int context, const FilesystemOption* options) {
  for (; options->key != nullptr; ++options) {
    const unsigned command = options->value != nullptr ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;
    if (::syscall(SYS_fsconfig, context, command, options->key, options->value, 0) != 0) {
      return -errno;
    }
  }
  return result_of(::syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0));
}

}  // namespace

int mount_new(const char* type, const FilesystemOption* options, std::uint64_t attributes) {
  const int context = result_of(::syscall(SYS_fsopen, type, FSOPEN_CLOEXEC));
  if (context < 0) {
    return context;
  }
  int mount = configure(context, options);
  if (mount == 0) {
    mount = result_of(::syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes));
  }
  ::close(context);
  return mount;
}

int clone_tree(int fd) {
  return result_of(::syscall(SYS_open_tree, fd, "",
                             OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH));
}

int set_attributes(int fd, std::uint64_t attributes, bool recursive) {
  mount_attr request{};
  request.attr_set = attributes;
  const int flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  return result_of(::syscall(SYS_mount_setattr, fd, "", flags, &request, sizeof request));
}

int attach(int fd, int place) {
  return result_of(::syscall(SYS_move_mount, fd, "", place, "",
                             MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

int attach_at_root(int fd) {
  return result_of(::syscall(SYS_move_mount, fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH));
}

int detach(const char* path) {
  return result_of(::syscall(SYS_umount2, path, kMntDetach | kUmountNofollow));
}

int make_all_private() {
  mount_attr request{};
  request.propagation = kPropagationPrivate;
  return result_of(
      ::syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &request, sizeof request));
}

int pivot_into(int root) {
  if (::fchdir(root) != 0) {
    return -errno;
  }
  // pivot_root(2), "pivot_root(".", ".")": the old root is stacked upon the new one at "/", where
  // one umount takes it away. No directory of the new root is needed for it.
  if (::syscall(SYS_pivot_root, ".", ".") != 0) {
    return -errno;
  }
  if (::syscall(SYS_umount2, ".", kMntDetach) != 0) {
    return -errno;
  }
  return ::chdir("/") != 0 ? -errno : 0;
}

namespace {

int open_path(int directory, const char* path, std::uint64_t resolve, std::uint64_t flags = O_PATH) {
  open_how how{};
  how.flags = O_CLOEXEC | flags;
  how.resolve = resolve;
  return result_of(::syscall(SYS_openat2, directory, path, &how, sizeof how));
}

}  // namespace

int open_path_no_symlinks(const char* path) {
  return open_path(AT_FDCWD, path, RESOLVE_NO_SYMLINKS);
}

int open_beneath_no_symlinks(int directory, const char* path) {
  return open_path(directory, path, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

int open_beneath_no_follow(int directory, const char* path) {
  return open_path(directory, path, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS, O_PATH | O_NOFOLLOW);
}

int open_beneath_for_reading(int directory, const char* path) {
  return open_path(directory, path, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS, O_RDONLY | O_NOCTTY);
}

}  // namespace sbx::sys
