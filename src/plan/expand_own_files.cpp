// SPDX-License-Identifier: Apache-2.0
// sbx's own files on the host, held against what was granted. The attack: a sandboxee that may write
// to a directory above them plants a policy, which the next run obeys. A read-only mount upon the
// directory is not enough: its parent can be renamed and a new one made, and a directory that does
// not exist cannot be mounted upon. So every component of the way, between the granted directory
// and the place, is mounted upon itself (a mount point can be neither renamed nor removed), and what
// is missing is made first.
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <map>

#include "base/path.h"
#include "plan/expand.h"
#include "plan/view.h"
#include "plan/walk.h"

namespace sbx::plan {
namespace {

const Origin kBuiltIn{"built in", 0, 0};

// What nobody but the administrator writes to: a read-only bind of it shows nothing of sbx's secrets.
bool is_of_the_system(const std::string& path) {
  constexpr std::array<std::string_view, 7> kSystem{"/usr", "/etc", "/bin", "/sbin",
                                                    "/lib", "/lib64", "/dev"};
  for (const std::string_view directory : kSystem) {
    if (path::is_below(path, directory)) {
      return true;
    }
  }
  return false;
}

struct Grant {
  Bind bind;
  Origin origin;
};

class OwnFiles {
 public:
  OwnFiles(const Probes& probes, const std::vector<MountOp>& mounts)
      : probes_(probes), mounts_(mounts) {
    for (const MountOp& op : mounts) {
      if (const auto* overlay = std::get_if<OverlayMount>(&op.what)) {
        // Changes there never reach the host: only secrets matter.
        Bind shown{overlay->source, overlay->destination, true, true, false, overlay->source_device,
                   overlay->source_inode};
        grants_.push_back({std::move(shown), op.origin});
        continue;
      }
      const auto* bind = std::get_if<Bind>(&op.what);
      const bool matters =
          bind != nullptr && !bind->device &&
          (!bind->read_only || (!is_of_the_system(bind->source) && is_directory(bind->source)));
      if (matters) {
        grants_.push_back({*bind, op.origin});
      }
    }
  }

  Result<std::vector<MountOp>> hold(const std::vector<OwnPath>& own) {
    for (std::size_t i = 0; !grants_.empty() && i < own.size(); ++i) {
      SBX_TRY(hold(own[i]));
    }
    std::vector<MountOp> ops;
    for (auto& [place, held] : held_) {  // parents before what lies below them
      if (held.is_missing) {
        ops.push_back({MakeOnHost{place, held.on_host}, kBuiltIn});
      }
      ops.push_back({std::move(held.op), kBuiltIn});
    }
    return ops;
  }

 private:
  struct Held {
    decltype(MountOp::what) op;
    bool is_missing = false;
    std::string on_host;
  };

  const PathFacts& facts_of(const std::string& path) {
    const auto found = facts_.find(path);
    return found != facts_.end() ? found->second : facts_.emplace(path, probes_.path(path)).first->second;
  }

  bool is_directory(const std::string& path) {
    return facts_of(path).kind == PathFacts::Kind::Directory;
  }

  const std::optional<LinkFacts>& link_of(const std::string& path) {
    const auto found = links_.find(path);
    return found != links_.end() ? found->second : links_.emplace(path, probes_.link(path)).first->second;
  }

  // By number too: one directory may be reached by several paths (a bind mount of the host).
  bool is_source(const Bind& bind, const std::string& place) {
    const PathFacts& found = facts_of(place);
    return place == bind.source || (found.inode != 0 && found.inode == bind.source_inode &&
                                    found.device == bind.source_device);
  }

  Status hold(const OwnPath& own) {
    const auto way = walk(own.path, [this](const std::string& path) { return link_of(path); }, {});
    if (!way) {
      return {};  // a circle of links: no file of sbx's can be there
    }
    for (const Grant& grant : grants_) {
      const bool inside = path::is_below(grant.bind.source, way->end) || is_source(grant.bind, way->end);
      if (inside && !grant.bind.read_only) {
        return Error{fmt::format("cannot grant {} writable: sbx's own files are there", grant.bind.source),
                     0, grant.origin,
                     "what a command writes there, the next run would obey; grant it with --ro, or "
                     "work on it outside of the sandbox"};
      }
      hold(own, *way, grant);
    }
    return {};
  }

  void hold(const OwnPath& own, const Walk& way, const Grant& grant) {
    const std::string* root = nullptr;  // the step that is the granted directory
    for (const Step& step : way.steps) {
      if (!step.link && is_source(grant.bind, step.place)) {
        root = &step.place;
      } else if (root != nullptr && path::is_below(step.place, *root)) {
        const std::string place = grant.bind.destination + step.place.substr(root->size());
        if (!hold(own, step, step.place == way.end, place, grant)) {
          return;
        }
      }
    }
  }

  // False: what follows cannot be reached.
  bool hold(const OwnPath& own, const Step& step, bool is_end, const std::string& place,
            const Grant& grant) {
    const MountOp* shown_by = deciding(mounts_, place);
    if (shown_by == nullptr || destination_of(*shown_by) != grant.bind.destination) {
      return true;  // another mount stands there, and holds the place by that
    }
    const bool is_missing = !step.link && facts_of(step.place).kind == PathFacts::Kind::Missing;
    if (is_missing && (facts_of(step.place).errno_value != ENOENT || own.is_file)) {
      return false;
    }
    if (is_end && own.is_secret && !(is_missing && grant.bind.read_only)) {
      constexpr std::uint64_t kOnePage = 4096;
      if (shows_below(place)) {
        held_.insert_or_assign(place, Held{Pin{place, true}, is_missing, step.place});
      } else {
        held_.insert_or_assign(place, Held{Tmpfs{place, 0, kOnePage, true}, is_missing, step.place});
      }
    } else if (!grant.bind.read_only) {
      held_.try_emplace(place, Held{Pin{place, is_end}, is_missing, step.place});
    }
    return true;
  }

  // The user has named something in there.
  bool shows_below(const std::string& place) const {
    for (const MountOp& op : mounts_) {
      if (path::is_below(destination_of(op), place)) {
        return true;
      }
    }
    return false;
  }

  const Probes& probes_;
  const std::vector<MountOp>& mounts_;
  std::vector<Grant> grants_;
  std::map<std::string, PathFacts> facts_;
  std::map<std::string, std::optional<LinkFacts>> links_;
  std::map<std::string, Held> held_;  // by place inside
};

}  // namespace

Result<std::vector<MountOp>> expand_own_files(const std::vector<OwnPath>& own,
                                              const std::vector<MountOp>& mounts,
                                              const Probes& probes) {
  return OwnFiles(probes, mounts).hold(own);
}

}  // namespace sbx::plan
