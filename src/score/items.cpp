// SPDX-License-Identifier: Apache-2.0
#include "score/items.h"

namespace sbx::score {
namespace {

constexpr std::array<ItemInfo, kItems> kTable = {{
    {Item::User, Area::Identity, "UserOrDynamicUser", "User=/DynamicUser=", 2000, 10, "is root", "is a user of its own"},
    {Item::SupplementaryGroups, Area::Identity, "SupplementaryGroups", "SupplementaryGroups=", 200, 1,
     "belongs to further groups", "belongs to no further group"},
    {Item::DynamicIpc, Area::Identity, "RemoveIPC", "RemoveIPC=", 100, 1, "leaves System V IPC objects behind",
     "leaves no IPC objects behind"},
    {Item::NoNewPrivileges, Area::Identity, "NoNewPrivileges", "NoNewPrivileges=", 1000, 1,
     "gains privileges through setuid programs and file capabilities", "gains no privileges by execve"},
    {Item::PrivateUsers, Area::Identity, "PrivateUsers", "PrivateUsers=", 1000, 1, "is in the host's user namespace",
     "has a user namespace of its own"},
    {Item::AmbientCapabilities, Area::Capabilities, "AmbientCapabilities", "AmbientCapabilities=", 500, 1,
     "starts with capabilities", "starts without capabilities"},

    {Item::CapAdmin, Area::Capabilities, "CapabilityBoundingSet_CAP_SYS_ADMIN", "CapabilityBoundingSet=~CAP_SYS_ADMIN",
     1500, 1, "can administer the system", "cannot administer the system"},
    {Item::CapSetIds, Area::Capabilities, "CapabilityBoundingSet_CAP_SET_UID_GID_PCAP",
     "CapabilityBoundingSet=~CAP_SET(UID|GID|PCAP)", 1500, 1, "can become any user, and change capabilities",
     "can become no other user"},
    {Item::CapPtrace, Area::Capabilities, "CapabilityBoundingSet_CAP_SYS_PTRACE", "CapabilityBoundingSet=~CAP_SYS_PTRACE",
     1500, 1, "can trace any process", "cannot trace others' processes"},
    {Item::CapFileOwner, Area::Capabilities, "CapabilityBoundingSet_CAP_CHOWN_FSETID_SETFCAP",
     "CapabilityBoundingSet=~CAP_(CHOWN|FSETID|SETFCAP)", 1000, 1, "can change the owner, mode and capabilities of any file",
     "cannot change others' files' owners"},
    {Item::CapFilePermissions, Area::Capabilities, "CapabilityBoundingSet_CAP_DAC_FOWNER_IPC_OWNER",
     "CapabilityBoundingSet=~CAP_(DAC_*|FOWNER|IPC_OWNER)", 1000, 1, "passes over permissions of files and IPC objects",
     "is held by permissions of files"},
    {Item::CapModule, Area::Capabilities, "CapabilityBoundingSet_CAP_SYS_MODULE", "CapabilityBoundingSet=~CAP_SYS_MODULE",
     1000, 1, "has the capability to load kernel modules", "has no capability to load kernel modules"},
    {Item::CapRawIo, Area::Capabilities, "CapabilityBoundingSet_CAP_SYS_RAWIO", "CapabilityBoundingSet=~CAP_SYS_RAWIO",
     1000, 1, "reaches ports and physical memory", "reaches no ports or physical memory"},
    {Item::CapTime, Area::Capabilities, "CapabilityBoundingSet_CAP_SYS_TIME", "CapabilityBoundingSet=~CAP_SYS_TIME", 1000,
     1, "has the capability to set the clock", "has no capability to set the clock"},
    {Item::CapNetAdmin, Area::Capabilities, "CapabilityBoundingSet_CAP_NET_ADMIN", "CapabilityBoundingSet=~CAP_NET_ADMIN",
     1000, 1, "can configure the network", "cannot configure the network"},
    {Item::CapMknod, Area::Capabilities, "CapabilityBoundingSet_CAP_MKNOD", "CapabilityBoundingSet=~CAP_MKNOD", 500, 1,
     "can make device nodes", "cannot make device nodes"},
    {Item::CapSyslog, Area::Capabilities, "CapabilityBoundingSet_CAP_SYSLOG", "CapabilityBoundingSet=~CAP_SYSLOG", 500, 1,
     "has the capability to read and clear the kernel's log", "has no capability over the kernel's log"},
    {Item::CapAudit, Area::Capabilities, "CapabilityBoundingSet_CAP_AUDIT", "CapabilityBoundingSet=~CAP_AUDIT_*", 500, 1,
     "reads or changes the audit log", "has nothing to do with the audit log"},
    {Item::CapKill, Area::Capabilities, "CapabilityBoundingSet_CAP_KILL", "CapabilityBoundingSet=~CAP_KILL", 500, 1,
     "can signal any process", "can signal its own user's processes only"},
    {Item::CapNet, Area::Capabilities, "CapabilityBoundingSet_CAP_NET_BIND_SERVICE_BROADCAST_RAW)",
     "CapabilityBoundingSet=~CAP_NET_(BIND_SERVICE|BROADCAST|RAW)", 500, 1, "binds low ports, or forges packets",
     "binds no low ports and forges no packets"},
    {Item::CapNice, Area::Capabilities, "CapabilityBoundingSet_CAP_SYS_NICE_RESOURCE",
     "CapabilityBoundingSet=~CAP_SYS_(NICE|RESOURCE)", 500, 1, "passes over limits and priorities",
     "is held by limits and priorities"},
    {Item::CapMac, Area::Capabilities, "CapabilityBoundingSet_CAP_MAC", "CapabilityBoundingSet=~CAP_MAC_*", 100, 1,
     "changes mandatory access control", "cannot change mandatory access control"},
    {Item::CapBoot, Area::Capabilities, "CapabilityBoundingSet_CAP_SYS_BOOT", "CapabilityBoundingSet=~CAP_SYS_BOOT", 100, 1,
     "has the capability to restart the machine", "has no capability to restart the machine"},
    {Item::CapImmutable, Area::Capabilities, "CapabilityBoundingSet_CAP_LINUX_IMMUTABLE",
     "CapabilityBoundingSet=~CAP_LINUX_IMMUTABLE", 75, 1, "can make files immutable", "cannot make files immutable"},
    {Item::CapIpcLock, Area::Capabilities, "CapabilityBoundingSet_CAP_IPC_LOCK", "CapabilityBoundingSet=~CAP_IPC_LOCK", 50,
     1, "locks as much memory as it likes", "locks no more memory than its limit"},
    {Item::CapChroot, Area::Capabilities, "CapabilityBoundingSet_CAP_SYS_CHROOT", "CapabilityBoundingSet=~CAP_SYS_CHROOT",
     50, 1, "can call chroot", "cannot call chroot"},
    {Item::CapBlockSuspend, Area::Capabilities, "CapabilityBoundingSet_CAP_BLOCK_SUSPEND",
     "CapabilityBoundingSet=~CAP_BLOCK_SUSPEND", 25, 1, "can keep the machine awake", "cannot keep the machine awake"},
    {Item::CapBpf, Area::Capabilities, "CapabilityBoundingSet_CAP_BPF", "CapabilityBoundingSet=~CAP_BPF", 25, 1,
     "loads BPF programs", "loads no BPF programs"},
    {Item::CapLease, Area::Capabilities, "CapabilityBoundingSet_CAP_LEASE", "CapabilityBoundingSet=~CAP_LEASE", 25, 1,
     "takes leases on any file", "takes leases on its own files only"},
    {Item::CapPacct, Area::Capabilities, "CapabilityBoundingSet_CAP_SYS_PACCT", "CapabilityBoundingSet=~CAP_SYS_PACCT", 25,
     1, "switches process accounting", "cannot switch process accounting"},
    {Item::CapTty, Area::Capabilities, "CapabilityBoundingSet_CAP_SYS_TTY_CONFIG",
     "CapabilityBoundingSet=~CAP_SYS_TTY_CONFIG", 25, 1, "can hang up terminals", "cannot hang up terminals"},
    {Item::CapWakeAlarm, Area::Capabilities, "CapabilityBoundingSet_CAP_WAKE_ALARM", "CapabilityBoundingSet=~CAP_WAKE_ALARM",
     25, 1, "wakes the machine", "cannot wake the machine"},

    {Item::RootDirectory, Area::Files, "RootDirectoryOrRootImage", "RootDirectory=/RootImage=", 200, 1, "sees the host's root",
     "has a root of its own"},
    {Item::ProtectSystem, Area::Files, "ProtectSystem", "ProtectSystem=", 1000, 10, "may write the system's files",
     "has the system read-only"},
    {Item::ProtectHome, Area::Files, "ProtectHome", "ProtectHome=", 1000, 10, "sees the homes, and may write to them",
     "sees no home"},
    {Item::PrivateTmp, Area::Files, "PrivateTmp", "PrivateTmp=", 1000, 1, "shares /tmp with others", "has a /tmp of its own"},
    {Item::PrivateMounts, Area::Files, "PrivateMounts", "PrivateMounts=", 1000, 1, "makes mounts that the host sees",
     "makes no mounts that the host sees"},
    {Item::ProtectProc, Area::Files, "ProtectProc", "ProtectProc=", 1000, 3, "sees every process in /proc",
     "sees no others' processes in /proc"},
    {Item::ProcSubset, Area::Files, "ProcSubset", "ProcSubset=", 10, 1, "sees what /proc tells of the kernel",
     "sees processes only in /proc"},
    {Item::UMask, Area::Files, "UMask", "UMask=", 100, 10, "makes files that everybody may write",
     "makes files for its own user only"},
    {Item::RestrictSuidSgid, Area::Files, "RestrictSUIDSGID", "RestrictSUIDSGID=", 1000, 1, "can make setuid and setgid files",
     "can make no setuid or setgid files"},

    {Item::PrivateDevices, Area::Kernel, "PrivateDevices", "PrivateDevices=", 1000, 1, "sees the machine's devices",
     "sees no device but the harmless ones"},
    {Item::DeviceAllow, Area::Kernel, "DeviceAllow", "DeviceAllow=", 1000, 10, "may open every device",
     "may open no device but the harmless ones"},
    {Item::ProtectClock, Area::Kernel, "ProtectClock", "ProtectClock=", 1000, 1, "can set the clock", "cannot set the clock"},
    {Item::ProtectKernelTunables, Area::Kernel, "ProtectKernelTunables", "ProtectKernelTunables=", 1000, 1,
     "may write to /proc/sys and /sys", "writes nothing in /proc/sys and /sys"},
    {Item::ProtectKernelModules, Area::Kernel, "ProtectKernelModules", "ProtectKernelModules=", 1000, 1,
     "can load kernel modules", "cannot load kernel modules"},
    {Item::ProtectKernelLogs, Area::Kernel, "ProtectKernelLogs", "ProtectKernelLogs=", 1000, 1, "reads the kernel's log",
     "cannot read the kernel's log"},
    {Item::ProtectControlGroups, Area::Kernel, "ProtectControlGroups", "ProtectControlGroups=", 1000, 1,
     "may write to the cgroup tree", "writes nothing in the cgroup tree"},
    {Item::ProtectHostname, Area::Kernel, "ProtectHostname", "ProtectHostname=", 50, 1, "can change the host's name",
     "cannot change the host's name"},

    {Item::PrivateNetwork, Area::Network, "PrivateNetwork", "PrivateNetwork=", 2500, 1, "is in the host's network",
     "has a network of its own"},
    {Item::AddressDeny, Area::Network, "IPAddressDeny", "IPAddressDeny=", 1000, 10, "reaches every address",
     "reaches no address"},
    {Item::FamilyInet, Area::Network, "RestrictAddressFamilies_AF_INET_INET6", "RestrictAddressFamilies=~AF_(INET|INET6)",
     1500, 1, "opens Internet sockets", "opens no Internet sockets"},
    {Item::FamilyOther, Area::Network, "RestrictAddressFamilies_OTHER", "RestrictAddressFamilies=~…", 1250, 1,
     "opens sockets of rare families", "opens no sockets of rare families"},
    {Item::FamilyPacket, Area::Network, "RestrictAddressFamilies_AF_PACKET", "RestrictAddressFamilies=~AF_PACKET", 1000, 1,
     "opens packet sockets", "opens no packet sockets"},
    {Item::FamilyNetlink, Area::Network, "RestrictAddressFamilies_AF_NETLINK", "RestrictAddressFamilies=~AF_NETLINK", 200, 1,
     "opens netlink sockets", "opens no netlink sockets"},
    {Item::FamilyUnix, Area::Network, "RestrictAddressFamilies_AF_UNIX", "RestrictAddressFamilies=~AF_UNIX", 25, 1,
     "opens Unix sockets", "opens no Unix sockets"},

    {Item::NewUser, Area::Namespaces, "RestrictNamespaces_user", "RestrictNamespaces=~user", 1500, 1,
     "can make user namespaces", "can make no user namespaces"},
    {Item::NewMount, Area::Namespaces, "RestrictNamespaces_mnt", "RestrictNamespaces=~mnt", 500, 1,
     "can make mount namespaces", "can make no mount namespaces"},
    {Item::NewPid, Area::Namespaces, "RestrictNamespaces_pid", "RestrictNamespaces=~pid", 500, 1, "can make pid namespaces",
     "can make no pid namespaces"},
    {Item::NewNet, Area::Namespaces, "RestrictNamespaces_net", "RestrictNamespaces=~net", 500, 1,
     "can make network namespaces", "can make no network namespaces"},
    {Item::NewIpc, Area::Namespaces, "RestrictNamespaces_ipc", "RestrictNamespaces=~ipc", 500, 1, "can make IPC namespaces",
     "can make no IPC namespaces"},
    {Item::NewCgroup, Area::Namespaces, "RestrictNamespaces_cgroup", "RestrictNamespaces=~cgroup", 500, 1,
     "can make cgroup namespaces", "can make no cgroup namespaces"},
    {Item::NewUts, Area::Namespaces, "RestrictNamespaces_uts", "RestrictNamespaces=~uts", 100, 1, "can make UTS namespaces",
     "can make no UTS namespaces"},

    {Item::Architectures, Area::Calls, "SystemCallArchitectures", "SystemCallArchitectures=", 1000, 10,
     "makes system calls of every ABI", "makes system calls of the native ABI only"},
    {Item::CallsClock, Area::Calls, "SystemCallFilter_clock", "SystemCallFilter=~@clock", 1000, 10, "no filter", "@clock is shut"},
    {Item::CallsDebug, Area::Calls, "SystemCallFilter_debug", "SystemCallFilter=~@debug", 1000, 10, "no filter", "@debug is shut"},
    {Item::CallsModule, Area::Calls, "SystemCallFilter_module", "SystemCallFilter=~@module", 1000, 10, "no filter",
     "@module is shut"},
    {Item::CallsMount, Area::Calls, "SystemCallFilter_mount", "SystemCallFilter=~@mount", 1000, 10, "no filter", "@mount is shut"},
    {Item::CallsRawIo, Area::Calls, "SystemCallFilter_raw_io", "SystemCallFilter=~@raw-io", 1000, 10, "no filter",
     "@raw-io is shut"},
    {Item::CallsReboot, Area::Calls, "SystemCallFilter_reboot", "SystemCallFilter=~@reboot", 1000, 10, "no filter",
     "@reboot is shut"},
    {Item::CallsSwap, Area::Calls, "SystemCallFilter_swap", "SystemCallFilter=~@swap", 1000, 10, "no filter", "@swap is shut"},
    {Item::CallsPrivileged, Area::Calls, "SystemCallFilter_privileged", "SystemCallFilter=~@privileged", 700, 10, "no filter",
     "@privileged is shut"},
    {Item::CallsResources, Area::Calls, "SystemCallFilter_resources", "SystemCallFilter=~@resources", 700, 10, "no filter",
     "@resources is shut"},
    {Item::CallsCpuEmulation, Area::Calls, "SystemCallFilter_cpu_emulation", "SystemCallFilter=~@cpu-emulation", 250, 10,
     "no filter", "@cpu-emulation is shut"},
    {Item::CallsObsolete, Area::Calls, "SystemCallFilter_obsolete", "SystemCallFilter=~@obsolete", 250, 10, "no filter",
     "@obsolete is shut"},

    {Item::MemoryDenyWriteExecute, Area::Process, "MemoryDenyWriteExecute", "MemoryDenyWriteExecute=", 100, 1,
     "can run what it wrote to memory", "cannot run what it wrote to memory"},
    {Item::RestrictRealtime, Area::Process, "RestrictRealtime", "RestrictRealtime=", 500, 1, "can ask for realtime scheduling",
     "cannot ask for realtime scheduling"},
    {Item::LockPersonality, Area::Process, "LockPersonality", "LockPersonality=", 100, 1, "can change its personality(2)",
     "cannot change its personality(2)"},
    {Item::KeyringMode, Area::Process, "KeyringMode", "KeyringMode=", 1000, 1, "shares keyrings with others",
     "shares no keyring"},
    {Item::Delegate, Area::Service, "Delegate", "Delegate=", 100, 1, "manages a part of the cgroup tree",
     "manages no part of the cgroup tree"},
    {Item::NotifyAccess, Area::Service, "NotifyAccess", "NotifyAccess=", 1000, 1, "its children speak for the service",
     "its children cannot speak for the service"},
}};

constexpr unsigned total_weight() {
  unsigned sum = 0;
  for (const ItemInfo& one : kTable) {
    sum += one.weight;
  }
  return sum;
}
static_assert(total_weight() == 56460, "the weights of systemd 252");

constexpr bool is_in_order() {
  for (std::size_t i = 0; i < kItems; ++i) {
    if (static_cast<std::size_t>(kTable[i].item) != i) {
      return false;
    }
  }
  return true;
}
static_assert(is_in_order());

}  // namespace

std::span<const ItemInfo, kItems> items() {
  return kTable;
}

const ItemInfo& info(Item item) {
  return kTable[static_cast<std::size_t>(item)];
}

std::string_view name_of(Area area) {
  constexpr std::array<std::string_view, kAreas> kNames{"identity",   "capabilities", "files",   "kernel and devices", "network",
                                                        "namespaces", "system calls", "process", "service"};
  return kNames[static_cast<std::size_t>(area)];
}

}  // namespace sbx::score
