// SPDX-License-Identifier: Apache-2.0
// landlock(7) in the sandboxee. Handled is what a mount would undo if it ever could be changed: write,
// create, remove, execute, ioctl on devices; reading, which costs a quarter of every open
// (bench/README.md) and which the empty root already limits, if the plan asks for it.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "launch/handed_on.h"
#include "launch/prepared.h"
#include "launch/steps.h"
#include "sys/landlock.h"
#include "sys/unique_fd.h"

namespace sbx::launch {
namespace {

constexpr std::uint64_t kReading = sys::kLandlockReadFile | sys::kLandlockReadDirectory;
// What may stand on a file that is no directory; the kernel refuses the others with EINVAL.
constexpr std::uint64_t kFileRights = sys::kLandlockExecute | sys::kLandlockWriteFile |
                                      sys::kLandlockReadFile |
                                      sys::kLandlockTruncate | sys::kLandlockIoctlDevice;

std::uint64_t rights_of(const plan::LandlockRule& rule) {
  const std::uint64_t writing = sys::kLandlockWriteFile | sys::kLandlockRemoveAndMake |
                                sys::kLandlockRefer | sys::kLandlockTruncate;
  return (rule.execute ? sys::kLandlockExecute : 0) | (rule.write ? writing : 0) |
         (rule.device_ioctl ? sys::kLandlockIoctlDevice : 0) | (rule.read ? kReading : 0);
}

int allow(int ruleset, int place, std::uint64_t rights) {
  struct stat found {};
  if (::fstat(place, &found) != 0) {
    return -errno;
  }
  const std::uint64_t fitting = S_ISDIR(found.st_mode) ? rights : rights & kFileRights;
  return fitting == 0 ? 0 : sys::allow_beneath(ruleset, place, fitting);
}

// A descriptor handed on may be opened anew by /proc/self/fd (as /dev/stdout is), but only for what
// it was opened for: a file that the user's shell opened for reading does not become writable.
int allow_descriptor(int ruleset, int descriptor, std::uint64_t handled) {
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags < 0) {
    return -errno;
  }
  struct stat found {};
  const bool is_file = ::fstat(descriptor, &found) == 0 &&
                       (S_ISREG(found.st_mode) || S_ISCHR(found.st_mode));
  if (!is_file) {
    return 0;  // pipes and sockets are of no file system: Landlock does not hold them
  }
  const int mode = flags & O_ACCMODE;
  const std::uint64_t writing = mode == O_RDONLY ? 0 : sys::kLandlockWriteFile | sys::kLandlockTruncate;
  const std::uint64_t reading = mode == O_WRONLY ? 0 : sys::kLandlockReadFile;
  const std::uint64_t device = S_ISCHR(found.st_mode) ? sys::kLandlockIoctlDevice : 0;
  const std::uint64_t rights = (writing | reading | device) & handled;
  return rights == 0 ? 0 : sys::allow_beneath(ruleset, descriptor, rights);
}

// A file that may be read but not written: by its name in /proc/self/fd it could be truncated.
bool is_read_only_file(int descriptor) {
  struct stat found {};
  const int flags = ::fcntl(descriptor, F_GETFL);
  return flags >= 0 && (flags & O_ACCMODE) == O_RDONLY && ::fstat(descriptor, &found) == 0 &&
         S_ISREG(found.st_mode);
}

// A ruleset that handles truncation makes the kernel walk the path at every open, also for reading
// (hook_file_open, Linux 6.2), which costs a server that opens a file for each request. Read-only
// mounts refuse it already; what they do not hold are the descriptors handed on.
std::uint64_t handled_rights(const plan::LaunchPlan& plan) {
  const bool hands_on =
      for_each_handed_on(plan, [](int descriptor) { return is_read_only_file(descriptor) ? 1 : 0; }) != 0;
  const std::uint64_t rights =
      sys::landlock_rights(plan.landlock.abi) | (plan.landlock.reads ? kReading : 0);
  return hands_on || plan.on_host_tree ? rights : rights & ~sys::kLandlockTruncate;
}

int allow_ports(int ruleset, const std::optional<std::vector<std::uint16_t>>& ports, std::uint64_t right) {
  for (std::size_t i = 0; ports && i < ports->size(); ++i) {
    if (const int answer = sys::allow_port(ruleset, (*ports)[i], right); answer < 0) {
      return answer;
    }
  }
  return 0;
}

std::uint64_t handled_network(const plan::Landlock& landlock) {
  const std::uint64_t held = (landlock.tcp_bind ? sys::kLandlockBindTcp : 0) |
                             (landlock.tcp_connect ? sys::kLandlockConnectTcp : 0);
  return held & sys::landlock_network(landlock.abi);
}

// W^X for a file that the caller's shell opened ("> out"): it lies on a mount of the host, where it
// could be mapped executable, once opened anew for reading by its name in /proc/self/fd. A second
// layer lets nothing be read but what lies below the new root, and what was handed on to be read.
// Renaming across directories is refused by every layer that does not grant it (landlock(7), ABI 2).
int refuse_reading_back(const plan::LaunchPlan& plan) {
  const bool is_needed =
      for_each_handed_on(plan, [](int descriptor) { return is_written_file(descriptor) ? 1 : 0; }) != 0;
  if (!is_needed) {
    return 0;
  }
  const std::uint64_t handled =
      sys::kLandlockReadFile | (sys::landlock_rights(plan.landlock.abi) & sys::kLandlockRefer);
  const int created = sys::create_ruleset(handled, 0, 0);
  if (created < 0) {
    return created;
  }
  const sys::UniqueFd ruleset(created);
  const sys::UniqueFd root(::open("/", O_PATH | O_CLOEXEC));
  if (!root) {
    return -errno;
  }
  if (const int answer = sys::allow_beneath(ruleset.get(), root.get(), handled); answer < 0) {
    return answer;
  }
  const int answer = for_each_handed_on(plan, [&ruleset](int descriptor) {
    return is_written_file(descriptor) ? 0
                                       : allow_descriptor(ruleset.get(), descriptor, sys::kLandlockReadFile);
  });
  return answer < 0 ? answer : sys::restrict_self(ruleset.get());
}

// Component by component, so that no symbolic link is followed. Not openat2(2), which an outer sbx
// answers with ENOSYS. A descriptor, or -1 and errno.
int open_without_links(const char* path) {
  int at = ::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  while (at >= 0) {
    path += std::strspn(path, "/");
    const std::size_t length = std::strcspn(path, "/");
    if (length == 0) {
      return at;
    }
    char name[NAME_MAX + 1];
    int next = -1;
    if (length < sizeof name) {
      std::memcpy(name, path, length);
      name[length] = 0;
      const int kind = path[length] == 0 ? 0 : O_DIRECTORY;
      next = ::openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC | kind);
    } else {
      errno = ENAMETOOLONG;
    }
    const int errno_value = errno;
    ::close(at);
    errno = errno_value;
    at = next;
    path += length;
  }
  return -1;
}

