// SPDX-License-Identifier: Apache-2.0
// What is weighed when it is asked how far a program is exposed: one table of items, whose names, ids
// and weights are those of systemd-analyze(1) security, version 252, so that the two can be compared
// item by item. The file to read first.
//
// Three things can be weighed: a service unit (score/unit.h), a policy (score/policy.h) and a process
// that runs (score/process.h). Each becomes a Fact for every item; score/exposure.h adds them up.
// Everything here is pure.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/origin.h"

namespace sbx::score {

enum class Area : std::uint8_t { Identity, Capabilities, Files, Kernel, Network, Namespaces, Calls, Process, Service };

// In the order of the report. Those between two comments are filled together, by score/facts.h.
enum class Item : std::uint8_t {
  User, SupplementaryGroups, DynamicIpc, NoNewPrivileges, PrivateUsers,
  AmbientCapabilities,
  // One for each set of capabilities.
  CapAdmin, CapSetIds, CapPtrace, CapFileOwner, CapFilePermissions, CapModule, CapRawIo, CapTime, CapNetAdmin,
  CapMknod, CapSyslog, CapAudit, CapKill, CapNet, CapNice, CapMac, CapBoot, CapImmutable, CapIpcLock, CapChroot,
  CapBlockSuspend, CapBpf, CapLease, CapPacct, CapTty, CapWakeAlarm,
  // Files.
  RootDirectory, ProtectSystem, ProtectHome, PrivateTmp, PrivateMounts, ProtectProc, ProcSubset, UMask, RestrictSuidSgid,
  // The kernel and devices.
  PrivateDevices, DeviceAllow, ProtectClock, ProtectKernelTunables, ProtectKernelModules, ProtectKernelLogs,
  ProtectControlGroups, ProtectHostname,
  // Network.
  PrivateNetwork, AddressDeny, FamilyInet, FamilyOther, FamilyPacket, FamilyNetlink, FamilyUnix,
  // Namespaces that can be made.
  NewUser, NewMount, NewPid, NewNet, NewIpc, NewCgroup, NewUts,
  // One for each group of system calls, and the ABI.
  Architectures, CallsClock, CallsDebug, CallsModule, CallsMount, CallsRawIo, CallsReboot, CallsSwap, CallsPrivileged,
  CallsResources, CallsCpuEmulation, CallsObsolete,
  // The rest.
  MemoryDenyWriteExecute, RestrictRealtime, LockPersonality, KeyringMode, Delegate, NotifyAccess,
  Count,
};

inline constexpr std::size_t kItems = static_cast<std::size_t>(Item::Count);

struct ItemInfo {
  Item item;
  Area area;
  std::string_view id;    // "RestrictNamespaces_user", json_field of systemd-analyze
  std::string_view name;  // "RestrictNamespaces=~user"
  unsigned weight;
  unsigned range;         // the badness of a full exposure
  std::string_view open;  // what the program can do; "may make user namespaces"
  std::string_view shut;  // what it cannot
};

std::span<const ItemInfo, kItems> items();
const ItemInfo& info(Item item);
std::string_view name_of(Area area);
inline constexpr std::size_t kAreas = static_cast<std::size_t>(Area::Service) + 1;

// What is known of one item.
struct Fact {
  enum class State : std::uint8_t {
    Rated,
    Meaningless,  // the question does not arise; not weighed
    Unseen,       // it cannot be seen; weighed as fully open
  };
  State state = State::Rated;
  unsigned badness = 0;     // 0 to the item's range
  std::string text;         // instead of the item's own `open` or `shut`; empty: those
  Origin origin{};          // the line that decides, if there is one
};

using Facts = std::array<Fact, kItems>;

}  // namespace sbx::score
