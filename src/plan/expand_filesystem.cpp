// SPDX-License-Identifier: Apache-2.0
// The new root. All that will lie in it is first collected by place, so that a parent always comes
// before what lies below it and one place has one owner; then it becomes the list of MountOps.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <set>

#include "base/path.h"
#include "plan/expand.h"
#include "plan/new_root.h"
#include "plan/walk.h"

namespace sbx::plan {
namespace {

constexpr std::uint32_t kShared = 01777;  // as /tmp
constexpr std::array<std::string_view, 6> kDevices{"null", "zero", "full", "random", "urandom", "tty"};
// What procfs tells of the whole kernel to anybody who asks: addresses, configuration, modules, keys.
constexpr std::array<std::string_view, 6> kHiddenInProc{"kallsyms", "config.gz", "modules",
                                                        "keys",     "key-users", "timer_list"};
constexpr int kAfterAllLayers = 1 << 20;
// Sockets in the host's /tmp by which a program takes over another: an X11 client sees every key,
// the session manager starts programs.
constexpr std::array<std::string_view, 4> kSocketsInTmp{"/tmp/.X11-unix", "/tmp/.ICE-unix",
                                                        "/tmp/.XIM-unix", "/tmp/.font-unix"};

// How a path of the host is shown.
enum class As : std::uint8_t { ReadOnly, Writable, Program, Overlay, Device };

const Origin kBuiltIn{"built in", 0, 0};

class NewRoot {
 public:
  NewRoot(const policy::Policy& policy, const Identity& identity, const HostFacts& facts,
          const Probes& probes)
      : policy_(policy), identity_(identity), facts_(facts), probes_(probes) {}

  Result<std::vector<MountOp>> build();

 private:
  Status add_home_and_cwd();
  Status add_system_and_tmp();
  Status add_host_paths(const std::vector<policy::LayeredPath>& entries, As as);
  Status add_host_path(const policy::LayeredPath& entry, As as);
  Status check_kind(const std::string& path, const PathFacts& found, const Origin& origin, As as) const;
  Status add_tmpfs();
  Status add_hidden();
  bool add_hidden_directory(const std::string& path, const Origin& origin, int layer);
  void add_proc();
  void add_devices();
  bool is_trusted(const Step& step) const;
  Status add_links(const std::string& path, const PathFacts& found, const policy::LayeredPath& granted);
  Status add_machine_id();
  Status add_name_servers();
  void add_empty_file(const std::string& place, const Origin& origin, int layer);
  void add(Item item);

  Status emit(const std::string& place, const Item& item);
  Status emit_mount_point(const std::string& place, const Item& item);
  std::string expand(const std::string& path) const;
  std::uint64_t scratch_bytes() const;

