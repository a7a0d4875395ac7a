// SPDX-License-Identifier: Apache-2.0
// The new root. All that will lie in it is first collected by place, so that a parent always comes
// before what lies below it and one place has one owner; then it becomes the list of MountOps.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <set>

#include "base/path.h"
#include "plan/expand.h"
#include "plan/walk.h"

namespace sbx::plan {
namespace {

constexpr std::uint32_t kShared = 01777;  // as /tmp
constexpr std::array<std::string_view, 6> kDevices{"null", "zero", "full", "random", "urandom", "tty"};
// What procfs tells of the whole kernel to anybody who asks: addresses, configuration, modules, keys.
constexpr std::array<std::string_view, 6> kHiddenInProc{"kallsyms", "config.gz", "modules",
                                                        "keys",     "key-users", "timer_list"};
constexpr int kAfterAllLayers = 1 << 20;

// What will lie at one place.
struct Item {
  MountOp op;
  bool is_directory = true;  // what it is mounted upon
  int layer = 0;             // a later layer's wish replaces an earlier one's
};

class NewRoot {
 public:
  NewRoot(const policy::Policy& policy, const Identity& identity, const HostFacts& facts,
          const Probes& probes)
      : policy_(policy), identity_(identity), facts_(facts), probes_(probes) {}

  Result<std::vector<MountOp>> build();

 private:
  Status add_home_and_cwd();
  Status add_host_paths(const std::vector<policy::LayeredPath>& entries, bool read_only);
  Status add_host_path(const policy::LayeredPath& entry, bool read_only);
  Status add_tmpfs();
  Status add_hidden();
  void add_system();
  bool is_trusted(const Step& step) const;
  Status add_links(const std::string& path, const PathFacts& found, const policy::LayeredPath& granted);
  Status add_machine_id();
  void add_empty_file(const std::string& place, const Origin& origin, int layer);
  void add(Item item);

  Status emit(const std::string& place, const Item& item);
  Status emit_mount_point(const std::string& place, const Item& item);
  const Item* nearest_above(const std::string& place) const;

  std::string expand(const std::string& path) const;
  std::uint64_t scratch_bytes() const;

