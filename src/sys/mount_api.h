// SPDX-License-Identifier: Apache-2.0
// The mount calls by file descriptor (Linux 5.2 and 5.12): open_tree(2), move_mount(2),
// mount_setattr(2), fsopen(2), fsmount(2), pivot_root(2). An object that is named by a descriptor
// cannot be exchanged between the check and the mount, as a path can.
//
// Used between clone and exec: no allocation, no errno of glibc's needed. Every function returns 0
// or a descriptor, or a negative errno.
#pragma once

#include <linux/mount.h>

#include <cstdint>

namespace sbx::sys {

inline constexpr std::uint64_t kReadOnly = MOUNT_ATTR_RDONLY;
inline constexpr std::uint64_t kNoSuid = MOUNT_ATTR_NOSUID;
inline constexpr std::uint64_t kNoDev = MOUNT_ATTR_NODEV;
inline constexpr std::uint64_t kNoExec = MOUNT_ATTR_NOEXEC;

// A new mount of a file system type, detached from any tree. `options` are pairs of key and value,
// ended by a null key; a null value stands for a flag.
struct FilesystemOption {
  const char* key;
  const char* value;
};
int mount_new(const char* type, const FilesystemOption* options, std::uint64_t attributes);

// A detached recursive copy of the mount that `fd` (O_PATH) stands in, rooted there.
int clone_tree(int fd);

// Sets attributes on the mount of `fd`, its root; recursive: on everything below it too.
int set_attributes(int fd, std::uint64_t attributes, bool recursive);

// Attaches the detached mount `fd` upon what `place` (O_PATH) is; upon this process's root.
int attach(int fd, int place);
int attach_at_root(int fd);

// Takes away the uppermost mount at `path`, which may be in use (MNT_DETACH).
int detach(const char* path);

// Makes every mount of this namespace private: no event goes out, none comes in.
int make_all_private();

// Makes `root` (a mount point) the root, and detaches the old root for good.
int pivot_into(int root);

// O_PATH, no symbolic link followed in any component (openat2(2), RESOLVE_NO_SYMLINKS).
int open_path_no_symlinks(const char* path);

// The same for a relative path that must not lead out of `directory` (RESOLVE_BENEATH).
int open_beneath_no_symlinks(int directory, const char* path);

// The same; what stands at the end may be a symbolic link, and is opened itself (O_NOFOLLOW).
int open_beneath_no_follow(int directory, const char* path);

// The same as open_beneath_no_symlinks, O_RDONLY instead of O_PATH.
int open_beneath_for_reading(int directory, const char* path);

}  // namespace sbx::sys
