// SPDX-License-Identifier: Apache-2.0
#include "seccomp/remedy.h"

#include <linux/audit.h>

#include <algorithm>
#include <utility>
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
    remedy = rule_allowing(name, named_values(name, call));
  } else if (rule.origin.source.starts_with("--deny")) {
    // Beside an --allow, a --deny would win.
    remedy.advice = "leave out " + rule.origin.source.str();
  } else {
    remedy.option = "--allow " + name;
    remedy.key = "seccomp.allow";
    remedy.value = fmt::format("\"{}\"", name);
    remedy.is_list = true;
  }
  if (is_hazardous(name)) {
    remedy.warning = fmt::format("{} has been a way out of sandboxes; few programs need it", name);
  }
  return remedy;
}

Remedy setting(std::string_view key, std::string_view value, std::string_view warning) {
  Remedy remedy;
  remedy.key = key;
  remedy.value = value;
  remedy.warning = warning;
  return remedy;
}

Remedy in_list(std::string_view key, std::string_view entry) {
  Remedy remedy;
  remedy.key = key;
  remedy.value = fmt::format("\"{}\"", entry);
  remedy.is_list = true;
  return remedy;
}

Remedy only_warning(std::string_view warning) {
  Remedy remedy;
  remedy.warning = warning;
  return remedy;
}

Remedy remedy_for_write_exec(const std::string& name) {
  if (name.starts_with("memfd_")) {
    return setting("memory.memfd", "\"allow\"",
                   "a file in memory can be filled with code and executed, past every path rule");
  }
  return setting("memory.wx", "\"allow\"",
                 "memory that is written and then executed lets an exploit bring its own code; only "
                 "programs that compile while they run (JIT) need it");
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

Remedy rule_allowing(std::string_view name, std::string_view when) {
  Remedy remedy;
  remedy.key = "seccomp.rule";
  remedy.value = fmt::format("{{ syscall = \"{}\", {}action = \"allow\" }}", name,
                             when.empty() ? "" : fmt::format("when = \"{}\", ", when));
  remedy.is_list = true;
  return remedy;
}

std::string policy_line(const Remedy& remedy) {
  if (remedy.key.empty()) {
    return {};
  }
  return remedy.is_list ? fmt::format("{} = [{}]", remedy.key, remedy.value)
                        : fmt::format("{} = {}", remedy.key, remedy.value);
}

std::string policy_lines(std::span<const Remedy> remedies) {
  std::vector<std::pair<std::string, std::vector<std::string>>> lines;  // key, values
  std::string text;
  for (const Remedy& remedy : remedies) {
    if (remedy.key.empty()) {
      continue;
    }
    auto line = std::find_if(lines.begin(), lines.end(),
                             [&](const auto& one) { return one.first == remedy.key; });
    if (line == lines.end()) {
      line = lines.insert(lines.end(), {remedy.key, {}});
    }
    if (!remedy.is_list) {
      line->second.clear();  // the same value, or one that a later denial knows better
    }
    if (std::find(line->second.begin(), line->second.end(), remedy.value) == line->second.end()) {
      line->second.push_back(remedy.value);
    }
  }
  for (const auto& [key, values] : lines) {
    const bool is_list = std::any_of(remedies.begin(), remedies.end(), [&](const Remedy& remedy) {
      return remedy.key == key && remedy.is_list;
    });
    text += policy_line({.option = {}, .key = key, .value = join(values, ", "), .is_list = is_list,
                         .advice = {}, .warning = {}}) +
            "\n";
  }
  return text;
}

std::string to_text(const Remedy& remedy) {
  std::vector<std::string> ways;
  if (!remedy.option.empty()) {
    ways.push_back(fmt::format("sbx run {} …", remedy.option));
  }
  if (std::string line = policy_line(remedy); !line.empty()) {
    ways.push_back(std::move(line));
  }
  if (!remedy.advice.empty()) {
    ways.push_back(remedy.advice);
  }
  return join(ways, ", or  ");
}

Remedy remedy_for(const FilterSpec& spec, const seccomp_data& call, const Rule& rule) {
  const std::string name = call_name(spec, call);
  if (is_foreign(spec.arch, call)) {
    return only_warning("programs of another ABI than the machine's own do not run under sbx");
  }
  switch (rule.purpose) {
    case Purpose::Policy:
    case Purpose::Default:
      return name_of(spec.arch, call.nr).empty() ? Remedy{} : remedy_for_policy(call, rule, name);
    case Purpose::WriteExec:
      return remedy_for_write_exec(name);
    case Purpose::Namespaces:
      return only_warning("nested namespaces give back what the sandbox took; there is no key for them");
    case Purpose::Network:
      return only_warning("it would lead round network.connect, and is denied with it");
    case Purpose::Families:
      return in_list("network.families", family_word(call));
    case Purpose::Address:  // whoever decided about the address knows the entry
      return {};
    case Purpose::Publish:
      return only_warning("a published port comes with it: its socket lives outside the sandbox");
    case Purpose::Unknown:
      return only_warning("this sbx does not know the call; it is answered as by a kernel without it");
    case Purpose::PretendUid:
    case Purpose::Launch:
      return {};
  }
  return {};
}

}  // namespace sbx::seccomp