  const policy::Policy& policy_;
  const Identity& identity_;
  const HostFacts& facts_;
  const Probes& probes_;
  Items items_;
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

// Its own processes; of the kernel what is public, less what helps to attack it.
void NewRoot::add_proc() {
  const std::string& mode = policy_.proc.value;
  const Proc::Show show = mode == "none"   ? Proc::Show::Nothing
                          : mode == "pids" ? Proc::Show::Pids
                                           : Proc::Show::All;
  const Origin& origin = show == Proc::Show::All ? kBuiltIn : policy_.proc.origin;
  add({{Proc{"/proc", policy_.wx.value == "deny", show}, origin}});
  if (show != Proc::Show::All) {
    return;
  }
  const PathFacts null = probes_.path("/dev/null");
  for (const std::string_view name : kHiddenInProc) {
    const std::string path = path::join("/proc", name);
    if (probes_.path(path).kind != PathFacts::Kind::Missing) {
      add({{Bind{"/dev/null", path, true, true, true, null.device, null.inode}, kBuiltIn}, false});
    }
  }
}

// What every sandbox has: terminals and shared memory of its own, and harmless devices.
void NewRoot::add_devices() {
  add({{MakeDirectory{"/dev"}, kBuiltIn}});
  for (const std::string_view name : kDevices) {
    const std::string path = path::join("/dev", name);
    const PathFacts found = probes_.path(path);
    if (found.kind != PathFacts::Kind::Missing) {
      Bind bind{path, path, false, true, true, found.device, found.inode};
      add({{bind, kBuiltIn}, false});
    }
  }
  add({{Devpts{}, kBuiltIn}});
  add({{MakeSymlink{"/dev/ptmx", "pts/ptmx"}, kBuiltIn}});
  add({{MakeSymlink{"/dev/fd", "/proc/self/fd"}, kBuiltIn}});
  add({{MakeSymlink{"/dev/stdin", "/proc/self/fd/0"}, kBuiltIn}});
  add({{MakeSymlink{"/dev/stdout", "/proc/self/fd/1"}, kBuiltIn}});
  add({{MakeSymlink{"/dev/stderr", "/proc/self/fd/2"}, kBuiltIn}});
  add({{Tmpfs{"/dev/shm", kShared, scratch_bytes()}, kBuiltIn}});
}

// The installed system, and /tmp.
Status NewRoot::add_system_and_tmp() {
  if (policy_.system.value != "none") {
    SBX_TRY(add_host_paths(policy_.system_usr, As::ReadOnly));
  }
  if (policy_.system.value == "host") {
    SBX_TRY(add_host_paths(policy_.system_host, As::ReadOnly));
  }
  const Origin& origin = policy_.tmp.origin;
  if (policy_.tmp.value == "private") {
    add({{Tmpfs{"/tmp", kShared, scratch_bytes()}, origin}});
  } else if (policy_.tmp.value == "host") {
    SBX_TRY(add_host_path({{"/tmp", "", false, origin}, 0}, As::Writable));
    for (const std::string_view path : kSocketsInTmp) {
      add_hidden_directory(std::string(path), origin, 0);
    }
    add_hidden_directory(fmt::format("/tmp/tmux-{}", identity_.outside_uid), origin, 0);
  }
  return {};
}

// machine-id(5), and where D-Bus kept it before. "none" covers the host's where a grant would show it.
Status NewRoot::add_machine_id() {
  const policy::Text& id = policy_.machine_id;
  const std::string text = id.value == "random" ? probes_.random_machine_id() : id.value;
  if (text.empty()) {
    return Error{"cannot get random numbers for a machine id", 0, id.origin, "write one: 32 hexadecimal digits"};
  }
  for (const std::string place : {"/etc/machine-id", "/var/lib/dbus/machine-id"}) {
    const Item* above = nearest_above(items_, place);
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
    SBX_TRY(add_host_path({{identity_.home, "", false, policy_.home.origin}, 0},
                          mode == "read" ? As::ReadOnly : As::Writable));
  }
  // Whoever stands in their home, or above it, has not asked for all of it.
  const bool holds_home = path::is_below(facts_.home, facts_.cwd);
  if (policy_.cwd.value != "none" && !holds_home) {
    SBX_TRY(add_host_path({{facts_.cwd, "", false, policy_.cwd.origin}, 0},
                          policy_.cwd.value == "read" ? As::ReadOnly : As::Writable));
  }
  return {};
}

// A link that only the administrator can have made. One that belongs to the user may be a
// sandboxee's, left by an earlier run in a directory that was granted writable; where the command is
// root outside, root's own links count so too, but for those of the system's directories.
bool NewRoot::is_trusted(const Step& step) const {
  constexpr std::uint32_t kOverflow = 65534;  // what a user namespace shows of ids that it lacks
  const std::uint32_t owner = step.link->owner;
  if (step.link->fixed) {
    return true;  // as the links of an outer sandbox's root
  }
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

Status NewRoot::check_kind(const std::string& path, const PathFacts& found, const Origin& origin,
                           As as) const {
  using Kind = PathFacts::Kind;
  if (as == As::Overlay && found.kind != Kind::Directory) {
    return Error{"cannot lay an overlay over " + path, ENOTDIR, origin,
                 "name the directory that holds it"};
  }
  if (as == As::Device && found.kind != Kind::Device && found.kind != Kind::Directory) {
    return Error{"no device: " + path, 0, origin, "filesystem.read and filesystem.write show files"};
  }
  return {};
}

Status NewRoot::add_host_path(const policy::LayeredPath& granted, As as) {
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
  SBX_TRY(check_kind(path, found, entry.origin, as));
  Item item;
  item.is_directory = found.kind == PathFacts::Kind::Directory;
  item.layer = granted.layer;
  item.may_execute = as == As::Program;
  item.op.origin = entry.origin;
  if (as == As::Overlay) {
    item.op.what = OverlayMount{found.canonical, place, scratch_bytes(), found.device, found.inode};
  } else {
    const bool device = as == As::Device || found.kind == PathFacts::Kind::Device;
    const bool writable = as == As::Writable || as == As::Device;
    item.op.what = Bind{found.canonical, place, !writable, writable || device, device, found.device,
                        found.inode};
  }
  add(std::move(item));
  return {};
}

Status NewRoot::add_host_paths(const std::vector<policy::LayeredPath>& entries, As as) {
  for (const policy::LayeredPath& entry : entries) {
    SBX_TRY(add_host_path(entry, as));
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
    const bool session = path::is_below(place, "/run/user");  // must be its user's alone
    const std::uint32_t mode = shared ? kShared : session ? 0700 : 0755;
    add({{Tmpfs{place, mode, scratch_bytes()}, entry.origin}, true, layer});
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

// A tmpfs that nobody may enter; true if there is such a directory.
bool NewRoot::add_hidden_directory(const std::string& path, const Origin& origin, int layer) {
  constexpr std::uint64_t kOnePage = 4096;
  const PathFacts found = probes_.path(path);
  if (found.kind == PathFacts::Kind::Directory) {
    add({{Tmpfs{found.canonical, 0, kOnePage, true}, origin}, true, layer});
  }
  return found.kind == PathFacts::Kind::Directory;
}

// Something empty on top: over a file /dev/null.
Status NewRoot::add_hidden() {
  for (const auto& [entry, layer] : policy_.hide) {
    const std::string path = expand(entry.path);
    if (add_hidden_directory(path, entry.origin, layer)) {
      continue;
    }
    const PathFacts found = probes_.path(path);
    if (found.kind == PathFacts::Kind::Missing) {
      if (entry.optional) {
        continue;
      }
      return Error{"cannot hide " + path, found.errno_value, entry.origin,
                   "mark the line optional = true if it may be missing"};
    }
    add_empty_file(found.canonical, entry.origin, layer);
  }
  return {};
}

// network.dns: a resolv.conf of its own, in the place of the host's.
Status NewRoot::add_name_servers() {
  const std::string place = "/etc/resolv.conf";
  const auto servers = expand_dns(policy_, facts_);
  if (!servers) {
    return servers.error();
  }
  if (servers->empty()) {
    return {};
  }
  MakeFile file{place, "# written by sbx: network.dns\n"};
  for (const policy::Text& server : *servers) {
    file.contents += "nameserver " + server.value + "\n";
  }
  const Item* above = nearest_above(items_, place);
  if (above != nullptr && (std::holds_alternative<Bind>(above->op.what) ||
                           std::holds_alternative<OverlayMount>(above->op.what))) {
    return Error{fmt::format("cannot write {}: the host's /etc is shown in its place", place), 0,
                 policy_.dns.front().origin,
                 "show the files of /etc that the program needs, one by one"};
  }
  items_[place] = {{std::move(file), policy_.dns.front().origin}, false, 0};
  return {};
}

// The tree of the host that an item shows: where it lies there, and here.
struct Shown {
  const std::string* source = nullptr;
  const std::string* destination = nullptr;
};

std::optional<Shown> shown_by(const Item* item) {
  if (const auto* bind = item == nullptr ? nullptr : std::get_if<Bind>(&item->op.what)) {
    return Shown{&bind->source, &bind->destination};
  }
  if (const auto* overlay = item == nullptr ? nullptr : std::get_if<OverlayMount>(&item->op.what)) {
    return Shown{&overlay->source, &overlay->destination};
  }
  return std::nullopt;
}

// Makes what an item is put upon. Below a bind nothing can be made: it must be there already.
Status NewRoot::emit_mount_point(const std::string& place, const Item& item) {
  const Item* above = nearest_above(items_, place);
  if (const auto shown = shown_by(above)) {
    const std::string on_host = *shown->source + place.substr(shown->destination->size());
    const PathFacts found = probes_.path(on_host);
    const bool is_directory = found.kind == PathFacts::Kind::Directory;
    if (found.kind == PathFacts::Kind::Missing || is_directory != item.is_directory) {
      return Error{fmt::format("cannot mount upon {}: the host has no such {} in {}", place,
                               item.is_directory ? "directory" : "file", *shown->source),
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
         outer->libraries_only == bind.libraries_only &&
         bind.source == outer->source + bind.destination.substr(outer->destination.size());
}

Status NewRoot::emit(const std::string& place, const Item& item) {
  const Item* above = nearest_above(items_, place);
  const bool inside_bind = shown_by(above).has_value();
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
  add_proc();
  add_devices();
  SBX_TRY(add_system_and_tmp());
  SBX_TRY(add_home_and_cwd());
  SBX_TRY(add_tmpfs());
  SBX_TRY(add_host_paths(policy_.read, As::ReadOnly));
  SBX_TRY(add_host_paths(policy_.write, As::Writable));
  SBX_TRY(add_host_paths(policy_.overlay, As::Overlay));
  SBX_TRY(add_host_paths(policy_.exec, As::Program));
  SBX_TRY(add_host_paths(policy_.dev, As::Device));
  SBX_TRY(add_hidden());
  SBX_TRY(add_machine_id());
  SBX_TRY(add_name_servers());
  SBX_TRY(limit_execution(policy_, facts_, probes_, items_));
  close_aliases(items_);
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
