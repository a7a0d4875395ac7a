// SPDX-License-Identifier: Apache-2.0
// The real path, link and account probes. A launch asks about two dozen paths, so a path without
// symbolic links, the common case, costs three system calls.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <memory>

#include "base/path.h"
#include "host/accounts.h"
#include "host/files.h"
#include "host/probe.h"
#include "sys/unique_fd.h"

namespace sbx::host {
namespace {

using plan::PathFacts;

// What the kernel answers where nothing is, or nothing that this user may reach.
bool means_absent(int errno_value) {
  constexpr std::array kAnswers{ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG, ENXIO, ENODEV};
  return std::find(kAnswers.begin(), kAnswers.end(), errno_value) != kAnswers.end();
}

void note_failure(Status& failure, const std::string& path, int errno_value) {
  if (failure && !means_absent(errno_value)) {
    failure = Error{.action = "cannot look at " + path, .errno_value = errno_value};
  }
}

PathFacts missing(int errno_value) {
  PathFacts facts;
  facts.errno_value = errno_value;
  return facts;
}

PathFacts::Kind kind_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return PathFacts::Kind::File;
    case S_IFDIR:
      return PathFacts::Kind::Directory;
    case S_IFCHR:
    case S_IFBLK:
      return PathFacts::Kind::Device;
    case S_IFSOCK:
      return PathFacts::Kind::Socket;
    default:
      return PathFacts::Kind::Other;
  }
}

// openat2(2), Linux 5.6. No glibc wrapper before 2.42.
int open_without_links(const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS;
  return static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how));
}

// Where an O_PATH descriptor leads, as the kernel names it; empty if it has no name any more (errno 0),
// or the kernel does not say.
std::string name_of(int fd) {
  std::array<char, PATH_MAX> target{};
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  errno = 0;
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
  if (length <= 0 || target[0] != '/') {
    return {};
  }
  return std::string(target.data(), static_cast<std::size_t>(length));
}

PathFacts probe_path(const std::string& path) {
  if (path.empty() || path.find('\0') != std::string::npos) {
    return missing(ENOENT);
  }
  sys::UniqueFd file;
  std::string canonical;
  // A normalised path that leads on without symbolic links is canonical as it stands.
  if (path::normalise(path) == path) {
    file.reset(open_without_links(path));
    canonical = path;
  }
  if (!file) {
    file.reset(::open(path.c_str(), O_PATH | O_CLOEXEC));
    if (!file) {
      return missing(errno);
    }
    canonical = name_of(file.get());
    if (canonical.empty() && errno != 0) {
      return missing(errno);
    }
  }
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) {
    return missing(errno);
  }
  // The kernel writes " (deleted)" behind the name of a file that is gone: not a name to use.
  if (canonical.empty() || (info.st_nlink == 0 && !S_ISDIR(info.st_mode))) {
    return missing(ENOENT);
  }
  PathFacts facts;
  facts.kind = kind_of(info.st_mode);
  facts.canonical = std::move(canonical);
  facts.device = info.st_dev;
  facts.inode = info.st_ino;
  // Without any x bit nobody may execute it, root neither, and no ACL says otherwise (acl(5)): most
  // probed files need no further call.
  facts.executable = facts.kind == PathFacts::Kind::File && (info.st_mode & 0111) != 0 &&
                     ::faccessat(AT_FDCWD, facts.canonical.c_str(), X_OK, AT_EACCESS) == 0;
  return facts;
}

std::optional<plan::LinkFacts> probe_link(const std::string& path, int& errno_value) {
  std::array<char, PATH_MAX> target{};
  const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
  struct stat info {};
  if (length <= 0 || ::lstat(path.c_str(), &info) != 0) {
    errno_value = errno;
    return std::nullopt;
  }
  const std::string parent = path::parent(path);
  const bool is_fixed = info.st_uid == ::geteuid() && info.st_uid != 0 &&
                        ::access(parent.c_str(), W_OK) != 0 && errno == EROFS;
  return plan::LinkFacts{std::string(target.data(), static_cast<std::size_t>(length)), info.st_uid, is_fixed};
}

// Read when the first name is asked for: most launches ask for none.
std::string account_file(const char* path) {
  auto contents = read_file(path);
  return contents ? *std::move(contents) : std::string();
}

// machine-id(5): 128 bits. getrandom(2) answers so few at once and whole, once the kernel's generator
// is seeded, for which it waits.
std::string random_machine_id() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return "";
  }
  std::string text;
  for (const unsigned char byte : bytes) {
    constexpr char kHex[] = "0123456789abcdef";
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

}  // namespace

plan::Probes probes(Status& failure) {
  plan::Probes all;
  all.path = [&failure](const std::string& path) {
    PathFacts facts = probe_path(path);
    if (facts.kind == PathFacts::Kind::Missing) {
      note_failure(failure, path, facts.errno_value);
    }
    return facts;
  };
  all.link = [&failure](const std::string& path) {
    int errno_value = ENOENT;
    auto target = probe_link(path, errno_value);
    if (!target && errno_value != EINVAL) {  // readlink(2): not a link
      note_failure(failure, path, errno_value);
    }
    return target;
  };
  all.program = [&failure](const std::string& path) {
    int errno_value = 0;
    plan::ProgramFacts facts = probe_program(path, errno_value);
    if (errno_value != 0) {
      note_failure(failure, path, errno_value);
    }
    return facts;
  };
  all.accounts.uid_of = [](const std::string& user) -> std::optional<std::uint32_t> {
    const auto account = find_user(account_file("/etc/passwd"), user);
    return account ? std::optional(account->uid) : std::nullopt;
  };
  all.accounts.gid_of = [](const std::string& group) {
    return find_group(account_file("/etc/group"), group);
  };
  all.random_machine_id = random_machine_id;
  all.cgroup = probe_cgroup;
  return all;
}

}  // namespace sbx::host
