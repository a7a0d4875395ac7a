// SPDX-License-Identifier: Apache-2.0
// A host made of literals: which paths are there, and where its symbolic links lead.
#pragma once

#include <cerrno>
#include <map>
#include <string>

#include "base/path.h"
#include "plan/host_facts.h"

namespace sbx::plan {

struct FakeHost {
  std::map<std::string, PathFacts::Kind> paths;
  std::map<std::string, std::string> links;  // "/bin" → "usr/bin"
  std::map<std::string, std::uint32_t> link_owners;  // of those that are not root's
  std::map<std::string, std::uint32_t> users;
  std::map<std::string, std::uint32_t> groups;
  CgroupFacts cgroup = no_cgroup();

  Probes probes() const {
    Probes all;
    all.path = [this](const std::string& path) { return facts_of(path); };
    all.link = [this](const std::string& path) { return link_of(path); };
    all.accounts = {[this](const std::string& name) { return id_of(users, name); },
                    [this](const std::string& name) { return id_of(groups, name); }};
    all.random_machine_id = [] { return std::string("0123456789abcdef0123456789abcdef"); };
    all.cgroup = [this] { return cgroup; };
    return all;
  }

 private:
  static CgroupFacts no_cgroup() {
    CgroupFacts none;
    none.why_not = "this host gives none";
    return none;
  }

  static std::optional<std::uint32_t> id_of(const std::map<std::string, std::uint32_t>& ids,
                                            const std::string& name) {
    const auto found = ids.find(name);
    return found == ids.end() ? std::nullopt : std::optional(found->second);
  }

  std::optional<LinkFacts> link_of(const std::string& path) const {
    const auto found = links.find(path);
    if (found == links.end()) {
      return std::nullopt;
    }
    return LinkFacts{found->second, id_of(link_owners, path).value_or(0)};
  }

  std::string canonical(std::string path) const {
    for (int hops = 0; hops < 40; ++hops) {
      bool followed = false;
      for (const auto& [link, target] : links) {
        if (path::is_below(path, link)) {
          path = path::normalise(target + path.substr(link.size()), path::parent(link));
          followed = true;
          break;
        }
      }
      if (!followed) {
        return path;
      }
    }
    return path;
  }

  PathFacts facts_of(const std::string& path) const {
    PathFacts facts;
    facts.canonical = canonical(path);
    const auto found = paths.find(facts.canonical);
    if (found == paths.end()) {
      facts.errno_value = ENOENT;
      return facts;
    }
    facts.kind = found->second;
    facts.executable = found->second == PathFacts::Kind::File;
    return facts;
  }
};

inline FakeHost debian() {
  using Kind = PathFacts::Kind;
  FakeHost host;
  for (const char* directory :
       {"/usr", "/usr/bin", "/usr/lib", "/usr/share", "/etc", "/etc/ssl", "/srv/www", "/home/u", "/home/u/work"}) {
    host.paths[directory] = Kind::Directory;
  }
  for (const char* file : {"/usr/bin/true", "/usr/bin/mawk", "/etc/passwd", "/etc/hosts", "/home/u/work/prog",
                           "/usr/sbin/nginx", "/usr/share/zoneinfo/UTC"}) {
    host.paths[file] = Kind::File;
  }
  for (const char* device : {"/dev/null", "/dev/zero"}) {
    host.paths[device] = Kind::Device;
  }
  host.links = {{"/bin", "usr/bin"}, {"/lib", "usr/lib"}, {"/etc/localtime", "/usr/share/zoneinfo/UTC"}};
  host.users = {{"root", 0}, {"www-data", 33}};
  host.groups = {{"root", 0}, {"www-data", 33}};
  return host;
}

}  // namespace sbx::plan
