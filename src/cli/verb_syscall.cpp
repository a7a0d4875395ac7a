// SPDX-License-Identifier: Apache-2.0
// sbx syscall: what a policy needs to know of a system call or a group.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "cli/json_writer.h"
#include "cli/output.h"
#include "cli/shipped_filters.h"
#include "cli/verbs.h"
#include "seccomp/groups.h"
#include "seccomp/siblings.h"
#include "seccomp/syscall_table.h"
#include "seccomp/syscall_versions.h"

namespace sbx::cli {
namespace {

using seccomp::Arch;

struct ArchName {
  Arch arch;
  std::string_view name;
};

constexpr ArchName kArchs[] = {{Arch::X86_64, "x86-64"}, {Arch::Aarch64, "aarch64"}};

// What the shipped policies say, by the words of the output.
struct StanceName {
  Stance stance;
  std::string_view name;
};
constexpr StanceName kStances[] = {
    {Stance::Allowed, "allowed"}, {Stance::Conditional, "conditional"}, {Stance::Denied, "denied"}};

// Everything about one call, for each way to print it.
struct CallFacts {
  std::string_view name;
  std::array<std::optional<int>, std::size(kArchs)> numbers;
  std::string_view since;
  std::vector<std::string> groups;
  std::vector<std::string> siblings;
  std::array<std::vector<std::string>, std::size(kStances)> policies;
};

using Filters = std::vector<ShippedFilter>;
using Members = std::vector<std::vector<std::string_view>>;  // of each group of the table

Members members_of_groups() {
  Members members;
  for (const seccomp::Group& group : seccomp::groups()) {
    members.push_back(seccomp::expand_group(group));
  }
  return members;
}

CallFacts facts_of(std::string_view call, const Members& members, const Filters& filters) {
  CallFacts facts;
  facts.name = call;
  facts.since = seccomp::since_kernel(call);
  for (std::size_t i = 0; i < std::size(kArchs); ++i) {
    facts.numbers[i] = seccomp::number_of(kArchs[i].arch, call);
  }
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (std::binary_search(members[i].begin(), members[i].end(), call)) {
      facts.groups.emplace_back(seccomp::groups()[i].name);
    }
  }
  for (const seccomp::Family* family : seccomp::families_of(call)) {
    for (const std::string_view sibling : seccomp::members_of(*family)) {
      if (sibling != call) {
        facts.siblings.emplace_back(sibling);
      }
    }
  }
  const auto native = seccomp::number_of(seccomp::native_arch(), call);
  for (const ShippedFilter& shipped : filters) {
    if (native) {
      facts.policies[static_cast<std::size_t>(stance_on(shipped.filter, *native))].push_back(
          shipped.policy);
    }
  }
  return facts;
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

// "name: description" lines below a title, and words broken at 80 columns.
void append_words(std::string& out, std::string_view title, const std::vector<std::string>& words) {
  constexpr std::size_t kWidth = 80;
  constexpr std::size_t kIndent = 13;
  if (words.empty()) {
    return;
  }
  std::string line = "  " + std::string(title) + std::string(kIndent - 3 - title.size(), ' ');
  for (const std::string& word : words) {
    if (line.size() + 1 + word.size() > kWidth) {
      out += line + "\n";
      line = std::string(kIndent - 1, ' ');
    }
    line += " " + word;
  }
  out += line + "\n";
}

std::string numbers_text(const CallFacts& facts) {
  std::vector<std::string> numbers;
  for (std::size_t i = 0; i < std::size(kArchs); ++i) {
    const auto& number = facts.numbers[i];
    numbers.push_back((number ? std::to_string(*number) : "none") + " on " +
                      std::string(kArchs[i].name));
  }
  return join(numbers, ", ");
}

std::string since_text(std::string_view since) {
  return since.empty()  ? "never: the number is reserved, or another architecture's"
         : since == "1.0" ? "Linux 1.0 or earlier"
                        : "Linux " + std::string(since);
}

std::string call_text(const CallFacts& facts) {
  std::string out(facts.name);
  out += "\n  number     " + numbers_text(facts) + "\n  since      " + since_text(facts.since) + "\n";
  std::string_view title = "  arguments  ";
  for (const seccomp::ArgumentInfo& argument : seccomp::arguments_of(facts.name)) {
    out.append(title).append(describe(argument)).append("\n");
    title = "             ";
  }
  append_words(out, "groups", facts.groups);
  append_words(out, "siblings", facts.siblings);
  append_words(out, "allowed", facts.policies[0]);
  append_words(out, "by rule", facts.policies[1]);
  append_words(out, "denied", facts.policies[2]);
  return out;
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

void write_strings(JsonWriter& json, std::string_view key, const std::vector<std::string>& texts) {
  json.key(key);
  json.begin_array();
  for (const std::string& text : texts) {
    json.string(text);
  }
  json.end_array();
}

void write_arguments(JsonWriter& json, std::string_view call) {
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
}

void write_call(JsonWriter& json, const CallFacts& facts) {
  json.begin_object();
  json.member("name", facts.name);
  json.key("numbers");
  json.begin_object();
  for (std::size_t i = 0; i < std::size(kArchs); ++i) {
    if (facts.numbers[i]) {
      json.key(kArchs[i].name);
      json.number(static_cast<unsigned>(*facts.numbers[i]));
    }
  }
  json.end_object();
  json.member("since", facts.since);
  write_arguments(json, facts.name);
  write_strings(json, "groups", facts.groups);
  write_strings(json, "siblings", facts.siblings);
  json.key("policies");
  json.begin_object();
  for (const StanceName& one : kStances) {
    write_strings(json, one.name, facts.policies[static_cast<std::size_t>(one.stance)]);
  }
  json.end_object();
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

// One line of --dump.
std::string dump_line(const CallFacts& facts) {
  std::string line(facts.name);
  for (const auto& number : facts.numbers) {
    line += "\t" + (number ? std::to_string(*number) : "-");
  }
  line.append("\t").append(facts.since.empty() ? "-" : facts.since);
  std::vector<std::string> arguments;
  for (const seccomp::ArgumentInfo& argument : seccomp::arguments_of(facts.name)) {
    arguments.push_back(std::string(argument.name) + ":" +
                        (argument.is_pointer  ? "p"
                         : argument.is_signed ? "s" + std::to_string(argument.width)
                                              : "u" + std::to_string(argument.width)));
  }
  using Words = std::vector<std::string>;
  for (const Words* words : {static_cast<const Words*>(&arguments), &facts.groups, &facts.siblings,
                             &facts.policies[0], &facts.policies[1]}) {
    line += "\t" + (words->empty() ? "-" : join(*words, " "));
  }
  return line + "\n";
}

// Every call that has a number on some architecture, by its name.
std::vector<std::string_view> all_calls() {
  std::vector<std::string_view> all;
  for (const ArchName& arch : kArchs) {
    const auto names = seccomp::all_names(arch.arch);
    all.insert(all.end(), names.begin(), names.end());
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

Error unknown(const std::string& word) {
  std::vector<std::string_view> known = all_calls();
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

std::string dump(const Members& members, const Filters& filters, bool as_json) {
  JsonWriter json;
  std::string text = "name";
  for (const ArchName& arch : kArchs) {
    text.append("\t").append(arch.name);
  }
  text += "\tsince\targuments\tgroups\tsiblings\tallowed\tconditional\n";
  json.begin_array();
  for (const std::string_view call : all_calls()) {
    const CallFacts facts = facts_of(call, members, filters);
    text += dump_line(facts);
    write_call(json, facts);
  }
  json.end_array();
  return as_json ? json.take() : text;
}

}  // namespace

Result<int> syscall(const Command& command) {
  const bool only_groups =
      !command.dump && std::all_of(command.operands.begin(), command.operands.end(),
                                   [](const std::string& word) { return word.starts_with('@'); });
  Filters filters;
  if (!only_groups) {
    auto shipped = shipped_filters(open_library());
    if (!shipped) {
      return std::move(shipped).error();
    }
    filters = std::move(*shipped);
  }
  const Members members = members_of_groups();
  if (command.dump) {
    SBX_TRY(print(dump(members, filters, command.json)));
    return 0;
  }
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
    const CallFacts facts = facts_of(call, members, filters);
    text += call_text(facts);
    write_call(json, facts);
  }
  json.end_array();
  SBX_TRY(print(command.json ? json.take() : text));
  return 0;
}

}  // namespace sbx::cli
