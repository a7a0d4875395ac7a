// SPDX-License-Identifier: Apache-2.0
// What may be executed. Two layers: Landlock refuses execve; and since the ELF loader, which must be
// executable itself, maps any file it is given (ld.so /usr/bin/python3), everything but the libraries
// is on a noexec mount, where nothing can be mapped executable. What remains: a program that is kept
// among the libraries (/usr/lib/git-core) can be started by way of the loader.
#include <array>
#include <string_view>
#include <vector>

#include "base/path.h"
#include "plan/new_root.h"

namespace sbx::plan {
namespace {

constexpr std::array<std::string_view, 11> kLibraries{
    "/lib",        "/lib32",      "/lib64",         "/libx32",    "/usr/lib",  "/usr/lib32",
    "/usr/lib64",  "/usr/libx32", "/usr/local/lib", "/nix/store", "/gnu/store"};
// Of a script's interpreter that is a script, and so on: as the kernel (BINPRM recursion, exec.c).
constexpr int kMaxInterpreters = 5;

Bind* bind_of(Item& item) {
  auto* bind = std::get_if<Bind>(&item.op.what);
  return bind != nullptr && !bind->device ? bind : nullptr;
}

const Bind* bind_of(const Item* item) {
  const auto* bind = item == nullptr ? nullptr : std::get_if<Bind>(&item->op.what);
  return bind != nullptr && !bind->device ? bind : nullptr;
}

Item same_place(const PathFacts& found, const Origin& origin) {
  Item item;
  item.op = {Bind{found.canonical, found.canonical, true, false, false, found.device, found.inode}, origin};
  item.is_directory = found.kind == PathFacts::Kind::Directory;
  return item;
}

void open_libraries(const Origin& origin, const Probes& probes, Items& items) {
  for (const std::string_view name : kLibraries) {
    const std::string directory(name);
    const Bind* shown = bind_of(shown_at(items, directory));
    const PathFacts found = probes.path(directory);
    const bool is_itself = found.kind == PathFacts::Kind::Directory && found.canonical == directory;
    const auto own = items.find(directory);
    const bool is_named = own != items.end() && own->second.may_execute;
    if (shown == nullptr || !shown->read_only || !is_itself || is_named) {
      continue;
    }
    Item item = same_place(found, origin);
    std::get<Bind>(item.op.what).libraries_only = true;
    items[directory] = std::move(item);
  }
}

std::string loader_of(seccomp::Arch arch) {
  return arch == seccomp::Arch::Aarch64 ? "/lib/ld-linux-aarch64.so.1" : "/lib64/ld-linux-x86-64.so.2";
}

// What starts the program at `path`, and what starts that.
void open_interpreters(const std::string& path, const Origin& origin, const HostFacts& facts,
                       const Probes& probes, Items& items) {
  PathFacts at = probes.path(path);
  for (int i = 0; i < kMaxInterpreters; ++i) {
    const std::string name = at.kind == PathFacts::Kind::Directory
                                 ? loader_of(facts.arch)
                                 : probes.program(at.canonical).interpreter;
    at = name.empty() ? PathFacts{} : probes.path(name);
    if (at.kind != PathFacts::Kind::File) {
      return;
    }
    Item item = same_place(at, origin);
    item.may_execute = true;
    items[at.canonical] = std::move(item);
  }
}

}  // namespace

const Item* nearest_above(const Items& items, const std::string& place) {
  for (std::string above = path::parent(place); above != "/"; above = path::parent(above)) {
    if (const auto found = items.find(above); found != items.end()) {
      return &found->second;
    }
  }
  return nullptr;
}

const Item* shown_at(const Items& items, const std::string& place) {
  const auto found = items.find(place);
  return found != items.end() ? &found->second : nearest_above(items, place);
}

Status limit_execution(const policy::Policy& policy, const HostFacts& facts, const Probes& probes,
                       Items& items) {
  if (policy.exec.empty()) {
    return {};
  }
  std::map<std::string, Origin> programs;
  for (auto& [place, item] : items) {
    Bind* bind = bind_of(item);
    if (bind != nullptr && item.may_execute) {
      programs.emplace(bind->source, item.op.origin);
    } else if (bind != nullptr) {
      bind->no_exec = true;
    }
  }
  open_libraries(policy.exec.front().entry.origin, probes, items);
  for (const auto& [source, origin] : programs) {
    open_interpreters(source, origin, facts, probes, items);
  }
  return {};
}

void close_aliases(Items& items) {
  std::vector<Item> writable;
  for (const auto& [place, item] : items) {
    if (const Bind* bind = bind_of(&item); bind != nullptr && !bind->read_only) {
      writable.push_back(item);
    }
  }
  for (const Item& grant : writable) {
    const Bind& written = std::get<Bind>(grant.op.what);
    Items covers;
    for (auto& [place, item] : items) {
      Bind* other = bind_of(item);
      if (other == nullptr || other->no_exec) {
        continue;
      }
      if (path::is_below(other->source, written.source)) {
        const std::string by = written.destination + other->source.substr(written.source.size());
        const Bind* shown = bind_of(shown_at(items, by));
        other->no_exec = shown != nullptr && shown->destination == written.destination;
      } else if (path::is_below(written.source, other->source)) {
        const std::string by = other->destination + written.source.substr(other->source.size());
        const Bind* shown = bind_of(shown_at(items, by));
        if (shown != nullptr && shown->destination == other->destination) {
          Item cover = grant;
          std::get<Bind>(cover.op.what) = {written.source, by, true, true, false, written.source_device,
                                           written.source_inode};
          covers.emplace(by, std::move(cover));
        }
      }
    }
    items.merge(covers);
  }
}

}  // namespace sbx::plan