// In the new root nothing can be exchanged any more. On the host's tree a link may be planted at any
// place on the way; /proc/self, the command's own process, is one that belongs there.
int open_place(const plan::LaunchPlan& plan, const char* path) {
  if (!plan.on_host_tree) {
    return ::open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  }
  constexpr char kOwnProcess[] = "/proc/self";
  return std::strcmp(path, kOwnProcess) == 0 ? ::open(path, O_PATH | O_CLOEXEC) : open_without_links(path);
}

// The index of a rule that cannot be had, for the report.
int allow_rules(int ruleset, const plan::LaunchPlan& plan, std::uint64_t handled, std::int32_t* failed) {
  const plan::Landlock& landlock = plan.landlock;
  for (std::size_t i = 0; i < landlock.rules.size(); ++i) {
    const plan::LandlockRule& rule = landlock.rules[i];
    const sys::UniqueFd place(open_place(plan, rule.path.c_str()));
    const int answer = place ? allow(ruleset, place.get(), rights_of(rule) & handled) : -errno;
    if (answer < 0) {
      *failed = static_cast<std::int32_t>(i);
      return answer;
    }
  }
  return 0;
}

}  // namespace

StepResult restrict_paths(const PreparedLaunch& prepared, ChildState&) noexcept {
  const plan::Landlock& landlock = prepared.plan.landlock;
  const std::uint64_t handled = landlock.paths ? handled_rights(prepared.plan) : 0;
  const std::uint64_t network = handled_network(landlock);
  const std::uint64_t scopes = sys::landlock_scopes(landlock.abi);
  if (landlock.abi == 0 || (handled | network | scopes) == 0) {
    return {};  // older kernels have neither ports nor scopes, and refuse an empty ruleset
  }
  const int created = sys::create_ruleset(handled, network, scopes);
  if (created < 0) {
    return {-created, -1};
  }
  const sys::UniqueFd ruleset(created);
  std::int32_t failed = -1;
  int answer = allow_rules(ruleset.get(), prepared.plan, handled, &failed);
  if (answer == 0) {
    answer = for_each_handed_on(prepared.plan, [&ruleset, handled](int descriptor) {
      return allow_descriptor(ruleset.get(), descriptor, handled);
    });
  }
  if (answer == 0 && network != 0) {
    answer = allow_ports(ruleset.get(), landlock.tcp_bind, sys::kLandlockBindTcp);
    answer = answer < 0 ? answer
                        : allow_ports(ruleset.get(), landlock.tcp_connect, sys::kLandlockConnectTcp);
  }
  if (answer == 0) {
    answer = sys::restrict_self(ruleset.get());
  }
  if (answer == 0 && landlock.no_reading_back) {
    answer = refuse_reading_back(prepared.plan);
  }
  return {answer < 0 ? -answer : 0, failed};
}

}  // namespace sbx::launch
