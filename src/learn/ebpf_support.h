// SPDX-License-Identifier: Apache-2.0
// Whether the eBPF engine can work here, and what is missing.
#pragma once

#include <string>

#include "base/result.h"

namespace sbx::learn {

// What decides, as texts of procfs and sysfs; empty where there is no such file.
struct EbpfFacts {
  std::string status;      // /proc/self/status
  std::string user_map;    // /proc/self/uid_map
  std::string lockdown;    // /sys/kernel/security/lockdown
  bool has_types = false;  // /sys/kernel/btf/vmlinux, which can be read
};

EbpfFacts ebpf_facts();

// An Error names the first thing that is missing. What only the kernel can say (a filter of a
// container, a kernel that is too old) is found when the engine starts.
Status ebpf_possible(const EbpfFacts& facts);

// The Error's text for bpf(2) itself, when it was refused with this errno.
Error ebpf_refused(int errno_value, const std::string& message);

}  // namespace sbx::learn
