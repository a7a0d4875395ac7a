// SPDX-License-Identifier: Apache-2.0
#include "learn/ebpf_support.h"

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <sstream>
#include <string_view>

#include "supervise/process_facts.h"

namespace sbx::learn {
namespace {

constexpr const char* kTypes = "/sys/kernel/btf/vmlinux";
constexpr const char* kCannot = "the eBPF engine cannot work";
constexpr unsigned kSysAdmin = 21, kPerfmon = 38, kBpf = 39;  // linux/capability.h

std::uint64_t effective(std::string_view status) {
  constexpr std::string_view kKey = "\nCapEff:\t";
  const std::size_t at = status.find(kKey);
  std::uint64_t bits = 0;
  if (at != std::string_view::npos) {
    const std::string_view rest = status.substr(at + kKey.size());
    std::from_chars(rest.data(), rest.data() + rest.size(), bits, 16);
  }
  return bits;
}

// The kernel asks for these capabilities in the first user namespace, whose map is the identity.
bool is_first_user_namespace(const std::string& map) {
  std::istringstream text(map);
  std::uint64_t inside = 1, outside = 1, count = 0;
  text >> inside >> outside >> count;
  return inside == 0 && outside == 0 && count == 0xffff'ffff;
}

}  // namespace

EbpfFacts ebpf_facts() {
  constexpr std::size_t kMost = 16384;
  return {supervise::read_proc_file("/proc/self/status", kMost),
          supervise::read_proc_file("/proc/self/uid_map", kMost),
          supervise::read_proc_file("/sys/kernel/security/lockdown", kMost),
          ::access(kTypes, R_OK) == 0};
}

Status ebpf_possible(const EbpfFacts& facts) {
  const std::uint64_t held = effective(facts.status);
  const auto has = [&](unsigned capability) { return (held >> capability & 1) != 0; };
  if (!has(kSysAdmin) && !(has(kBpf) && has(kPerfmon))) {
    return Error{std::string(kCannot) + " without CAP_BPF and CAP_PERFMON",
                 EPERM,
                 {},
                 "be root; or learn by notification, which needs no privilege: --engine notify"};
  }
  if (!is_first_user_namespace(facts.user_map)) {
    return Error{std::string(kCannot) + " in a user namespace",
                 EPERM,
                 {},
                 "be root on the host itself; or --engine notify"};
  }
  if (!facts.has_types) {
    return Error{std::string(kCannot) + " without " + kTypes,
                 ENOENT,
                 {},
                 "boot a kernel with CONFIG_DEBUG_INFO_BTF=y; or --engine notify"};
  }
  if (facts.lockdown.find("[confidentiality]") != std::string::npos) {
    return Error{std::string(kCannot) + ": the kernel is locked down (confidentiality)",
                 EPERM,
                 {},
                 "boot with lockdown=integrity; or --engine notify"};
  }
  return {};
}

Error ebpf_refused(int errno_value, const std::string& message) {
  std::string hint =
      errno_value == EPERM
          ? "in a container, its seccomp profile must allow bpf(2), and its capabilities hold "
            "CAP_BPF and CAP_PERFMON; or --engine notify"
          : "it needs Linux 5.14 or newer with CONFIG_BPF_SYSCALL and CONFIG_BPF_EVENTS; or "
            "--engine notify";
  if (!message.empty()) {
    hint += " (the kernel's loader says: " + message + ")";
  }
  return Error{"cannot load the eBPF engine into the kernel", errno_value, {}, std::move(hint)};
}

}  // namespace sbx::learn
