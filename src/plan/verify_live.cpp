// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <functional>
#include <set>
#include <utility>

#include "base/path.h"
#include "base/text.h"
#include "plan/live_sandbox.h"
#include "plan/print.h"
#include "plan/view.h"

namespace sbx::plan {
namespace {

using State = Promise::State;

struct NamespaceName {
  std::uint64_t flag;
  std::string_view link;  // in /proc/PID/ns
};
constexpr std::array kNamespaces{
    NamespaceName{CLONE_NEWUSER, "user"}, NamespaceName{CLONE_NEWNS, "mnt"},
    NamespaceName{CLONE_NEWPID, "pid"},   NamespaceName{CLONE_NEWNET, "net"},
    NamespaceName{CLONE_NEWIPC, "ipc"},   NamespaceName{CLONE_NEWUTS, "uts"},
    NamespaceName{CLONE_NEWCGROUP, "cgroup"}, NamespaceName{CLONE_NEWTIME, "time"},
};

struct LimitName {
  int resource;
  std::string_view line;  // in /proc/PID/limits
};
constexpr std::array kLimits{
    LimitName{RLIMIT_AS, "Max address space"},   LimitName{RLIMIT_NPROC, "Max processes"},
    LimitName{RLIMIT_NOFILE, "Max open files"},  LimitName{RLIMIT_CPU, "Max cpu time"},
    LimitName{RLIMIT_FSIZE, "Max file size"},    LimitName{RLIMIT_CORE, "Max core file size"},
};

std::string who(const LiveProcess& process) {
  return fmt::format("{} (pid {})", escape(process.name), process.pid);
}

// Holds if `differs` has nothing to say of any process; else Broken, with what it said of the first.
Promise about(std::string text, const std::vector<const LiveProcess*>& processes,
              const std::function<std::string(const LiveProcess&)>& differs, Origin origin = {}) {
  Promise promise{State::Kept, std::move(text), {}, std::move(origin)};
  std::size_t broken = 0;
  for (const LiveProcess* process : processes) {
    if (std::string difference = differs(*process); !difference.empty() && broken++ == 0) {
      promise.detail = fmt::format("{}: {}", who(*process), difference);
    }
  }
  if (broken > 0) {
    promise.state = State::Broken;
  }
  promise.detail += broken > 1 ? fmt::format(", and {} more", broken - 1) : "";
  return promise;
}

class Verification {
 public:
  Verification(const LaunchPlan& plan, const LiveSandbox& sandbox) : plan_(plan), sandbox_(sandbox) {
    for (const LiveProcess& process : sandbox.processes) {
      inside_.push_back(&process);
    }
    all_ = inside_;
    all_.push_back(&sandbox.init);
  }

  std::vector<Promise> run() {
    identity();
    namespaces();
    mounts();
    files();
    capabilities();
    filter();
    limits();
    supervisor();
    hidden();
    return std::move(promises_);
  }

 private:
  void add(Promise promise) { promises_.push_back(std::move(promise)); }

  void identity() {
    const Identity& id = plan_.identity;
    add(about(fmt::format("uid {} and gid {} outside", id.outside_uid, id.outside_gid), all_,
              [&](const LiveProcess& process) {
                return process.uid == id.outside_uid && process.gid == id.outside_gid
                           ? ""
                           : fmt::format("uid {}, gid {}", process.uid, process.gid);
              },
              id.origin));
  }

  // A namespace that the command made of its own, where namespaces.nested permits it, is one more.
  void namespaces() {
    for (const auto& [flag, link] : kNamespaces) {
      const std::string name(link);
      const auto outside = sandbox_.namespaces.find(name);
      if (outside == sandbox_.namespaces.end()) {
        continue;  // the kernel has no such kind
      }
      const bool own = (plan_.namespaces.own & flag) != 0;
      add(about(fmt::format("{} {} namespace", own ? "its own" : "the host's", link), inside_,
                [&](const LiveProcess& process) -> std::string {
                  const auto inside = process.namespaces.find(name);
                  if (inside == process.namespaces.end()) {
                    return "cannot be looked at";
                  }
                  const bool is_shared = inside->second == outside->second;
                  return is_shared == own ? (own ? "is in the host's" : "is in another") : "";
                }));
    }
  }

