// SPDX-License-Identifier: Apache-2.0
// Files: what BASE shows anyway needs no line; of the rest each file that was there, or its directory
// where many siblings were used, or the current directory. Never a whole home, and nothing that was
// only looked for and is not there.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/path.h"
#include "base/text.h"
#include "learn/notes.h"
#include "learn/reduction.h"

namespace sbx::learn {
namespace {

using policy::Key;

constexpr std::size_t kManySiblings = 4;
constexpr std::size_t kManyPrograms = 24;
constexpr std::size_t kVeryMany = 32;
// Directories of everybody's: what lies in them is granted one by one,
constexpr std::string_view kNeverWhole[] = {"/", "/home", "/root", "/mnt", "/media", "/run", "/tmp", "/var/tmp"};
// but for these, if very much of them was used.
constexpr std::string_view kSeldomWhole[] = {"/etc", "/var", "/usr", "/opt", "/srv", "/var/lib", "/var/cache"};
constexpr std::string_view kNeverWholeInHome[] = {".config", ".cache", ".local", ".local/share",
                                                  ".local/state", ".local/bin"};

bool never_whole(const Surroundings& where, const std::string& directory) {
  if (std::find(std::begin(kNeverWhole), std::end(kNeverWhole), directory) != std::end(kNeverWhole) ||
      path::is_below(where.home, directory)) {
    return true;
  }
  return std::any_of(std::begin(kNeverWholeInHome), std::end(kNeverWholeInHome),
                     [&](std::string_view name) { return directory == path::join(where.home, name); });
}

bool seldom_whole(const std::string& directory) {
  return std::find(std::begin(kSeldomWhole), std::end(kSeldomWhole), directory) != std::end(kSeldomWhole);
}

using Grants = std::map<std::string, Use>;

bool is_covered(const Grants& grants, const std::string& path) {
  for (std::string at = path; at != "/"; at = path::parent(at)) {
    if (grants.contains(at)) {
      return true;
    }
  }
  return false;
}

// A directory in place of many of its entries, from below upwards.
void fold(const Surroundings& where, Grants& grants, std::size_t many) {
  for (bool again = true; again;) {
    again = false;
    std::map<std::string, std::vector<std::string>> by_directory;
    for (const auto& [path, use] : grants) {
      by_directory[path::parent(path)].push_back(path);
    }
    for (const auto& [directory, entries] : by_directory) {
      const std::size_t enough = seldom_whole(directory) ? std::max(many, kVeryMany) : many;
      if (entries.size() < enough || never_whole(where, directory)) {
        continue;
      }
      Use use;
      for (const std::string& entry : entries) {
        unite(use, grants[entry]);
        grants.erase(entry);
      }
      unite(grants[directory], use);
      again = true;
    }
  }
  for (auto one = grants.begin(); one != grants.end();) {
    const bool covered = one->first != "/" && is_covered(grants, path::parent(one->first));
    one = covered ? grants.erase(one) : std::next(one);
  }
}

class Files {
 public:
  explicit Files(Reduction& to) : to_(to), where_(to.where) {
    // Standing in the home directory, or above it, grants nothing (filesystem.cwd).
    has_cwd_ = where_.cwd != "/" && !path::is_below(where_.home, where_.cwd) &&
               !where_.shown(where_.cwd).visible;
  }

  void take(const FileUse& file);
  void write();

 private:
  bool is_in_cwd(const std::string& path) const {
    return has_cwd_ && path::is_below(path, where_.cwd);
  }
  void take_change(const FileUse& file, FileKind kind);
  void take_reading(const FileUse& file, FileKind kind);
  void write_grants(Key key, const Grants& grants);
  void write_exec();
  void drop_covered();

