// SPDX-License-Identifier: Apache-2.0
#include "seccomp/remedy.h"

#include <linux/audit.h>

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "seccomp/constants.h"
#include "seccomp/evaluate.h"
#include "seccomp/syscall_table.h"

namespace sbx::seccomp {
namespace {

constexpr std::uint32_t kX32Bit = 0x40000000;

// Calls that shipped policies never allow: each has been the way out of some sandbox.
bool is_hazardous(std::string_view name) {
  constexpr std::string_view kHazardous[] = {"add_key",
                                             "bpf",
                                             "delete_module",
                                             "finit_module",
                                             "fsconfig",
                                             "fsmount",
                                             "fsopen",
                                             "init_module",
                                             "io_uring_enter",
                                             "io_uring_register",
                                             "io_uring_setup",
                                             "kexec_file_load",
                                             "kexec_load",
                                             "keyctl",
                                             "mount",
                                             "mount_setattr",
                                             "move_mount",
                                             "open_by_handle_at",
                                             "open_tree",
                                             "perf_event_open",
                                             "pidfd_getfd",
                                             "pivot_root",
                                             "process_vm_readv",
                                             "process_vm_writev",
                                             "ptrace",
                                             "request_key",
                                             "setns",
                                             "umount2",
                                             "unshare",
                                             "userfaultfd"};
  return std::find(std::begin(kHazardous), std::end(kHazardous), name) != std::end(kHazardous);
}

// "domain == AF_PACKET and type == SOCK_RAW": the named values of this call.
std::string named_values(std::string_view name, const seccomp_data& call) {
  std::vector<std::string> tests;
  const auto arguments = arguments_of(name);
  for (std::size_t i = 0; i < arguments.size() && i < 6; ++i) {
    if (!arguments[i].constants.empty()) {
      tests.push_back(
          fmt::format("{} == {}", arguments[i].name, decode_argument(arguments[i], call.args[i])));
    }
  }
  return join(tests, " and ");
}

Remedy remedy_for_policy(const seccomp_data& call, const Rule& rule, const std::string& name) {
  Remedy remedy;
  if (rule.condition.kind != Condition::Kind::Always) {
    // A conditional rule decides before any unconditional one: --allow would have no effect.
    const std::string values = named_values(name, call);
    remedy.text =
        fmt::format("a later [[seccomp.rule]] with syscall = \"{}\"{}, action = \"allow\"", name,
                    values.empty() ? "" : fmt::format(", when = \"{}\"", values));
  } else if (rule.origin.source.starts_with("--deny")) {
    remedy.text = "leave out " + rule.origin.source.str();  // beside an --allow, a --deny would win
  } else {
    remedy.text = fmt::format("sbx run --allow {0} …, or  seccomp.allow = [\"{0}\"]", name);
  }
  if (is_hazardous(name)) {
    remedy.warning = fmt::format("{} has been a way out of sandboxes; few programs need it", name);
  }
  return remedy;
}

Remedy remedy_for_write_exec(const std::string& name) {
  if (name == "memfd_create") {
    return {"memory.memfd = \"allow\"",
            "a file in memory can be filled with code and executed, past every path rule"};
  }
  return {"memory.wx = \"allow\"",
          "memory that is written and then executed lets an exploit bring its own code; only "
          "programs that compile while they run (JIT) need it"};
}

// "vsock" for socket(AF_VSOCK, …): as network.families has it.
std::string family_word(const seccomp_data& call) {
  constexpr std::string_view kPrefix = "AF_";
  std::string word = decode_argument(arguments_of("socket").front(), call.args[0]);
  if (word.starts_with(kPrefix)) {
    word.erase(0, kPrefix.size());
  }
  std::transform(word.begin(), word.end(), word.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return word;
}

}  // namespace

std::string call_name(const FilterSpec& spec, const seccomp_data& call) {
  const auto number = static_cast<std::uint32_t>(call.nr);
  if (call.arch != audit_arch(spec.arch)) {
    const std::string_view abi = call.arch == AUDIT_ARCH_I386  ? "i386"
                                 : call.arch == AUDIT_ARCH_ARM ? "arm"
                                                               : "foreign";
    return fmt::format("{} call {}", abi, number);
  }
  if ((number & kX32Bit) != 0 && spec.arch == Arch::X86_64) {
    return fmt::format("x32 call {}", number & ~kX32Bit);
  }
  const std::string_view name = name_of(spec.arch, call.nr);
  return name.empty() ? fmt::format("call {}", call.nr) : std::string(name);
}

Remedy remedy_for(const FilterSpec& spec, const seccomp_data& call, const Rule& rule) {
  const std::string name = call_name(spec, call);
  if (is_foreign(spec.arch, call)) {
    return {"", "programs of another ABI than the machine's own do not run under sbx"};
  }
  switch (rule.purpose) {
    case Purpose::Policy:
    case Purpose::Default:
      return name_of(spec.arch, call.nr).empty() ? Remedy{} : remedy_for_policy(call, rule, name);
    case Purpose::WriteExec:
      return remedy_for_write_exec(name);
    case Purpose::Namespaces:
      return {"", "nested namespaces give back what the sandbox took; there is no key for them"};
    case Purpose::Network:
      return {"", "it would lead round network.connect, and is denied with it"};
    case Purpose::Families:
      return {fmt::format("network.families = [\"{}\", …]", family_word(call)), ""};
    case Purpose::Address:  // whoever decided about the address knows the entry
      return {};
    case Purpose::Publish:
      return {"", "a published port comes with it: its socket lives outside the sandbox"};
    case Purpose::Unknown:
      return {"", "this sbx does not know the call; it is answered as by a kernel without it"};
    case Purpose::PretendUid:
    case Purpose::Launch:
      return {};
  }
  return {};
}

}  // namespace sbx::seccomp
