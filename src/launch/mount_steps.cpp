// SPDX-License-Identifier: Apache-2.0
// mount_namespaces(7): the new root, by descriptors.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

#include "launch/handed_on.h"
#include "launch/overlay.h"
#include "launch/prepared.h"
#include "launch/steps.h"
#include "sys/mount_api.h"
#include "sys/unique_fd.h"

namespace sbx::launch {
namespace {

using sys::UniqueFd;

constexpr std::uint64_t kScratch = sys::kNoSuid | sys::kNoDev | sys::kNoExec;

// Paths of the plan are absolute inside; below the new root's descriptor they are relative.
const char* below_root(const std::string& path) { return path == "/" ? "." : path.c_str() + 1; }

struct Builder {
  const PreparedLaunch& prepared;
  ChildState& state;
  std::size_t index;

  int operator()(const plan::MakeDirectory& op) const {
    const bool made = ::mkdirat(state.root, below_root(op.destination), op.mode) == 0;
    return made || errno == EEXIST ? 0 : -errno;
  }

  int operator()(const plan::MakeFile& op) const {
    if (op.contents.empty()) {
      const bool made = ::mknodat(state.root, below_root(op.destination), S_IFREG | 0644, 0) == 0;
      return made || errno == EEXIST ? 0 : -errno;
    }
    const UniqueFd file(::openat(state.root, below_root(op.destination),
                                 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!file) {
      return -errno;
    }
    const ssize_t written = ::write(file.get(), op.contents.data(), op.contents.size());
    return written == static_cast<ssize_t>(op.contents.size()) ? 0 : written < 0 ? -errno : -EIO;
  }

  int operator()(const plan::MakeSymlink& op) const {
    return ::symlinkat(op.target.c_str(), state.root, below_root(op.destination)) != 0 ? -errno : 0;
  }

  int operator()(const plan::Bind& op) const {
    const int source = open_source(op.source, op.source_device, op.source_inode);
    if (source < 0) {
      return source;
    }
    const UniqueFd owner(source);
    const int copy = sys::clone_tree(source);
    if (copy < 0) {
      return copy;
    }
    const UniqueFd tree(copy);
    const std::uint64_t attributes = sys::kNoSuid | (op.read_only ? sys::kReadOnly : 0) |
                                     (op.no_exec ? sys::kNoExec : 0) |
                                     (op.device ? 0 : sys::kNoDev);
    if (const int answer = sys::set_attributes(tree.get(), attributes, true); answer < 0) {
      return answer;
    }
    return attach_at(state.root, op.destination, tree.get());
  }

  int operator()(const plan::Tmpfs& op) const {
    const TmpfsOptions& options = prepared.tmpfs[index];
    const sys::FilesystemOption list[] = {
        {"mode", options.mode.c_str()},
        {options.size.empty() ? nullptr : "size", options.size.c_str()},
        {nullptr, nullptr},
    };
    return mount_new_at("tmpfs", list, kScratch | (op.read_only ? sys::kReadOnly : 0), op.destination,
                        nullptr);
  }

  int operator()(const plan::OverlayMount& op) const { return mount_overlay(op, prepared.tmpfs[index], state.root); }

  int operator()(const plan::Proc& op) const {
    constexpr sys::FilesystemOption kNone[] = {{nullptr, nullptr}};
    constexpr sys::FilesystemOption kPids[] = {{"subset", "pid"}, {nullptr, nullptr}};
    int* keep = op.read_only ? &state.proc : nullptr;
    if (op.show == plan::Proc::Show::All) {
      return mount_new_at("proc", kNone, kScratch, op.destination, keep);
    }
    if (op.show == plan::Proc::Show::Pids) {
      if (const int answer = mount_new_at("proc", kPids, kScratch, op.destination, keep); answer < 0) {
        return answer;
      }
    }
    // Upon it all of procfs: later steps write to /proc/sys. It goes in SealRoot.
    state.proc_goes = true;
    return mount_new_at("proc", kNone, kScratch, op.destination, nullptr);
  }

  int operator()(const plan::Devpts& op) const {
    constexpr sys::FilesystemOption kOptions[] = {
        {"mode", "0620"}, {"ptmxmode", "0666"}, {nullptr, nullptr}};
    return mount_new_at("devpts", kOptions, sys::kNoSuid | sys::kNoExec, op.destination, nullptr);
  }

  int operator()(const plan::Pin& op) const {
    const UniqueFd place(sys::open_beneath_no_follow(state.root, below_root(op.destination)));
    if (!place) {
      return place.get();
    }
    const UniqueFd tree(sys::clone_tree(place.get()));
    if (!tree) {
      return tree.get();
    }
    const std::uint64_t attributes = op.read_only ? sys::kReadOnly : 0;
    if (const int answer = sys::set_attributes(tree.get(), attributes, true); answer < 0) {
      return answer;
    }
    return sys::attach(tree.get(), place.get());
  }

  int operator()(const plan::MakeOnHost& op) const {
    std::array<char, PATH_MAX> above{};
    const std::size_t length = op.destination.rfind('/');
    if (length >= above.size()) {
      return -ENAMETOOLONG;
    }
    std::memcpy(above.data(), op.destination.data(), length);
    const int opened = sys::open_beneath_no_symlinks(state.root, length == 0 ? "." : above.data() + 1);
    const UniqueFd directory(opened);
    if (!directory) {
      return opened;
    }
    const char* name = op.destination.c_str() + length + 1;
    const bool made = ::mkdirat(directory.get(), name, 0700) == 0;
    return made || errno == EEXIST ? 0 : -errno;
  }

  // `keep`: where to leave the mount's descriptor; null: close it.
  int mount_new_at(const char* type, const sys::FilesystemOption* options, std::uint64_t attributes,
                   const std::string& destination, int* keep) const {
    const int created = sys::mount_new(type, options, attributes);
    if (created < 0) {
      return created;
    }
    UniqueFd mount(created);
    const int answer = attach_at(state.root, destination, mount.get());
    if (answer == 0 && keep != nullptr) {
      *keep = mount.release();
    }
    return answer;
  }
};

}  // namespace

int attach_at(int root, const std::string& destination, int mount) {
  const UniqueFd place(sys::open_beneath_no_symlinks(root, below_root(destination)));
  return place ? sys::attach(mount, place.get()) : place.get();
}

int open_source(const std::string& path, std::uint64_t device, std::uint64_t inode) {
  UniqueFd source(sys::open_path_no_symlinks(path.c_str()));
  if (!source) {
    return source.get();
  }
  struct stat found {};
  if (::fstat(source.get(), &found) != 0) {
    return -errno;
  }
  return found.st_dev == device && found.st_ino == inode ? source.release() : -ESTALE;
}

StepResult mounts_private(const PreparedLaunch&, ChildState&) noexcept {
  return result_of(sys::make_all_private());
}

StepResult build_root(const PreparedLaunch& prepared, ChildState& state) noexcept {
  constexpr sys::FilesystemOption kOptions[] = {
      {"mode", "0755"}, {"size", "16m"}, {nullptr, nullptr}};
  ::umask(0);  // modes as the plan has them; the sandboxee sets its own
  state.root = sys::mount_new("tmpfs", kOptions, kScratch);
  if (state.root < 0) {
    return {-state.root, -1};
  }
  // Upon "/" at once: before Linux 6.15 nothing can be attached to a detached tree. Sources are
  // still found, since this process's root directory lies below the new mount.
  if (const int answer = sys::attach_at_root(state.root); answer < 0) {
    return {-answer, -1};
  }
  for (std::size_t i = 0; i < prepared.plan.mounts.size(); ++i) {
    const int answer = std::visit(Builder{prepared, state, i}, prepared.plan.mounts[i].what);
    if (answer < 0) {
      return {-answer, static_cast<std::int32_t>(i)};
    }
  }
  std::size_t failed = 0;
  const int answer = reopen_inside(prepared, state.root, &failed);
  // Behind the mounts: which of prepared.reopen.
  return {-answer, static_cast<std::int32_t>(prepared.plan.mounts.size() + failed)};
}

StepResult pivot_root(const PreparedLaunch&, ChildState& state) noexcept {
  return result_of(sys::pivot_into(state.root));
}

StepResult seal_root(const PreparedLaunch&, ChildState& state) noexcept {
  if (const int answer = sys::set_attributes(state.root, sys::kReadOnly, false); answer < 0) {
    return result_of(answer);
  }
  if (state.proc_goes) {
    if (const int answer = sys::detach("/proc"); answer < 0) {
      return result_of(answer);
    }
  }
  return state.proc < 0 ? StepResult{}
                        : result_of(sys::set_attributes(state.proc, sys::kReadOnly, false));
}

}  // namespace sbx::launch
