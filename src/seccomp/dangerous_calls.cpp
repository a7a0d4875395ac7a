// SPDX-License-Identifier: Apache-2.0
#include "seccomp/dangerous_calls.h"

namespace sbx::seccomp {
namespace {

constexpr std::string_view kModules = "loads or removes code of the kernel";
constexpr std::string_view kMounts = "changes what is mounted";
constexpr std::string_view kKeys = "the kernel's keys are not divided by user namespaces";
constexpr std::string_view kRing = "its operations pass by the filter";
constexpr std::string_view kProcesses = "reads and changes other processes";
constexpr std::string_view kHandles = "opens files by number, past the paths that are visible";
constexpr std::string_view kMemory = "moves memory about; a frequent source of faults in the kernel";
constexpr std::string_view kClock = "sets the machine's clock";
constexpr std::string_view kSwap = "changes the machine's swap";
constexpr std::string_view kPorts = "reaches the machine's ports";
constexpr std::string_view kObsolete = "no program of today needs it";

constexpr DangerousCall kCalls[] = {
    {"acct", "writes the machine's accounting"},
    {"add_key", kKeys},
    {"adjtimex", kClock},
    {"bpf", "loads programs into the kernel"},
    {"chroot", "changes what / means"},
    {"clock_settime", kClock},
    {"delete_module", kModules},
    {"fanotify_init", "watches files of other processes"},
    {"finit_module", kModules},
    {"fsconfig", kMounts},
    {"fsmount", kMounts},
    {"fsopen", kMounts},
    {"fspick", kMounts},
    {"init_module", kModules},
    {"io_uring_enter", kRing},
    {"io_uring_register", kRing},
    {"io_uring_setup", kRing},
    {"ioperm", kPorts},
    {"iopl", kPorts},
    {"kcmp", "compares addresses of the kernel"},
    {"kexec_file_load", "replaces the kernel"},
    {"kexec_load", "replaces the kernel"},
    {"keyctl", kKeys},
    {"lookup_dcookie", kObsolete},
    {"mbind", kMemory},
    {"migrate_pages", kMemory},
    {"modify_ldt", "changes segments of memory; only emulators need it"},
    {"mount", kMounts},
    {"mount_setattr", kMounts},
    {"move_mount", kMounts},
    {"move_pages", kMemory},
    {"name_to_handle_at", kHandles},
    {"open_by_handle_at", kHandles},
    {"open_tree", kMounts},
    {"open_tree_attr", kMounts},
    {"perf_event_open", "measures the kernel and other processes"},
    {"personality", "takes protections of the address space away"},
    {"pidfd_getfd", "takes descriptors out of other processes"},
    {"pivot_root", "changes what / means"},
    {"process_madvise", kProcesses},
    {"process_vm_readv", kProcesses},
    {"process_vm_writev", kProcesses},
    {"ptrace", kProcesses},
    {"quotactl", "changes limits of the file system"},
    {"quotactl_fd", "changes limits of the file system"},
    {"reboot", "stops the machine"},
    {"remap_file_pages", kObsolete},
    {"request_key", kKeys},
    {"setdomainname", "renames the machine"},
    {"sethostname", "renames the machine"},
    {"setns", "enters namespaces of other processes"},
    {"settimeofday", kClock},
    {"swapoff", kSwap},
    {"swapon", kSwap},
    {"syslog", "reads the kernel's messages"},
    {"umount2", kMounts},
    {"unshare", "makes namespaces, in which the kernel offers more of itself"},
    {"uselib", kObsolete},
    {"userfaultfd", "stops the kernel in the middle of a call, which attacks upon it use"},
    {"vhangup", "ends the session of the terminal"},
};

constexpr bool names_ascend() {
  for (std::size_t i = 1; i < std::size(kCalls); ++i) {
    if (!(kCalls[i - 1].name < kCalls[i].name)) {
      return false;
    }
  }
  return true;
}
static_assert(names_ascend());

}  // namespace

std::span<const DangerousCall> dangerous_calls() {
  return kCalls;
}

}  // namespace sbx::seccomp
