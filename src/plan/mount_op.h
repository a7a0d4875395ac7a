// SPDX-License-Identifier: Apache-2.0
// One operation that builds the new root. resolve lists them in the order of execution; the child
// replays the list, an index into it names the failing one. Destinations are absolute inside the
// new root and normalised.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "base/origin.h"

namespace sbx::plan {

struct MakeDirectory {
  std::string destination;
  std::uint32_t mode = 0755;

  friend bool operator==(const MakeDirectory&, const MakeDirectory&) = default;
};

// An empty file to mount upon, or a small file with given contents.
struct MakeFile {
  std::string destination;
  std::string contents;

  friend bool operator==(const MakeFile&, const MakeFile&) = default;
};

struct MakeSymlink {
  std::string destination;
  std::string target;

  friend bool operator==(const MakeSymlink&, const MakeSymlink&) = default;
};

struct Bind {
  std::string source;       // canonical: opened with RESOLVE_NO_SYMLINKS
  std::string destination;
  bool read_only = true;
  bool no_exec = false;     // true for every writable bind: W^X (DESIGN §5)
  bool device = false;      // a device node, or a directory of them: no nodev
  std::uint64_t source_device = 0;  // what resolve saw; the child compares (fstat)
  std::uint64_t source_inode = 0;
  bool libraries_only = false;      // mappable executable, but Landlock refuses execve

  friend bool operator==(const Bind&, const Bind&) = default;
};

// Always nosuid, nodev, noexec.
struct Tmpfs {
  std::string destination;
  std::uint32_t mode = 0755;
  std::uint64_t size_bytes = 0;  // 0: the kernel's default, half of memory
  bool read_only = false;        // its owner inside could else change the mode, and write

  friend bool operator==(const Tmpfs&, const Tmpfs&) = default;
};

// The host's directory, with a tmpfs over it that takes all changes: overlayfs in the own user
// namespace (Linux 5.11, option userxattr). Always nosuid, nodev, noexec.
struct OverlayMount {
  std::string source;        // canonical
  std::string destination;
  std::uint64_t size_bytes = 0;  // of the changes; 0: the kernel's default, half of memory
  std::uint64_t source_device = 0;
  std::uint64_t source_inode = 0;

  friend bool operator==(const OverlayMount&, const OverlayMount&) = default;
};

// A fresh procfs of the own pid namespace; read-only under W^X, so that /proc/self/mem cannot be
// opened for writing. The launch itself needs all of it; what is not to be shown goes at its end.
struct Proc {
  enum class Show : std::uint8_t { All, Pids, Nothing };
  std::string destination = "/proc";
  bool read_only = true;
  Show show = Show::All;  // Pids: mount option subset=pid (Linux 5.8)

  friend bool operator==(const Proc&, const Proc&) = default;
};

// A fresh devpts: terminals of its own, none of the host's.
struct Devpts {
  std::string destination = "/dev/pts";

  friend bool operator==(const Devpts&, const Devpts&) = default;
};

// What stands at a place inside, a symbolic link too, mounted upon itself. The kernel lets nobody
// inside rename, remove or replace a mount point (EBUSY, rename(2), rmdir(2)).
struct Pin {
  std::string destination;
  bool read_only = false;

  friend bool operator==(const Pin&, const Pin&) = default;
};

// A directory that is missing below a writable bind, made there, and so on the host, mode 0700: so
// that it can be mounted upon, and nothing inside can be the first to make it.
struct MakeOnHost {
  std::string destination;
  std::string on_host;  // for texts

  friend bool operator==(const MakeOnHost&, const MakeOnHost&) = default;
};

struct MountOp {
  std::variant<MakeDirectory, MakeFile, MakeSymlink, Bind, Tmpfs, OverlayMount, Proc, Devpts, Pin, MakeOnHost> what;
  Origin origin{};

  friend bool operator==(const MountOp&, const MountOp&) = default;
};

}  // namespace sbx::plan
