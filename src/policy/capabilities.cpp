// SPDX-License-Identifier: Apache-2.0
#include "policy/capabilities.h"

#include <algorithm>
#include <array>

namespace sbx::policy {
namespace {

using Effect = Capability::Effect;

constexpr std::string_view kOneId = "only one user and one group id exist inside";
constexpr std::string_view kHostOnly = "the kernel asks for it in the initial user namespace";

constexpr std::array kCapabilities = {
    Capability{"CAP_CHOWN", Effect::Inert, kOneId},
    Capability{"CAP_DAC_OVERRIDE", Effect::Works,
               "the modes of the user's own files do not count"},
    Capability{"CAP_DAC_READ_SEARCH", Effect::Refused,
               "it opens files by handle, past the mounts (open_by_handle_at)"},
    Capability{"CAP_FOWNER", Effect::Inert, kOneId},
    Capability{"CAP_FSETID", Effect::Inert, "every mount that can be written is nosuid"},
    Capability{"CAP_KILL", Effect::Inert, kOneId},
    Capability{"CAP_SETGID", Effect::Inert, kOneId},
    Capability{"CAP_SETUID", Effect::Inert, kOneId},
    Capability{"CAP_SETPCAP", Effect::Inert, "the bounding set holds no more than what is kept"},
    Capability{"CAP_LINUX_IMMUTABLE", Effect::Inert, kHostOnly},
    Capability{"CAP_NET_BIND_SERVICE", Effect::Works, "ports below 1024 in its own network"},
    Capability{"CAP_NET_BROADCAST", Effect::Inert, "the kernel does not use it"},
    Capability{"CAP_NET_ADMIN", Effect::Works,
               "interfaces, routes and packet filters of its own network: much kernel code that "
               "is else out of reach"},
    Capability{"CAP_NET_RAW", Effect::Works, "raw and packet sockets in its own network"},
    Capability{"CAP_IPC_LOCK", Effect::Inert, kHostOnly},
    Capability{"CAP_IPC_OWNER", Effect::Inert, kOneId},
    Capability{"CAP_SYS_MODULE", Effect::Inert, kHostOnly},
    Capability{"CAP_SYS_RAWIO", Effect::Inert, kHostOnly},
    Capability{"CAP_SYS_CHROOT", Effect::Works, "another root directory below its own"},
    Capability{"CAP_SYS_PTRACE", Effect::Works,
               "memory and state of every process inside, also of undumpable ones"},
    Capability{"CAP_SYS_PACCT", Effect::Inert, kHostOnly},
    Capability{"CAP_SYS_ADMIN", Effect::Refused,
               "it could take the mounts away that hide the host; for mounts inside see "
               "namespaces.nested"},
    Capability{"CAP_SYS_BOOT", Effect::Inert, "reboot inside only ends the sandbox"},
    Capability{"CAP_SYS_NICE", Effect::Inert, kHostOnly},
    Capability{"CAP_SYS_RESOURCE", Effect::Refused,
               "it could raise the limit that forbids nested namespaces"},
    Capability{"CAP_SYS_TIME", Effect::Inert, kHostOnly},
    Capability{"CAP_SYS_TTY_CONFIG", Effect::Inert, kHostOnly},
    Capability{"CAP_MKNOD", Effect::Inert, kHostOnly},
    Capability{"CAP_LEASE", Effect::Inert, kOneId},
    Capability{"CAP_AUDIT_WRITE", Effect::Inert, kHostOnly},
    Capability{"CAP_AUDIT_CONTROL", Effect::Inert, kHostOnly},
    Capability{"CAP_SETFCAP", Effect::Inert, "every mount that can be written is nosuid"},
    Capability{"CAP_MAC_OVERRIDE", Effect::Inert, kHostOnly},
    Capability{"CAP_MAC_ADMIN", Effect::Inert, kHostOnly},
    Capability{"CAP_SYSLOG", Effect::Inert, kHostOnly},
    Capability{"CAP_WAKE_ALARM", Effect::Inert, kHostOnly},
    Capability{"CAP_BLOCK_SUSPEND", Effect::Inert, kHostOnly},
    Capability{"CAP_AUDIT_READ", Effect::Inert, kHostOnly},
    Capability{"CAP_PERFMON", Effect::Inert, kHostOnly},
    Capability{"CAP_BPF", Effect::Refused,
               "with a delegated BPF file system it loads programs into the kernel"},
    Capability{"CAP_CHECKPOINT_RESTORE", Effect::Works,
               "chosen process ids and /proc/PID/map_files inside"},
};
static_assert(kCapabilities.size() == 41);

}  // namespace

std::span<const Capability> capabilities() {
  return kCapabilities;
}

const Capability* find_capability(std::string_view name) {
  const auto* found =
      std::find_if(kCapabilities.begin(), kCapabilities.end(),
                   [&](const Capability& capability) { return capability.name == name; });
  return found != kCapabilities.end() ? found : nullptr;
}

}  // namespace sbx::policy
