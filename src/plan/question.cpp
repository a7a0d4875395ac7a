// SPDX-License-Identifier: Apache-2.0
#include "plan/question.h"

#include <arpa/inet.h>

#include <algorithm>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "policy/capabilities.h"
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

bool is_path(std::string_view text) {
  return text.starts_with('/') || text.starts_with("~/") || text == "~" || text.starts_with("./") ||
         text.starts_with("../") || text == "." || text == "..";
}

Error bad_address(std::string_view place, std::size_t position, std::string_view why) {
  return Error{fmt::format("cannot read the address {}: {}", quote(place), why), 0, at(position),
               "as 10.0.0.1:443, [::1]:80, udp://10.0.0.1:53, unix:/run/x.sock, unix:@name"};
}

bool is_numeric(AddressQuestion::Family family, const std::string& host) {
  in6_addr ignored{};
  const int domain = family == AddressQuestion::Family::Inet6 ? AF_INET6 : AF_INET;
  return ::inet_pton(domain, host.c_str(), &ignored) == 1;
}

// The place, which begins at `position` of the whole question.
Result<Question> parse_address(AddressQuestion question, std::string_view place,
                               std::size_t position) {
  using Family = AddressQuestion::Family;
  std::string_view rest = place;
  if (rest.starts_with("unix:")) {
    question.family = Family::Unix;
    question.host = rest.substr(5);
    if (!question.host.starts_with('/') &&
        !(question.host.starts_with('@') && question.host.size() > 1)) {
      return bad_address(place, position, "a path is absolute, and @ begins a name");
    }
    return Question(std::move(question));
  }
  question.is_udp = rest.starts_with("udp://");
  if (question.is_udp || rest.starts_with("tcp://")) {
    rest.remove_prefix(6);
  }
  const std::size_t colon = rest.rfind(':');
  const auto port = parse_number(colon == std::string_view::npos ? "" : rest.substr(colon + 1));
  if (!port || *port > 65535) {
    return bad_address(place, position, "it needs a port from 0 to 65535 at its end");
  }
  question.port = static_cast<std::uint16_t>(*port);
  question.host = rest.substr(0, colon);
  if (question.host.starts_with('[') && question.host.ends_with(']')) {
    question.family = Family::Inet6;
    question.host = question.host.substr(1, question.host.size() - 2);
  }
  if (!is_numeric(question.family, question.host)) {
    return bad_address(place, position, quote(question.host) + " is no numeric address");
  }
  return Question(std::move(question));
}

Result<Question> parse_limit(std::string_view name, std::size_t position) {
  const auto key = policy::find_key("limits", name);
  if (key) {
    return Question(LimitQuestion{*key});
  }
  std::vector<std::string_view> known;
  for (const policy::KeyInfo& one : policy::keys()) {
    if (one.table == "limits") {
      known.push_back(one.name);
    }
  }
  return unknown("limit", name, position, known);
}

Result<Question> parse_capability(std::string_view word, std::size_t position) {
  std::string name(word);
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  name = name.starts_with("CAP_") ? name : "CAP_" + name;
  if (policy::find_capability(name) != nullptr) {
    return Question(CapabilityQuestion{name});
  }
  std::vector<std::string_view> known;
  for (const policy::Capability& one : policy::capabilities()) {
    known.push_back(one.name);
  }
  return unknown("capability", name, position, known);
}

bool is_place(std::string_view text) {
  return text.starts_with("unix:") || text.starts_with("tcp://") || text.starts_with("udp://");
}

// "VERB REST"; nothing if the first word is not one of those that take a rest.
std::optional<Result<Question>> parse_with_verb(std::string_view text) {
  const std::size_t blank = text.find_first_of(kBlanks);
  const std::size_t start = text.find_first_not_of(kBlanks, blank);
  if (blank == std::string_view::npos || start == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view verb = text.substr(0, blank);
  const std::string_view rest = text.substr(start);
  using Intent = PathQuestion::Intent;
  if ((verb == "read" || verb == "write" || verb == "exec") && is_path(rest)) {
    const Intent intent = verb == "read"    ? Intent::Read
                          : verb == "write" ? Intent::Write
                                            : Intent::Execute;
    return Question(PathQuestion{std::string(rest), intent});
  }
  if ((verb == "connect" || verb == "bind") && !rest.starts_with('(')) {
    AddressQuestion question;
    question.text = text;
    question.binds = verb == "bind";
    return parse_address(std::move(question), rest, start);
  }
  if (verb == "env") {
    return Question(VariableQuestion{std::string(rest)});
  }
  if (verb == "limit") {
    return parse_limit(rest, start);
  }
  if (verb == "capability") {
    return parse_capability(rest, start);
  }
  return std::nullopt;
}

}  // namespace

Result<Question> parse_question(std::string_view text, seccomp::Arch arch) {
  // Trailing blanks only: positions in errors count from the start.
  text = text.substr(0, text.find_last_not_of(kBlanks) + 1);
  if (text.empty()) {
    return Error{"there is no question", 0, {}, "as: sbx explain default 'socket(AF_INET)'"};
  }
  if (auto question = parse_with_verb(text)) {
    return *std::move(question);
  }
  if (is_path(text)) {
    return Question(PathQuestion{std::string(text), PathQuestion::Intent::Any});
  }
  if (is_place(text)) {
    AddressQuestion question;
    question.text = fmt::format("connect {}", text);
    return parse_address(std::move(question), text, 0);
  }
  return text.starts_with('@') ? parse_group(text) : parse_call(text, arch);
}

}  // namespace sbx::plan
