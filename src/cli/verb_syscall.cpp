// SPDX-License-Identifier: Apache-2.0
// sbx syscall: what a policy needs to know of a system call or a group.
#include <algorithm>

#include "base/text.h"
#include "cli/json_writer.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "seccomp/groups.h"
#include "seccomp/syscall_table.h"

namespace sbx::cli {
namespace {

using seccomp::Arch;

struct ArchName {
  Arch arch;
  std::string_view name;
};

constexpr ArchName kArchs[] = {{Arch::X86_64, "x86-64"}, {Arch::Aarch64, "aarch64"}};

std::vector<std::string> groups_with(std::string_view call) {
  std::vector<std::string> names;
  for (const seccomp::Group& group : seccomp::groups()) {
    const auto members = seccomp::expand_group(group);
    if (std::find(members.begin(), members.end(), call) != members.end()) {
      names.emplace_back(group.name);
    }
  }
  return names;
}

// "domain: 32 bits, AF_*"
std::string describe(const seccomp::ArgumentInfo& argument) {
  std::string text(argument.name);
  if (argument.is_pointer) {
    return text + ": pointer";
  }
  text += ": " + std::to_string(argument.width) + " bits" + (argument.is_signed ? ", signed" : "");
  return argument.constants.empty() ? text : text + ", " + std::string(argument.constants) + "_*";
}

std::string numbers_text(std::string_view call) {
  std::vector<std::string> numbers;
  for (const ArchName& arch : kArchs) {
    const auto number = seccomp::number_of(arch.arch, call);
    numbers.push_back((number ? std::to_string(*number) : "none") + " on " +
                      std::string(arch.name));
  }
  return join(numbers, ", ");
}

std::string call_text(std::string_view call) {
  std::string out = std::string(call) + "\n  number     " + numbers_text(call) + "\n";
  std::string_view title = "  arguments  ";
  for (const seccomp::ArgumentInfo& argument : seccomp::arguments_of(call)) {
    out.append(title).append(describe(argument)).append("\n");
    title = "             ";
  }
  const auto groups = groups_with(call);
  return groups.empty() ? out : out + "  groups     " + join(groups, " ") + "\n";
}

std::string group_text(const seccomp::Group& group) {
  constexpr std::size_t kWidth = 80;
  std::string out = std::string(group.name) + ": " + std::string(group.description) + "\n";
  std::string line = " ";
  for (const std::string_view member : seccomp::expand_group(group)) {
    if (line.size() + 1 + member.size() > kWidth) {
      out += line + "\n";
      line = " ";
    }
    line.append(" ").append(member);
  }
  return out + line + "\n";
}

void write_call(JsonWriter& json, std::string_view call) {
  json.begin_object();
  json.member("name", call);
  json.key("numbers");
  json.begin_object();
  for (const ArchName& arch : kArchs) {
    if (const auto number = seccomp::number_of(arch.arch, call)) {
      json.key(arch.name);
      json.number(static_cast<unsigned>(*number));
    }
  }
  json.end_object();
  json.key("arguments");
  json.begin_array();
  for (const seccomp::ArgumentInfo& argument : seccomp::arguments_of(call)) {
    json.begin_object();
    json.member("name", argument.name);
    json.key("bits");
    json.number(argument.width);
    json.key("signed");
    json.boolean(argument.is_signed);
    json.key("pointer");
    json.boolean(argument.is_pointer);
    json.member("constants", argument.constants);
    json.end_object();
  }
  json.end_array();
  json.key("groups");
  json.begin_array();
  for (const std::string& group : groups_with(call)) {
    json.string(group);
  }
  json.end_array();
  json.end_object();
}

void write_group(JsonWriter& json, const seccomp::Group& group) {
  json.begin_object();
  json.member("name", group.name);
  json.member("description", group.description);
  json.key("members");
  json.begin_array();
  for (const std::string_view member : seccomp::expand_group(group)) {
    json.string(member);
  }
  json.end_array();
  json.end_object();
}

Error unknown(const std::string& word) {
  std::vector<std::string_view> known;
  for (const ArchName& arch : kArchs) {
    const auto names = seccomp::all_names(arch.arch);
    known.insert(known.end(), names.begin(), names.end());
  }
  for (const seccomp::Group& group : seccomp::groups()) {
    known.push_back(group.name);
  }
  const auto near = nearest(word, known);
  return Error{.action = "unknown system call " + quote(word),
               .hint = near ? "did you mean " + *near + "?"
                            : "a name, as socket; a number; or a group, as @network-io"};
}

// The name of a call given by name or by number; empty if there is none.
std::string_view call_named(const std::string& word) {
  if (const auto number = parse_number(word)) {
    constexpr std::uint64_t kHighest = 1u << 20;
    return *number < kHighest ? seccomp::name_of(seccomp::native_arch(), static_cast<int>(*number))
                              : std::string_view();
  }
  return seccomp::is_syscall_name(word) ? std::string_view(word) : std::string_view();
}

}  // namespace

Result<int> syscall(const Command& command) {
  JsonWriter json;
  std::string text;
  json.begin_array();
  for (const std::string& word : command.operands) {
    if (const seccomp::Group* group = seccomp::find_group(word)) {
      text += group_text(*group);
      write_group(json, *group);
      continue;
    }
    const std::string_view call = call_named(word);
    if (call.empty()) {
      return unknown(word);
    }
    text += call_text(call);
    write_call(json, call);
  }
  json.end_array();
  SBX_TRY(print(command.json ? json.take() : text));
  return 0;
}

}  // namespace sbx::cli