  // All processes are in one mount namespace, but for nested ones, which begin as a copy.
  void mounts() {
    if (inside_.empty()) {
      return;
    }
    const LiveProcess& process = *inside_.front();
    const auto root = top_at(process, "/");
    const bool sealed = root != nullptr && root->read_only;
    add({sealed ? State::Kept : State::Broken, "the root is read-only",
         sealed ? "" : who(process) + ": it can be written to", {}});
    std::set<std::string> places{"/"};
    std::size_t kept = 0;
    for (const MountOp& op : plan_.mounts) {
      if (const auto wanted = std::visit(Wanted{}, op.what)) {
        places.insert(destination_of(op));
        kept += check_mount(process, op, *wanted) ? 1u : 0u;
      }
    }
    add({State::Kept, fmt::format("{} mounts, with their flags", kept), "", {}});
    for (const LiveMount& mount : process.mounts) {
      if (!is_expected(places, mount)) {
        add({State::Broken, "no mount that the plan does not name",
             fmt::format("{}: a {} on {}", who(process), escape(mount.type), escape(mount.place)), {}});
      }
    }
  }

  struct Flags {
    bool read_only = false, no_dev = false, no_exec = false;
  };
  // What a mount of the plan must be; nothing for an operation that mounts nothing.
  struct Wanted {
    std::optional<Flags> operator()(const MakeDirectory&) const { return std::nullopt; }
    std::optional<Flags> operator()(const MakeFile&) const { return std::nullopt; }
    std::optional<Flags> operator()(const MakeSymlink&) const { return std::nullopt; }
    std::optional<Flags> operator()(const MakeOnHost&) const { return std::nullopt; }
    std::optional<Flags> operator()(const Bind& op) const {
      return Flags{op.read_only, !op.device, op.no_exec};
    }
    std::optional<Flags> operator()(const Tmpfs& op) const { return Flags{op.read_only, true, true}; }
    std::optional<Flags> operator()(const OverlayMount&) const { return Flags{false, true, true}; }
    std::optional<Flags> operator()(const Proc& op) const {
      return op.show == Proc::Show::Nothing ? std::nullopt : std::optional(Flags{op.read_only, true, true});
    }
    std::optional<Flags> operator()(const Devpts&) const { return Flags{false, false, true}; }
    std::optional<Flags> operator()(const Pin& op) const { return Flags{op.read_only, false, false}; }
  };

  static const LiveMount* top_at(const LiveProcess& process, const std::string& place) {
    const auto found = std::find_if(process.mounts.rbegin(), process.mounts.rend(),
                                    [&](const LiveMount& mount) { return mount.place == place; });
    return found == process.mounts.rend() ? nullptr : &*found;
  }

  bool check_mount(const LiveProcess& process, const MountOp& op, const Flags& wanted) {
    const LiveMount* mount = top_at(process, destination_of(op));
    std::vector<std::string> lacking;
    if (mount == nullptr) {
      lacking.emplace_back("is not there");
    } else {
      const std::pair<bool, const char*> flags[] = {
          {wanted.read_only && !mount->read_only, "is not read-only"},
          {!mount->no_suid, "is not nosuid"},
          {wanted.no_dev && !mount->no_dev, "is not nodev"},
          {wanted.no_exec && !mount->no_exec, "is not noexec"},
      };
      for (const auto& [lacks, words] : flags) {
        if (lacks) {
          lacking.emplace_back(words);
        }
      }
    }
    if (!lacking.empty()) {
      add({State::Broken, describe(op), join(lacking, ", "), op.origin});
    }
    return lacking.empty();
  }

  // Mounts of the host below a granted directory come along with it.
  static bool is_expected(const std::set<std::string>& places, const LiveMount& mount) {
    return std::any_of(places.begin(), places.end(), [&](const std::string& place) {
      return mount.place == place || (place != "/" && path::is_below(mount.place, place));
    });
  }

