// SPDX-License-Identifier: Apache-2.0
#include "learn/path_arguments.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "learn/observations.h"

namespace sbx::learn {
namespace {

struct Row {
  std::string_view call;
  std::uint8_t count;
  std::array<PathArgument, 2> paths;
};

constexpr std::uint8_t kCreates = kWrote | kOpenedToMake;

constexpr Row kRows[] = {
    {"access", 1, {{{0, -1, kLooked}}}},
    {"chdir", 1, {{{0, -1, kLooked}}}},
    {"chmod", 1, {{{0, -1, kWrote}}}},
    {"chown", 1, {{{0, -1, kWrote}}}},
    {"creat", 1, {{{0, -1, kCreates}}}},
    {"execve", 1, {{{0, -1, kExecuted}}}},
    {"execveat", 1, {{{1, 0, kExecuted}}}},
    {"faccessat", 1, {{{1, 0, kLooked}}}},
    {"faccessat2", 1, {{{1, 0, kLooked}}}},
    {"fchmodat", 1, {{{1, 0, kWrote}}}},
    {"fchmodat2", 1, {{{1, 0, kWrote}}}},
    {"fchownat", 1, {{{1, 0, kWrote}}}},
    {"futimesat", 1, {{{1, 0, kWrote}}}},
    {"getxattr", 1, {{{0, -1, kLooked}}}},
    {"inotify_add_watch", 1, {{{1, -1, kRead}}}},
    {"lchown", 1, {{{0, -1, kWrote}}}},
    {"lgetxattr", 1, {{{0, -1, kLooked}}}},
    {"link", 2, {{{0, -1, kRead}, {1, -1, kMade}}}},
    {"linkat", 2, {{{1, 0, kRead}, {3, 2, kMade}}}},
    {"listxattr", 1, {{{0, -1, kLooked}}}},
    {"llistxattr", 1, {{{0, -1, kLooked}}}},
    {"lsetxattr", 1, {{{0, -1, kWrote}}}},
    {"lstat", 1, {{{0, -1, kLooked}}}},
    {"mkdir", 1, {{{0, -1, kMade}}}},
    {"mkdirat", 1, {{{1, 0, kMade}}}},
    {"mknod", 1, {{{0, -1, kMade}}}},
    {"mknodat", 1, {{{1, 0, kMade}}}},
    {"newfstatat", 1, {{{1, 0, kLooked}}}},
    {"open", 1, {{{0, -1, 0, 1}}}},
    {"openat", 1, {{{1, 0, 0, 2}}}},
    {"readlink", 1, {{{0, -1, kLooked}}}},
    {"readlinkat", 1, {{{1, 0, kLooked}}}},
    {"removexattr", 1, {{{0, -1, kWrote}}}},
    {"rename", 2, {{{0, -1, kMade}, {1, -1, kMade}}}},
    {"renameat", 2, {{{1, 0, kMade}, {3, 2, kMade}}}},
    {"renameat2", 2, {{{1, 0, kMade}, {3, 2, kMade}}}},
    {"rmdir", 1, {{{0, -1, kMade}}}},
    {"setxattr", 1, {{{0, -1, kWrote}}}},
    {"stat", 1, {{{0, -1, kLooked}}}},
    {"statfs", 1, {{{0, -1, kLooked}}}},
    {"statx", 1, {{{1, 0, kLooked}}}},
    {"symlink", 1, {{{1, -1, kMade}}}},
    {"symlinkat", 1, {{{2, 1, kMade}}}},
    {"truncate", 1, {{{0, -1, kWrote}}}},
    {"unlink", 1, {{{0, -1, kMade}}}},
    {"unlinkat", 1, {{{1, 0, kMade}}}},
    {"utime", 1, {{{0, -1, kWrote}}}},
    {"utimensat", 1, {{{1, 0, kWrote}}}},
    {"utimes", 1, {{{0, -1, kWrote}}}},
};

constexpr bool names_ascend() {
  for (std::size_t i = 1; i < std::size(kRows); ++i) {
    if (!(kRows[i - 1].call < kRows[i].call)) {
      return false;
    }
  }
  return true;
}
static_assert(names_ascend());

}  // namespace

std::span<const PathArgument> path_arguments(std::string_view call) {
  const auto* row = std::lower_bound(std::begin(kRows), std::end(kRows), call,
                                     [](const Row& one, std::string_view name) { return one.call < name; });
  return row != std::end(kRows) && row->call == call ? std::span(row->paths.data(), row->count)
                                                     : std::span<const PathArgument>{};
}

std::uint8_t doings_of_open(std::uint64_t flags) {
  const auto bits = static_cast<unsigned>(flags);
  if ((bits & O_PATH) != 0) {
    return kLooked;
  }
  const bool is_temporary = (bits & O_TMPFILE) == O_TMPFILE;  // a file without a name, in the directory
  const bool writes = (bits & O_ACCMODE) != O_RDONLY || (bits & O_TRUNC) != 0;
  std::uint8_t doings = 0;
  if (writes) {
    doings |= kWrote;
  }
  if ((bits & O_CREAT) != 0) {
    doings |= kOpenedToMake;
  }
  if (is_temporary) {
    doings |= kMade;
  }
  if ((bits & O_ACCMODE) != O_WRONLY) {
    doings |= (bits & O_DIRECTORY) != 0 && !is_temporary ? kListed : kRead;
  }
  return doings;
}

}  // namespace sbx::learn
