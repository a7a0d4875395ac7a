// SPDX-License-Identifier: Apache-2.0
// What resolve may know of the machine. Values only: host/probe.h fills them, tests write them
// as literals. Nothing above `launch` asks the kernel, the environment or the clock.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "seccomp/filter_spec.h"

namespace sbx::plan {

struct HostFacts {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string user_name;                     // from passwd(5); the number as text if unknown
  std::string home;                          // of that user; "/" if unknown
  std::string cwd;
  std::map<std::string, std::string> environment;
  std::array<bool, 3> terminals{};           // which of the descriptors 0, 1 and 2 are terminals
  std::string hostname;                      // uname -n
  std::string os_release;                    // uname -r
  seccomp::Arch arch = seccomp::Arch::X86_64;
  bool has_mdwe = false;                     // prctl(PR_SET_MDWE), Linux 6.3
  bool has_wait_killable = false;            // SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, Linux 5.19
  int landlock_abi = 0;                      // 0: not there
  // Tried only where --allow-degraded permits to do without; else a launch finds out itself.
  bool has_namespaces = true;
  bool has_listener = true;                  // seccomp notification
  std::vector<std::string> name_servers;     // of resolv.conf(5); read only for network.dns = "host"
};

// cgroups(7), version 2, as far as this user may use it.
struct CgroupFacts {
  std::string delegated;                 // directory below which groups can be made; empty: none
  std::vector<std::string> controllers;  // that those groups can have: "memory", "pids", "cpu"
  bool vacate = false;                   // sbx is in `delegated` itself, alone, and must step down first
  std::string user_bus;                  // socket of the bus of the user's systemd, which makes a scope
                                         // for who asks; empty: none
  std::vector<std::string> bus_controllers;
  std::string mount;                     // of version 2: "/sys/fs/cgroup"
  std::string why_not;                   // for people, where there is neither
};

// What a path on the host leads to, symbolic links followed once, here.
struct PathFacts {
  enum class Kind : std::uint8_t { Missing, File, Directory, Device, Socket, Other };
  Kind kind = Kind::Missing;
  int errno_value = 0;         // for Missing: why (ENOENT, EACCES, ELOOP …)
  std::string canonical;       // absolute, without symbolic links
  std::uint64_t device = 0;    // st_dev and st_ino of what was found: the child refuses anything
  std::uint64_t inode = 0;     // else that stands there by then (a link planted meanwhile)
  bool executable = false;     // by the caller's effective ids
};

using PathProbe = std::function<PathFacts(const std::string& path)>;

// A symbolic link itself.
struct LinkFacts {
  std::string target;       // as written: "usr/bin" for /bin
  std::uint32_t owner = 0;  // st_uid of the link
  bool fixed = false;       // of the caller's own: it lies on a mount that is read-only to them
};

// Nothing if there is no symbolic link at the path.
using LinkProbe = std::function<std::optional<LinkFacts>(const std::string& path)>;

// What the file of a program says about its start.
struct ProgramFacts {
  std::string interpreter;        // PT_INTERP of an ELF file, or of the #! line; empty: none
  bool executable_stack = false;  // PT_GNU_STACK asks for one (elf(5))
};

using ProgramProbe = std::function<ProgramFacts(const std::string& path)>;

// The id of a user or group by name, from passwd(5) or group(5).
struct AccountProbe {
  std::function<std::optional<std::uint32_t>(const std::string& user)> uid_of;
  std::function<std::optional<std::uint32_t>(const std::string& group)> gid_of;
};

struct Probes {
  PathProbe path;
  LinkProbe link;
  AccountProbe accounts;
  std::function<std::string()> random_machine_id;  // 32 hexadecimal digits, others at each call
  std::function<CgroupFacts()> cgroup;  // asked only for limits that want one
  ProgramProbe program = [](const std::string&) { return ProgramFacts{}; };
};

}  // namespace sbx::plan