  // A directory of the host that stayed open would lead out of the new root (openat(2)).
  void files() {
    constexpr int kFirstAfterStderr = 3;
    const auto& kept = plan_.keep_fds;
    add(about("no file open from outside but 0, 1, 2 and what --keep-fd names", inside_,
              [&](const LiveProcess& process) -> std::string {
                for (const LiveFile& file : process.files) {
                  const bool handed_in = file.descriptor < kFirstAfterStderr ||
                                         std::find(kept.begin(), kept.end(), file.descriptor) != kept.end();
                  const bool is_inside =
                      std::any_of(process.mounts.begin(), process.mounts.end(),
                                  [&](const LiveMount& mount) { return mount.id == file.mount_id; });
                  if (!handed_in && !is_inside) {
                    return fmt::format("descriptor {} is {}", file.descriptor, escape(file.path));
                  }
                }
                return "";
              }));
  }

  void capabilities() {
    const std::uint64_t kept = plan_.capabilities;
    const std::string text = kept == 0 ? "no capability in any of the five sets"
                                          : fmt::format("no capability but the kept {:#x}", kept);
    add(about(text, inside_, [&](const LiveProcess& process) {
      const std::uint64_t found = process.inheritable | process.permitted | process.effective |
                                  process.bounding | process.ambient;
      return (found & ~kept) == 0 ? std::string() : fmt::format("has {:#x}", found & ~kept);
    }));
  }

  void filter() {
    add(about("no_new_privs", all_, [](const LiveProcess& process) {
      return process.no_new_privs ? "" : "not set";
    }));
    // A program may add filters of its own, which can only take away.
    add(about("a system call filter", all_, [](const LiveProcess& process) {
      return process.seccomp_mode == 2 && process.filters >= 1
                 ? std::string()
                 : fmt::format("seccomp mode {}, {} filters", process.seccomp_mode, process.filters);
    }));
  }

  void limits() {
    for (const ResourceLimit& limit : plan_.limits) {
      const auto known = std::find_if(kLimits.begin(), kLimits.end(),
                                      [&](const LimitName& name) { return name.resource == limit.resource; });
      if (known == kLimits.end()) {
        continue;
      }
      const std::string line(known->line);
      add(about(fmt::format("limits.{} = {}", limit.name, limit.value), inside_,
                [&](const LiveProcess& process) {
                  const auto found = process.limits.find(line);
                  return found != process.limits.end() && found->second.hard <= limit.value
                             ? std::string()
                             : std::string("its limit is higher");
                },
                limit.origin));
    }
  }

  void supervisor() {
    add(about("the supervisor confines itself", {&sandbox_.supervisor}, [](const LiveProcess& process) {
      return process.no_new_privs && process.seccomp_mode == 2
                 ? std::string()
                 : std::string("it has no filter of its own");
    }));
    add(about("init has no capability", {&sandbox_.init}, [this](const LiveProcess& process) {
      const std::uint64_t found = process.permitted | process.effective | process.inheritable | process.ambient;
      return (found & ~plan_.capabilities) == 0 ? std::string() : fmt::format("has {:#x}", found);
    }));
  }

  // What no file of procfs shows (Linux 6.18).
  void hidden() {
    if (plan_.landlock.abi > 0) {
      add({State::Unseen, "Landlock", "the kernel shows it nowhere", {}});
    }
    if (plan_.mdwe) {
      add({State::Unseen, "MDWE", "the kernel shows it nowhere; sbx run --self-test tries it", {}});
    }
  }

  const LaunchPlan& plan_;
  const LiveSandbox& sandbox_;
  std::vector<const LiveProcess*> inside_;  // the command and what it started
  std::vector<const LiveProcess*> all_;     // and init
  std::vector<Promise> promises_;
};

}  // namespace

std::vector<Promise> verify_live(const LaunchPlan& plan, const LiveSandbox& sandbox) {
  return Verification(plan, sandbox).run();
}

}  // namespace sbx::plan