  Reduction& to_;
  const Surroundings& where_;
  bool has_cwd_ = false;
  Use cwd_read_, cwd_write_;
  Grants read_, write_, exec_, create_;
  std::map<std::string, Use> in_memory_, refused_;  // directories
  bool home_used_ = false;
  bool foreign_library_ = false;
};

void Files::take(const FileUse& file) {
  home_used_ = home_used_ || path::is_below(file.path, where_.home);
  const FileKind kind = where_.kind(file.path);
  if ((file.doings & kExecuted) != 0 && kind == FileKind::File) {
    unite(exec_[file.path], file.use);
  }
  const bool makes = (file.doings & kOpenedToMake) != 0 && kind == FileKind::Missing;
  if ((file.doings & (kWrote | kMade)) != 0 || makes) {
    take_change(file, kind);
  }
  if ((file.doings & (kRead | kListed | kLooked)) != 0) {
    take_reading(file, kind);
  }
}

void Files::take_change(const FileUse& file, FileKind kind) {
  if (is_in_cwd(file.path)) {
    unite(cwd_write_, file.use);
    return;
  }
  const Shown shown = where_.shown(file.path);
  if (shown.writable) {
    return;
  }
  if (shown.visible || !path::is_below(file.path, where_.home)) {
    // Read-only while learning: it was refused, and is not granted unasked.
    if (!path::is_below(file.path, "/dev")) {
      unite(refused_[file.path], file.use);
    }
    return;
  }
  std::string target = file.path;
  if (kind == FileKind::Missing || (file.doings & kMade) != 0) {
    do {
      target = path::parent(target);
    } while (where_.kind(target) == FileKind::Missing && target != "/");
  }
  if (never_whole(where_, target)) {
    unite(in_memory_[file.path], file.use);
  } else {
    unite(write_[target], file.use);
  }
}

bool is_library(const std::string& path) {
  const std::string_view name = path::basename(path);
  const std::size_t version = name.find(".so.");
  return name.ends_with(".so") || (version != std::string_view::npos && version + 4 < name.size() &&
                                   name[version + 4] >= '0' && name[version + 4] <= '9');
}

void Files::take_reading(const FileUse& file, FileKind kind) {
  if (kind == FileKind::Missing || kind == FileKind::Other || !where_.was_there(file.path)) {
    return;
  }
  if (file.path == where_.cwd && file.doings == kLooked) {
    return;  // back to where it started, as many do: no look at what lies there
  }
  const bool is_in_system = path::is_below(file.path, "/usr") || path::is_below(file.path, "/lib") ||
                            path::is_below(file.path, "/lib64");
  foreign_library_ = foreign_library_ || (is_library(file.path) && !is_in_system);
  if (where_.shown(file.path).visible) {
    return;
  }
  if (is_in_cwd(file.path)) {
    unite(cwd_read_, file.use);
    return;
  }
  if (kind == FileKind::Directory && (file.doings & (kRead | kListed)) == 0) {
    unite(create_[file.path], file.use);
  } else if (kind == FileKind::Directory && (never_whole(where_, file.path) || seldom_whole(file.path))) {
    unite(create_[file.path], file.use);  // listed: empty is what it may see of it
  } else {
    unite(read_[file.path], file.use);
  }
}

void Files::write_grants(Key key, const Grants& grants) {
  for (const auto& [path, use] : grants) {
    const std::string written = as_written(where_, path);
    if (!is_utf8(path)) {
      to_.decide(fmt::format(
          "{} was used, and its name is no UTF-8, which a policy cannot say: grant its directory.",
          quote(path)));
      continue;
    }
    to_.add_path(key, written, key != Key::FilesystemCreate, note_of(use, to_.seen.ready_us));
  }
}

// Only what was executed can be. Not where a library lies in a place of the user's: there it could
// not be mapped (filesystem.exec).
void Files::write_exec() {
  if (foreign_library_) {
    to_.decide(
        "Libraries were read outside of /usr/lib, so filesystem.exec is not set: everything that is "
        "visible and not writable can be executed.");
    return;
  }
  Use start;
  start.count = 1;
  exec_.try_emplace(to_.subject.program, start);
  fold(where_, exec_, kManyPrograms);
  to_.learned.layer.values.erase(Key::FilesystemExec);
  for (const auto& [path, use] : exec_) {
    const bool is_command = path == to_.subject.program;
    if (is_utf8(path)) {
      to_.add_path(Key::FilesystemExec, as_written(where_, path), !is_command,
                   is_command ? "the command" : note_of(use, to_.seen.ready_us));
    }
  }
}

// What BASE grants below a directory that is granted whole.
void Files::drop_covered() {
  const auto held = to_.learned.layer.values.find(Key::FilesystemRead);
  if (held != to_.learned.layer.values.end()) {
    std::erase_if(std::get<std::vector<policy::PathEntry>>(held->second),
                  [&](const policy::PathEntry& entry) {
                    return entry.at.empty() && path::is_absolute(entry.path) && is_covered(read_, entry.path);
                  });
  }
}

void Files::write() {
  fold(where_, read_, kManySiblings);
  fold(where_, write_, kManySiblings);
  for (auto one = read_.begin(); one != read_.end();) {
    one = is_covered(write_, one->first) ? read_.erase(one) : std::next(one);
  }
  for (auto one = create_.begin(); one != create_.end();) {
    const bool is_above = std::any_of(read_.begin(), read_.end(), [&](const auto& grant) {
      return path::is_below(grant.first, one->first);
    });
    const bool needless = is_above || is_covered(read_, one->first) || is_covered(write_, one->first) ||
                          path::is_below(where_.home, one->first) ||
                          path::is_below(where_.cwd, one->first);
    one = needless ? create_.erase(one) : std::next(one);
  }
  if (cwd_write_.count != 0 || cwd_read_.count != 0) {
    const bool writes = cwd_write_.count != 0;
    to_.set(Key::FilesystemCwd, writes ? "write" : "read",
            note_of(writes ? cwd_write_ : cwd_read_, to_.seen.ready_us));
    to_.extend("workdir");
  }
  if (const std::string home = to_.base_word(Key::FilesystemHome); home != "read" && home != "write") {
    to_.set(Key::FilesystemHome, home_used_ && home != "none" ? "private" : "none",
            home_used_ ? "" : "nothing in it was used");
  }
  write_exec();
  drop_covered();
  write_grants(Key::FilesystemRead, read_);
  write_grants(Key::FilesystemWrite, write_);
  write_grants(Key::FilesystemCreate, create_);
  for (const auto& [path, use] : in_memory_) {
    to_.decide(fmt::format(
        "{} was made in the empty home, and is gone afterwards. To keep it: make its directory, and "
        "name that in filesystem.write.",
        quote(as_written(where_, path))));
  }
  for (const auto& [path, use] : refused_) {
    to_.decide(
        fmt::format("{} was to be changed ({}), which it could not while learning. To let it: learn again "
                    "with --rw or --tmpfs and a directory.",
                    quote(path), note_of(use, to_.seen.ready_us)));
  }
}

}  // namespace

void reduce_files(Reduction& to) {
  Files files(to);
  for (const FileUse& file : to.seen.files) {
    files.take(file);
  }
  files.write();
}

}  // namespace sbx::learn