  const policy::Policy& policy_;
  const Identity& identity_;
  const HostFacts& facts_;
  const Probes& probes_;
  std::map<std::string, Item> items_;   // by destination: "/usr" sorts before "/usr/lib"
  std::set<std::string> made_;          // directories that exist in the new root by now
  std::vector<MountOp> ops_;
};

// "~" and "~/x" are the user's home.
std::string NewRoot::expand(const std::string& path) const {
  if (path == "~" || path.starts_with("~/")) {
    return path::normalise(identity_.home + path.substr(1));
  }
  return path::normalise(path, facts_.cwd);
}

std::uint64_t NewRoot::scratch_bytes() const {
  const auto found = policy_.limits.find(policy::Key::LimitsScratch);
  return found == policy_.limits.end() ? 0 : found->second.value;
}

void NewRoot::add(Item item) {
  const std::string place = std::visit([](const auto& what) { return what.destination; }, item.op.what);
  const auto found = items_.find(place);
  if (found == items_.end() || item.layer >= found->second.layer) {
    items_[place] = std::move(item);
  }
}

// What every sandbox has: its own processes, terminals and shared memory, and harmless devices.
void NewRoot::add_system() {
  const Origin built_in{"built in", 0, 0};
  add({{Proc{"/proc", policy_.wx.value == "deny"}, built_in}});
  add({{MakeDirectory{"/dev"}, built_in}});
  for (const std::string_view name : kDevices) {
    const std::string path = path::join("/dev", name);
    const PathFacts found = probes_.path(path);
    if (found.kind != PathFacts::Kind::Missing) {
      Bind bind{path, path, false, true, true, found.device, found.inode};
      add({{bind, built_in}, false});
    }
  }
  const PathFacts null = probes_.path("/dev/null");
  for (const std::string_view name : kHiddenInProc) {
    const std::string path = path::join("/proc", name);
    if (probes_.path(path).kind != PathFacts::Kind::Missing) {
      add({{Bind{"/dev/null", path, true, true, true, null.device, null.inode}, built_in}, false});
    }
  }
  add({{Devpts{}, built_in}});
  add({{MakeSymlink{"/dev/ptmx", "pts/ptmx"}, built_in}});
  add({{MakeSymlink{"/dev/fd", "/proc/self/fd"}, built_in}});
  add({{MakeSymlink{"/dev/stdin", "/proc/self/fd/0"}, built_in}});
  add({{MakeSymlink{"/dev/stdout", "/proc/self/fd/1"}, built_in}});
  add({{MakeSymlink{"/dev/stderr", "/proc/self/fd/2"}, built_in}});
  add({{Tmpfs{"/dev/shm", kShared, scratch_bytes()}, built_in}});
}

// machine-id(5), and where D-Bus kept it before. "none" covers the host's where a grant would show it.
Status NewRoot::add_machine_id() {
  const policy::Text& id = policy_.machine_id;
  const std::string text = id.value == "random" ? probes_.random_machine_id() : id.value;
  if (text.empty()) {
    return Error{"cannot get random numbers for a machine id", 0, id.origin, "write one: 32 hexadecimal digits"};
  }
  for (const std::string place : {"/etc/machine-id", "/var/lib/dbus/machine-id"}) {
    const Item* above = nearest_above(place);
    const auto* bind = above == nullptr ? nullptr : std::get_if<Bind>(&above->op.what);
    if (id.value != "none") {
      if (bind != nullptr) {
        return Error{fmt::format("cannot write {}: {} is the host's", place, bind->destination), 0,
                     id.origin, "grant the files that the program needs instead of the whole directory"};
      }
      add({{MakeFile{place, text + "\n"}, id.origin}, false, kAfterAllLayers});
    } else if (bind != nullptr && !items_.contains(place)) {
      const std::string on_host = bind->source + place.substr(bind->destination.size());
      if (probes_.path(on_host).kind == PathFacts::Kind::File && !probes_.link(on_host)) {
        add_empty_file(place, id.origin, kAfterAllLayers);
      }
    }
  }
  return {};
}

Status NewRoot::add_home_and_cwd() {
  const std::string& mode = policy_.home.value;
  if (mode == "private" && identity_.home != "/") {
    add({{Tmpfs{identity_.home, 0700, scratch_bytes()}, policy_.home.origin}});
  } else if (mode == "read" || mode == "write") {
    SBX_TRY(add_host_path({{identity_.home, "", false, policy_.home.origin}, 0}, mode == "read"));
  }
  // Whoever stands in their home, or above it, has not asked for all of it.
  const bool holds_home = path::is_below(facts_.home, facts_.cwd);
  if (policy_.cwd.value != "none" && !holds_home) {
    SBX_TRY(add_host_path({{facts_.cwd, "", false, policy_.cwd.origin}, 0}, policy_.cwd.value == "read"));
  }
  return {};
}

// A link that only the administrator can have made. One that belongs to the user may be a
// sandboxee's, left by an earlier run in a directory that was granted writable; where the command is
// root outside, root's own links count so too, but for those of the system's directories.
bool NewRoot::is_trusted(const Step& step) const {
  constexpr std::uint32_t kOverflow = 65534;  // what a user namespace shows of ids that it lacks
  const std::uint32_t owner = step.link->owner;
  if (owner == identity_.outside_uid) {
    const std::string directory = path::parent(step.place);
    return owner == 0 && (directory == "/" || directory == "/var" ||
                          path::is_below(directory, "/usr") || path::is_below(directory, "/etc"));
  }
  return owner == 0 || owner == kOverflow;
}

// Symbolic links on the way to what is granted become links inside, so that the name the user gave
// works there too; what they lead to is the place of the bind.
Status NewRoot::add_links(const std::string& path, const PathFacts& found,
                          const policy::LayeredPath& granted) {
  const policy::PathEntry& entry = granted.entry;
  const auto way = walk(path, probes_.link, entry.origin);
  if (!way) {
    return way.error();
  }
  for (const Step& step : way->steps) {
    if (!step.link) {
      continue;
    }
    if (!is_trusted(step)) {
      return Error{fmt::format("cannot grant {}: {} is a symbolic link, which an earlier sandboxed run may "
                               "have put there",
                               path, step.place == path ? "it" : step.place),
                   0, entry.origin,
                   fmt::format("if it should lead there, name what it leads to: {}", found.canonical)};
    }
    if (entry.at.empty()) {
      add({{MakeSymlink{step.place, step.link->target}, entry.origin}, false, granted.layer});
    }
  }
  if (way->end != found.canonical) {
    return Error{"cannot grant " + path, ESTALE, entry.origin,
                 "it was exchanged while sbx looked at it: run again, and see who can write its directory"};
  }
  return {};
}

Status NewRoot::add_host_path(const policy::LayeredPath& granted, bool read_only) {
  const policy::PathEntry& entry = granted.entry;
  const std::string path = expand(entry.path);
  const PathFacts found = probes_.path(path);
  if (found.kind == PathFacts::Kind::Missing) {
    if (entry.optional) {
      return {};
    }
    return Error{"cannot grant " + path, found.errno_value, entry.origin,
                 entry.origin.line > 0 ? "create it, or mark the line optional = true"
                                       : "create it, or leave the option out"};
  }
  std::string place = entry.at.empty() ? path : expand(entry.at);
  if (found.canonical != path) {
    SBX_TRY(add_links(path, found, granted));
    place = entry.at.empty() ? found.canonical : place;
  }
  if (place == "/") {
    return Error{"cannot grant the whole host tree at /", 0, entry.origin,
                 "grant the directories below it that the program needs"};
  }
  const bool device = found.kind == PathFacts::Kind::Device;
  add({{Bind{found.canonical, place, read_only, !read_only || device, device, found.device, found.inode},
        entry.origin},
       found.kind == PathFacts::Kind::Directory,
       granted.layer});
  return {};
}

Status NewRoot::add_host_paths(const std::vector<policy::LayeredPath>& entries, bool read_only) {
  for (const policy::LayeredPath& entry : entries) {
    SBX_TRY(add_host_path(entry, read_only));
  }
  return {};
}

Status NewRoot::add_tmpfs() {
  for (const auto& [entry, layer] : policy_.tmpfs) {
    const std::string place = expand(entry.path);
    if (place == "/") {
      return Error{"cannot make / a writable tmpfs", 0, entry.origin,
                   "name the directories that the program writes to"};
    }
    const bool shared = place == "/tmp" || place == "/var/tmp";
    add({{Tmpfs{place, shared ? kShared : 0755, scratch_bytes()}, entry.origin}, true, layer});
  }
  for (const auto& [entry, layer] : policy_.create) {
    add({{MakeDirectory{expand(entry.path)}, entry.origin}, true, layer});
  }
  return {};
}

// /dev/null on top.
void NewRoot::add_empty_file(const std::string& place, const Origin& origin, int layer) {
  const PathFacts null = probes_.path("/dev/null");
  add({{Bind{"/dev/null", place, true, true, true, null.device, null.inode}, origin}, false, layer});
}

// Something empty on top: a tmpfs nobody may enter over a directory, /dev/null over a file.
Status NewRoot::add_hidden() {
  constexpr std::uint64_t kOnePage = 4096;
  for (const auto& [entry, layer] : policy_.hide) {
    const std::string path = expand(entry.path);
    const PathFacts found = probes_.path(path);
    if (found.kind == PathFacts::Kind::Missing) {
      if (entry.optional) {
        continue;
      }
      return Error{"cannot hide " + path, found.errno_value, entry.origin,
                   "mark the line optional = true if it may be missing"};
    }
    if (found.kind == PathFacts::Kind::Directory) {
      add({{Tmpfs{found.canonical, 0, kOnePage, true}, entry.origin}, true, layer});
      continue;
    }
    add_empty_file(found.canonical, entry.origin, layer);
  }
  return {};
}

const Item* NewRoot::nearest_above(const std::string& place) const {
  for (std::string above = path::parent(place); above != "/"; above = path::parent(above)) {
    if (const auto found = items_.find(above); found != items_.end()) {
      return &found->second;
    }
  }
  return nullptr;
}

// Makes what an item is put upon. Below a bind nothing can be made: it must be there already.
Status NewRoot::emit_mount_point(const std::string& place, const Item& item) {
  const Item* above = nearest_above(place);
  if (const auto* bind = above == nullptr ? nullptr : std::get_if<Bind>(&above->op.what)) {
    const std::string on_host = bind->source + place.substr(bind->destination.size());
    const PathFacts found = probes_.path(on_host);
    const bool is_directory = found.kind == PathFacts::Kind::Directory;
    if (found.kind == PathFacts::Kind::Missing || is_directory != item.is_directory) {
      return Error{fmt::format("cannot mount upon {}: the host has no such {} in {}", place,
                               item.is_directory ? "directory" : "file", bind->source),
                   0, item.op.origin, "create it there, or choose a place outside of what is granted"};
    }
    return {};
  }
  if (above != nullptr && std::holds_alternative<Proc>(above->op.what)) {
    return {};  // the kernel's own files
  }
  std::vector<std::string> missing;
  for (std::string above_it = path::parent(place); above_it != "/" && !made_.contains(above_it) &&
                                                   !items_.contains(above_it);
       above_it = path::parent(above_it)) {
    missing.push_back(above_it);
  }
  for (auto directory = missing.rbegin(); directory != missing.rend(); ++directory) {
    ops_.push_back({MakeDirectory{*directory}, item.op.origin});
    made_.insert(*directory);
  }
  const bool makes_itself = std::holds_alternative<MakeDirectory>(item.op.what) ||
                            std::holds_alternative<MakeFile>(item.op.what) ||
                            std::holds_alternative<MakeSymlink>(item.op.what);
  if (!makes_itself) {
    ops_.push_back(item.is_directory ? MountOp{MakeDirectory{place}, item.op.origin}
                                     : MountOp{MakeFile{place, ""}, item.op.origin});
  }
  return {};
}

// True if the bind above shows the same thing with the same rights already.
bool is_redundant(const Bind& bind, const Item* above) {
  const auto* outer = above == nullptr ? nullptr : std::get_if<Bind>(&above->op.what);
  return outer != nullptr && outer->read_only == bind.read_only && outer->no_exec == bind.no_exec &&
         bind.source == outer->source + bind.destination.substr(outer->destination.size());
}

Status NewRoot::emit(const std::string& place, const Item& item) {
  const Item* above = nearest_above(place);
  const bool inside_bind = above != nullptr && std::holds_alternative<Bind>(above->op.what);
  if (const auto* bind = std::get_if<Bind>(&item.op.what); bind != nullptr && is_redundant(*bind, above)) {
    return {};
  }
  // Below a bind of the host's directory the host's own link is there already.
  if (inside_bind && std::holds_alternative<MakeSymlink>(item.op.what)) {
    return {};
  }
  SBX_TRY(emit_mount_point(place, item));
  if (!(inside_bind && std::holds_alternative<MakeDirectory>(item.op.what))) {
    ops_.push_back(item.op);
    const auto next = items_.upper_bound(place);
    if (auto* tmpfs = std::get_if<Tmpfs>(&ops_.back().what); tmpfs != nullptr && next != items_.end() &&
                                                             path::is_below(next->first, place)) {
      tmpfs->read_only = false;  // what is granted below a hidden directory needs a place in it
    }
  }
  return {};
}

Result<std::vector<MountOp>> NewRoot::build() {
  add_system();
  SBX_TRY(add_home_and_cwd());
  SBX_TRY(add_tmpfs());
  SBX_TRY(add_host_paths(policy_.read, true));
  SBX_TRY(add_host_paths(policy_.write, false));
  SBX_TRY(add_hidden());
  SBX_TRY(add_machine_id());
  for (const auto& [place, item] : items_) {
    SBX_TRY(emit(place, item));
  }
  return std::move(ops_);
}

}  // namespace

Result<std::vector<MountOp>> expand_filesystem(const policy::Policy& policy, const Identity& identity,
                                               const HostFacts& facts, const Probes& probes) {
  return NewRoot(policy, identity, facts, probes).build();
}

}  // namespace sbx::plan
