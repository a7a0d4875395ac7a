// SPDX-License-Identifier: Apache-2.0
#include "plan/question.h"

#include <algorithm>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "seccomp/groups.h"
#include "seccomp/syscall_table.h"
#include "seccomp/when.h"

namespace sbx::plan {
namespace {

constexpr std::string_view kBlanks = " \t\n";

Origin at(std::size_t position) {
  return {"question", 1, static_cast<int>(position) + 1};
}

Error unknown(std::string_view what, std::string_view name, std::size_t position,
              const std::vector<std::string_view>& known) {
  const auto near = nearest(name, known);
  return Error{
      fmt::format("unknown {} {}", what, quote(name)), 0, at(position),
      near ? fmt::format("did you mean {}?", *near) : "sbx explain --help lists what can be asked"};
}

Result<Question> parse_group(std::string_view text) {
  if (seccomp::find_group(text) == nullptr) {
    std::vector<std::string_view> known;
    for (const seccomp::Group& group : seccomp::groups()) {
      known.push_back(group.name);
    }
    return unknown("group of system calls", text, 0, known);
  }
  return Question(GroupQuestion{std::string(text)});
}

Result<Question> parse_call(std::string_view text, seccomp::Arch arch) {
  const std::size_t open = std::min(text.find('('), text.size());
  const std::size_t end = text.substr(0, open).find_last_not_of(kBlanks) + 1;
  const std::string_view name = text.substr(0, end);
  CallQuestion question;
  question.text = text;
  if (const auto number = parse_number(name)) {
    constexpr std::uint64_t kHighest = 0x3fff'ffff;  // bit 30 is another ABI's
    if (*number > kHighest) {
      return Error{fmt::format("there can be no system call {}", name), 0, at(0),
                   fmt::format("numbers go from 0 to {}", kHighest)};
    }
    question.number = static_cast<int>(*number);
    question.name = seccomp::name_of(arch, question.number);
    if (!question.name.empty()) {
      question.text = question.name + std::string(text.substr(open));
    }
  } else {
    const auto found = seccomp::number_of(arch, name);
    if (!found && seccomp::is_syscall_name(name)) {
      return Error{fmt::format("this machine has no system call {}", name), 0, at(0),
                   "it exists on other architectures only"};
    }
    if (!found) {
      return unknown("system call", name, 0, seccomp::all_names(arch));
    }
    question.number = *found;
    question.name = name;
  }
  if (open < text.size()) {
    const auto arguments = seccomp::parse_arguments(text.substr(open), question.name, at(open));
    if (!arguments) {
      return arguments.error();
    }
    question.arguments = *arguments;
  }
  return Question(std::move(question));
}

}  // namespace

Result<Question> parse_question(std::string_view text, seccomp::Arch arch) {
  // Trailing blanks only: positions in errors count from the start.
  text = text.substr(0, text.find_last_not_of(kBlanks) + 1);
  if (text.empty()) {
    return Error{"there is no question", 0, {}, "as: sbx explain default 'socket(AF_INET)'"};
  }
  return text.starts_with('@') ? parse_group(text) : parse_call(text, arch);
}

}  // namespace sbx::plan
