// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "interop/systemd_unit.h"

namespace sbx::interop {
namespace {

// Directives that sbx has nothing for, and why.
struct Reason {
  std::string_view name, reason;
};
constexpr std::array kReasons = {
    Reason{"UMask", "a command starts with the umask 022, and no key of a policy changes it"},
    Reason{"RootDirectory", "the root is made of what the policy grants; a whole other tree is no part of it"},
    Reason{"RootImage", "mounting an image takes root"},
    Reason{"RootImageOptions", "mounting an image takes root"},
    Reason{"RootHash", "mounting an image takes root"},
    Reason{"RootVerity", "mounting an image takes root"},
    Reason{"ExtensionImages", "mounting an image takes root"},
    Reason{"ExtensionDirectories", "mounting an overlay over /usr is not done"},
    Reason{"MountImages", "mounting an image takes root"},
    Reason{"MountFlags", "nothing that is mounted inside reaches the host"},
    Reason{"MountAPIVFS", "/proc, /dev and /sys are as the policy says"},
    Reason{"NetworkNamespacePath", "another's network namespace is its owner's to join"},
    Reason{"IPCNamespacePath", "another's IPC namespace is its owner's to join"},
    Reason{"RestrictNetworkInterfaces", "packets are not told apart by interface; network.connect names addresses"},
    Reason{"IPIngressFilterPath", "loading BPF programs takes root"},
    Reason{"IPEgressFilterPath", "loading BPF programs takes root"},
    Reason{"BPFProgram", "loading BPF programs takes root"},
    Reason{"RestrictFileSystems", "only what the policy mounts is there, whatever its type"},
    Reason{"Personality", "the machine's own ABI is the only one"},
    Reason{"SELinuxContext", "the security module of the machine is not changed"},
    Reason{"AppArmorProfile", "the security module of the machine is not changed"},
    Reason{"SmackProcessLabel", "the security module of the machine is not changed"},
    Reason{"LoadCredential", "credentials are handed over by the service manager: keep them in the unit"},
    Reason{"LoadCredentialEncrypted", "credentials are handed over by the service manager: keep them in the unit"},
    Reason{"SetCredential", "credentials are handed over by the service manager: keep them in the unit"},
    Reason{"SetCredentialEncrypted", "credentials are handed over by the service manager: keep them in the unit"},
    Reason{"Delegate", "no part of the cgroup tree is shown"},
    Reason{"NotifyAccess", "the socket of the service manager is not shown: no notification is sent"},
    Reason{"LimitRTPRIO", "the limit of whoever starts sbx stays"},
    Reason{"LimitNICE", "the limit of whoever starts sbx stays"},
    Reason{"LimitMEMLOCK", "the limit of whoever starts sbx stays"},
    Reason{"LimitSTACK", "the limit of whoever starts sbx stays"},
    Reason{"OOMScoreAdjust", "scheduling and memory pressure are the service manager's"},
    Reason{"Nice", "scheduling and memory pressure are the service manager's"},
    Reason{"CPUAffinity", "scheduling and memory pressure are the service manager's"},
    Reason{"IOWeight", "the policy has no weight for disks: keep it in the unit"},
    Reason{"MemoryHigh", "limits.memory is a hard limit; this is a soft one"},
    Reason{"MemorySwapMax", "limits.memory counts memory without swap"},
};

}  // namespace

std::string_view why_no_directive(std::string_view name) {
  const auto* found = std::find_if(kReasons.begin(), kReasons.end(), [&](const Reason& one) { return one.name == name; });
  return found != kReasons.end() ? found->reason : "about the service's life, or sbx has nothing like it: it stays in the unit";
}

}  // namespace sbx::interop
