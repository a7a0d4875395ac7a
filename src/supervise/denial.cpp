// SPDX-License-Identifier: Apache-2.0
#include "supervise/denial.h"

#include <linux/audit.h>

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

#include "base/text.h"
#include "seccomp/constants.h"
#include "seccomp/syscall_table.h"
#include "supervise/address_text.h"
#include "supervise/code_location.h"
#include "sys/process_memory.h"

namespace sbx::supervise {
namespace {

constexpr std::uint32_t kX32Bit = 0x40000000;
constexpr std::size_t kMostShown = 128;  // bytes of a string argument

bool is_native(const seccomp::FilterSpec& spec, const seccomp_data& call) {
  return call.arch == seccomp::audit_arch(spec.arch) &&
         (static_cast<std::uint32_t>(call.nr) & kX32Bit) == 0;
}

// Arguments that are NUL-terminated strings, by the names that the prototypes give them.
bool is_string(std::string_view call, std::string_view argument) {
  constexpr std::string_view kStrings[] = {"path",     "oldpath",   "newpath",  "new_root",
                                           "put_old",  "target",    "linkpath", "source",
                                           "fromname", "from_path", "to_path",  "specialfile"};
  return std::find(std::begin(kStrings), std::end(kStrings), argument) != std::end(kStrings) ||
         (argument == "name" && call != "uname");  // uname fills it in
}

std::string string_argument(pid_t thread, std::uint64_t pointer) {
  std::array<char, kMostShown + 1> bytes{};
  const std::int64_t copied =
      sys::copy_memory(thread, pointer, std::as_writable_bytes(std::span(bytes)));
  if (copied <= 0) {
    return fmt::format("{:#x}", pointer);
  }
  const std::string_view text(bytes.data(), static_cast<std::size_t>(copied));
  const std::size_t end = text.find('\0');
  if (end != std::string_view::npos) {
    return quote(text.substr(0, end));
  }
  return quote(text.substr(0, kMostShown)) + "…";
}

// Where a call has a socket address, and where its length: -1 for a call that has none.
int address_argument(std::string_view name) {
  return name == "bind" || name == "connect" ? 1 : name == "sendto" ? 4 : -1;
}

std::string address_argument_text(pid_t thread, std::uint64_t pointer, std::uint64_t length) {
  sys::SocketAddress address;
  return pointer == 0 || copy_address(thread, pointer, length, address) != 0
             ? fmt::format("{:#x}", pointer)
             : address_text(address);
}

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
  const auto arguments = seccomp::arguments_of(name);
  for (std::size_t i = 0; i < arguments.size() && i < 6; ++i) {
    if (!arguments[i].constants.empty()) {
      tests.push_back(fmt::format("{} == {}", arguments[i].name,
                                  seccomp::decode_argument(arguments[i], call.args[i])));
    }
  }
  return join(tests, " and ");
}

Remedy remedy_for_policy(const seccomp_data& call, const seccomp::Rule& rule,
                         const std::string& name) {
  Remedy remedy;
  if (rule.condition.kind != seccomp::Condition::Kind::Always) {
    // A conditional rule decides before any unconditional one: --allow would have no effect.
    const std::string values = named_values(name, call);
    remedy.text =
        fmt::format("a later [[seccomp.rule]] with syscall = \"{}\"{}, action = \"allow\"", name,
                    values.empty() ? "" : fmt::format(", when = \"{}\"", values));
  } else if (rule.origin.source.starts_with("--deny")) {
    remedy.text = "leave out " + rule.origin.source;  // beside an --allow, a --deny would win
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

}  // namespace

std::string call_name(const seccomp::FilterSpec& spec, const seccomp_data& call) {
  const auto number = static_cast<std::uint32_t>(call.nr);
  if (call.arch != seccomp::audit_arch(spec.arch)) {
    const std::string_view abi = call.arch == AUDIT_ARCH_I386  ? "i386"
                                 : call.arch == AUDIT_ARCH_ARM ? "arm"
                                                               : "foreign";
    return fmt::format("{} call {}", abi, number);
  }
  if ((number & kX32Bit) != 0 && spec.arch == seccomp::Arch::X86_64) {
    return fmt::format("x32 call {}", number & ~kX32Bit);
  }
  const std::string_view name = seccomp::name_of(spec.arch, call.nr);
  return name.empty() ? fmt::format("call {}", call.nr) : std::string(name);
}

std::string arguments_text(const seccomp::FilterSpec& spec, const seccomp_data& call,
                           pid_t thread) {
  if (!is_native(spec, call)) {
    return {};
  }
  const std::string_view name = seccomp::name_of(spec.arch, call.nr);
  const auto arguments = seccomp::arguments_of(name);
  const int address = thread > 0 ? address_argument(name) : -1;
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < arguments.size() && i < 6; ++i) {
    if (static_cast<int>(i) == address) {
      texts.push_back(address_argument_text(thread, call.args[i], call.args[i + 1]));
    } else if (thread > 0 && arguments[i].is_pointer && call.args[i] != 0 &&
               is_string(name, arguments[i].name)) {
      texts.push_back(string_argument(thread, call.args[i]));
    } else {
      texts.push_back(seccomp::decode_argument(arguments[i], call.args[i]));
    }
  }
  return join(texts, ", ");
}

Remedy remedy_for(const seccomp::FilterSpec& spec, const seccomp_data& call,
                  const seccomp::Rule& rule) {
  const std::string name = call_name(spec, call);
  if (!is_native(spec, call)) {
    return {"", "programs of another ABI than the machine's own do not run under sbx"};
  }
  switch (rule.purpose) {
    case seccomp::Purpose::Policy:
    case seccomp::Purpose::Default:
      return seccomp::name_of(spec.arch, call.nr).empty() ? Remedy{}
                                                          : remedy_for_policy(call, rule, name);
    case seccomp::Purpose::WriteExec:
      return remedy_for_write_exec(name);
    case seccomp::Purpose::Namespaces:
      return {"", "nested namespaces give back what the sandbox took; there is no key for them"};
    case seccomp::Purpose::Publish:
      return {"", "a published port comes with it: its socket lives outside the sandbox"};
    case seccomp::Purpose::Unknown:
      return {"", "this sbx does not know the call; it is answered as by a kernel without it"};
    case seccomp::Purpose::PretendUid:
    case seccomp::Purpose::Launch:
      return {};
  }
  return {};
}

events::DeniedCall describe(const seccomp::FilterSpec& spec, const seccomp::Rule& rule,
                            const seccomp_notif& notification, const ProcessFacts& process) {
  const seccomp_data& call = notification.data;
  const auto thread = static_cast<pid_t>(notification.pid);
  events::DeniedCall denied;
  denied.number = call.nr;
  denied.arch = call.arch;
  denied.name = call_name(spec, call);
  std::copy(std::begin(call.args), std::end(call.args), denied.arguments.begin());
  denied.arguments_text = arguments_text(spec, call, thread);
  denied.program = process.program;
  denied.thread_name = process.thread_name;
  denied.pid_inside = process.pid_inside;
  denied.pid_outside = static_cast<int>(process.process);
  denied.location = code_location(thread, call.instruction_pointer);
  denied.purpose = rule.purpose;
  denied.rule = rule.text;
  denied.origin = rule.origin;
  Remedy remedy = remedy_for(spec, call, rule);
  denied.remedy = std::move(remedy.text);
  denied.warning = std::move(remedy.warning);
  return denied;
}

}  // namespace sbx::supervise
