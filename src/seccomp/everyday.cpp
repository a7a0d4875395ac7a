// SPDX-License-Identifier: Apache-2.0
#include "seccomp/everyday.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "seccomp/groups.h"

namespace sbx::seccomp {
namespace {

struct Watched {
  std::string_view call;
  std::string_view everyday;  // what of it is not watched
};

// An end tells what a process has needed; a name says which file is to be granted.
constexpr Watched kWatched[] = {
    {"exit", ""},
    {"exit_group", ""},
    {"access", ""},
    {"faccessat", ""},
    {"fcntl", kEverydayFcntl},
    {"lstat", ""},
    {"newfstatat", "dirfd != AT_FDCWD"},
    {"open", ""},
    {"openat", "dirfd != AT_FDCWD and flags & O_DIRECTORY == O_DIRECTORY and "
               "flags & (O_ACCMODE | O_CREAT | O_PATH) == 0"},
    {"readlink", ""},
    {"stat", ""},
    {"statx", "dirfd != AT_FDCWD"},
};

const std::vector<std::string_view>& everyday_calls() {
  static const std::vector<std::string_view> calls = [] {
    std::vector<std::string_view> all{"getdents", "getdents64"};
    for (const std::string_view name : kEverydayGroups) {
      const auto members = expand_group(*find_group(name));
      all.insert(all.end(), members.begin(), members.end());
    }
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
  }();
  return calls;
}

}  // namespace

bool is_everyday(std::string_view call) {
  return std::binary_search(everyday_calls().begin(), everyday_calls().end(), call);
}

std::string_view everyday_when(std::string_view call) {
  const auto* watched = std::find_if(std::begin(kWatched), std::end(kWatched),
                                     [&](const Watched& one) { return one.call == call; });
  if (watched != std::end(kWatched)) {
    return watched->everyday;
  }
  return is_everyday(call) ? "*" : "";
}

}  // namespace sbx::seccomp
