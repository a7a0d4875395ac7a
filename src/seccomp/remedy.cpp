// SPDX-License-Identifier: Apache-2.0
#include "seccomp/remedy.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "seccomp/constants.h"
#include "seccomp/evaluate.h"
#include "seccomp/syscall_table.h"

namespace sbx::seccomp {
namespace {

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

Remedy only_warning(std::string_view warning) {
  Remedy remedy;
  remedy.warning = warning;
  return remedy;
}

// W^X is told by a call that it forbids whatever the policy lists (plan/filter_rules.cpp).
bool forbids_write_exec(const FilterSpec& spec) {
  const auto number = number_of(spec.arch, "modify_ldt");
  const auto rules = spec.calls.find(number.value_or(number_of(spec.arch, "remap_file_pages").value_or(-1)));
  return rules != spec.calls.end() &&
         std::any_of(rules->second.begin(), rules->second.end(),
                     [](const Rule& rule) { return rule.purpose == Purpose::WriteExec; });
}

// Whether W^X denies the call once the policy lists it. As plan/filter_rules.cpp; a test holds the
// two together by trying each remedy.
bool needs_write_exec(std::string_view name, const seccomp_data& call) {
  constexpr std::uint64_t kWrite = 2, kExec = 4, kSharedAnonymous = 0x21, kShmExec = 0100000;
  const auto has = [&](int argument, std::uint64_t bits) {
    return (call.args[argument] & bits) == bits;
  };
  if (name == "mmap") {
    return has(2, kExec) && (has(2, kWrite) || has(3, kSharedAnonymous));
  }
  return ((name == "mprotect" || name == "pkey_mprotect") && has(2, kExec)) ||
         (name == "shmat" && has(2, kShmExec)) || (name == "mremap" && call.args[1] == 0) ||
         name == "ptrace" || name == "process_vm_writev" || name == "userfaultfd";
}

// TIOCSTI, TIOCLINUX, TIOCSETD: denied whatever the policy lists.
bool pushes_input(std::string_view name, const seccomp_data& call) {
  constexpr std::array<std::uint32_t, 3> kRequests{0x5412, 0x541c, 0x5423};
  return name == "ioctl" && std::find(kRequests.begin(), kRequests.end(),
                                      static_cast<std::uint32_t>(call.args[1])) != kRequests.end();
}

Remedy in_list(std::string_view key, std::string_view entry) {
  Remedy remedy;
  remedy.key = key;
  remedy.value = fmt::format("\"{}\"", entry);
  remedy.is_list = true;
  return remedy;
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

// A socket of a family that network.families does not list until it is told to.
bool needs_family(std::string_view name, const seccomp_data& call, const Rule& rule) {
  constexpr std::array<std::uint32_t, 4> kListed{AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
  return (name == "socket" || name == "socketpair") && rule.purpose == Purpose::Default &&
         std::find(kListed.begin(), kListed.end(), static_cast<std::uint32_t>(call.args[0])) ==
             kListed.end();
}

// A later line of network.families replaces an earlier one as a whole, so it has to repeat it.
Remedy families_with(const seccomp_data& call, std::string_view listed) {
  Remedy remedy = in_list("network.families", family_word(call));
  std::vector<std::string> values;
  for (const std::string& family : split(listed, ',')) {
    const std::string word = family.substr(std::min(family.size(), family.find_first_not_of(' ')));
    if (word != "none") {
      values.push_back(quote(word));
    }
  }
  values.push_back(remedy.value);
  remedy.value = join(values, ", ");
  return remedy;
}

// The rule's text is "network.families = unix, inet".
Remedy remedy_for_family(const seccomp_data& call, const Rule& rule) {
  const std::string text = rule.text.str();
  const std::size_t equals = text.find("= ");
  return families_with(call, equals == std::string::npos ? std::string() : text.substr(equals + 2));
}

Remedy remedy_for_policy(const FilterSpec& spec, const seccomp_data& call, const Rule& rule,
                         const std::string& name) {
  Remedy remedy;
  if (rule.purpose == Purpose::Default && pushes_input(name, call)) {
    return only_warning("input into the caller's terminal stays closed");
  }
  if (rule.condition.kind != Condition::Kind::Always) {
    // A conditional rule decides before any unconditional one: --allow would have no effect.
    remedy = rule_allowing(name, named_values(name, call));
  } else if (rule.origin.source.starts_with("--deny")) {
    // Beside an --allow, a --deny would win.
    remedy.advice = "leave out " + rule.origin.source.str();
  } else {
    remedy.option = "--allow " + name;
    remedy.key = "seccomp.allow";
    remedy.value = quote(name);
    remedy.is_list = true;
    if (needs_write_exec(name, call) && forbids_write_exec(spec)) {
      remedy.more.push_back({"memory.wx", "\"allow\"", false});
    }
    if (needs_family(name, call, rule)) {
      const Remedy families = families_with(call, "unix, inet, inet6, netlink");
      remedy.more.push_back({families.key, families.value, true});
    }
    if (!remedy.more.empty()) {
      remedy.option.clear();  // which alone would not do
    }
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

// Where the whole call is forbidden, whether the policy lists it as well cannot be seen.
Remedy remedy_for_write_exec(const std::string& name) {
  const std::vector<Remedy::Line> listed{{"seccomp.allow", quote(name), true}};
  if (name.starts_with("memfd_")) {
    Remedy remedy =
        setting("memory.memfd", "\"allow\"",
                "a file in memory can be filled with code and executed, past every path rule");
    remedy.more = listed;
    return remedy;
  }
  Remedy remedy =
      setting("memory.wx", "\"allow\"",
              "memory that is written and then executed lets an exploit bring its own code; only "
              "programs that compile while they run (JIT) need it");
  if (name == "remap_file_pages" || name == "modify_ldt") {
    remedy.more = listed;
  }
  return remedy;
}

}  // namespace

Remedy rule_allowing(std::string_view name, std::string_view when) {
  Remedy remedy;
  remedy.key = "seccomp.rule";
  remedy.value = fmt::format("{{ syscall = \"{}\", {}action = \"allow\" }}", name,
                             when.empty() ? "" : fmt::format("when = \"{}\", ", when));
  remedy.is_list = true;
  return remedy;
}

namespace {

std::string text_of(const Remedy::Line& line) {
  return line.is_list ? fmt::format("{} = [{}]", line.key, line.value)
                      : fmt::format("{} = {}", line.key, line.value);
}

std::vector<Remedy::Line> lines_of(const Remedy& remedy) {
  std::vector<Remedy::Line> lines;
  if (!remedy.key.empty()) {
    lines.push_back({remedy.key, remedy.value, remedy.is_list});
  }
  lines.insert(lines.end(), remedy.more.begin(), remedy.more.end());
  return lines;
}

std::string joined(const Remedy& remedy, std::string_view separator) {
  std::vector<std::string> texts;
  for (const Remedy::Line& line : lines_of(remedy)) {
    texts.push_back(text_of(line));
  }
  return join(texts, separator);
}

// Each value once. A list of words may bring several; a rule's own commas are inside of its braces.
void add_values(std::vector<std::string>& values, const Remedy::Line& line) {
  const bool is_words = line.is_list && !line.value.starts_with('{');
  for (const std::string& part : is_words ? split(line.value, ',') : std::vector{line.value}) {
    const std::string value = part.substr(std::min(part.size(), part.find_first_not_of(' ')));
    if (std::find(values.begin(), values.end(), value) == values.end()) {
      values.push_back(value);
    }
  }
}

}  // namespace

std::string policy_line(const Remedy& remedy) {
  return joined(remedy, "\n");
}

std::string policy_lines(std::span<const Remedy> remedies) {
  struct Entry {
    Remedy::Line line;
    std::vector<std::string> values;
  };
  std::vector<Entry> entries;
  for (const Remedy& remedy : remedies) {
    for (const Remedy::Line& line : lines_of(remedy)) {
      auto entry = std::find_if(entries.begin(), entries.end(),
                                [&](const Entry& one) { return one.line.key == line.key; });
      if (entry == entries.end()) {
        entry = entries.insert(entries.end(), Entry{line, {}});
      }
      if (!line.is_list) {
        entry->values.clear();  // the same value, or one that a later denial knows better
      }
      add_values(entry->values, line);
    }
  }
  std::string text;
  for (Entry& entry : entries) {
    entry.line.value = join(entry.values, ", ");
    text += text_of(entry.line) + "\n";
  }
  return text;
}

std::string to_text(const Remedy& remedy) {
  std::vector<std::string> ways;
  if (!remedy.option.empty()) {
    ways.push_back(fmt::format("sbx run {} …", remedy.option));
  }
  if (std::string lines = joined(remedy, " with "); !lines.empty()) {
    ways.push_back(std::move(lines));
  }
  if (!remedy.advice.empty()) {
    ways.push_back(remedy.advice);
  }
  return join(ways, ", or  ");
}

Remedy remedy_for(const FilterSpec& spec, const seccomp_data& call, const Rule& rule) {
  if (is_foreign(spec.arch, call)) {
    return only_warning("programs of another ABI than the machine's own do not run under sbx");
  }
  const std::string name(name_of(spec.arch, call.nr));
  switch (rule.purpose) {
    case Purpose::Policy:
    case Purpose::Default:
      return name.empty() ? Remedy{} : remedy_for_policy(spec, call, rule, name);
    case Purpose::WriteExec:
      return remedy_for_write_exec(name);
    case Purpose::Namespaces:
      return only_warning("nested namespaces give back what the sandbox took; there is no key for them");
    case Purpose::Network:
      return only_warning("it would lead round network.connect, and is denied with it");
    case Purpose::Families:
      return remedy_for_family(call, rule);
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
