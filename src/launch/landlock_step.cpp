// SPDX-License-Identifier: Apache-2.0
// landlock(7) in the sandboxee. Handled is what a mount would undo if it ever could be changed: write,
// create, remove, execute, ioctl on devices; not reading, which would cost a quarter of every open
// (bench/README.md), and which the empty root already limits.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "launch/prepared.h"
#include "launch/steps.h"
#include "sys/landlock.h"
#include "sys/unique_fd.h"

namespace sbx::launch {
namespace {

// What may stand on a file that is no directory; the kernel refuses the others with EINVAL.
constexpr std::uint64_t kFileRights = sys::kLandlockExecute | sys::kLandlockWriteFile |
                                      sys::kLandlockTruncate | sys::kLandlockIoctlDevice;

std::uint64_t rights_of(const plan::LandlockRule& rule) {
  const std::uint64_t writing = sys::kLandlockWriteFile | sys::kLandlockRemoveAndMake |
                                sys::kLandlockRefer | sys::kLandlockTruncate;
  return (rule.execute ? sys::kLandlockExecute : 0) | (rule.write ? writing : 0) |
         (rule.device_ioctl ? sys::kLandlockIoctlDevice : 0);
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
  const std::uint64_t writing =
      (flags & O_ACCMODE) == O_RDONLY ? 0 : sys::kLandlockWriteFile | sys::kLandlockTruncate;
  const std::uint64_t device = S_ISCHR(found.st_mode) ? sys::kLandlockIoctlDevice : 0;
  const std::uint64_t rights = (writing | device) & handled;
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
  bool hands_on = is_read_only_file(0) || is_read_only_file(1) || is_read_only_file(2);
  for (const int kept : plan.keep_fds) {
    hands_on = hands_on || is_read_only_file(kept);
  }
  const std::uint64_t rights = sys::landlock_rights(plan.landlock.abi);
  return hands_on ? rights : rights & ~sys::kLandlockTruncate;
}

}  // namespace

StepResult restrict_paths(const PreparedLaunch& prepared, ChildState&) noexcept {
  const plan::Landlock& landlock = prepared.plan.landlock;
  // Without rules on paths only the scopes are left, which older kernels do not have.
  if (landlock.abi == 0 || (!landlock.paths && sys::landlock_scopes(landlock.abi) == 0)) {
    return {};
  }
  const std::uint64_t handled = landlock.paths ? handled_rights(prepared.plan) : 0;
  const int created = sys::create_ruleset(handled, sys::landlock_scopes(landlock.abi));
  if (created < 0) {
    return {-created, -1};
  }
  const sys::UniqueFd ruleset(created);
  for (std::size_t i = 0; i < landlock.rules.size(); ++i) {
    const plan::LandlockRule& rule = landlock.rules[i];
    const sys::UniqueFd place(::open(rule.path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    const int answer = place ? allow(ruleset.get(), place.get(), rights_of(rule) & handled) : -errno;
    if (answer < 0) {
      return {-answer, static_cast<std::int32_t>(i)};
    }
  }
  constexpr int kStandard = 3;
  for (int descriptor = 0; descriptor < kStandard; ++descriptor) {
    if (const int answer = allow_descriptor(ruleset.get(), descriptor, handled); answer < 0) {
      return {-answer, -1};
    }
  }
  for (const int kept : prepared.plan.keep_fds) {
    if (const int answer = allow_descriptor(ruleset.get(), kept, handled); answer < 0) {
      return {-answer, -1};
    }
  }
  const int answer = sys::restrict_self(ruleset.get());
  return {answer < 0 ? -answer : 0, -1};
}

}  // namespace sbx::launch
