// SPDX-License-Identifier: Apache-2.0
#include "policy/value.h"

#include <algorithm>

#include "base/errno_name.h"
#include "base/path.h"
#include "base/text.h"
#include "policy/capabilities.h"
#include "policy/cautions.h"

namespace sbx::policy {
namespace {

constexpr std::string_view kErrnoForm = "errno(NAME)";
constexpr std::string_view kNamespaceKinds = "user|mount|pid|net|ipc|uts|cgroup|time";
constexpr std::string_view kRuleActions = "allow|deny|errno(NAME)|pretend|kill|log|notify";

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// "deny|errno(NAME)|kill" → "deny, errno(NAME) or kill"
std::string list_choices(std::string_view choices) {
  std::vector<std::string> words = split(choices, '|');
  const std::string last = words.back();
  words.pop_back();
  return words.empty() ? last : join(words, ", ") + " or " + last;
}

Status check_errno(const std::string& name, const Origin& origin) {
  if (errno_from_name(name)) {
    return {};
  }
  std::vector<std::string> known;
  constexpr int kHighestErrno = 133;  // EHWPOISON
  for (int value = 1; value <= kHighestErrno; ++value) {
    known.push_back(errno_name(value));
  }
  const auto near = nearest(name, {known.begin(), known.end()});
  return Error{"unknown errno name " + quote(name), 0, origin,
               near ? "did you mean errno(" + *near + ")?"
                    : "errno(3) lists the names: EPERM, EACCES, ENOENT …"};
}

// Of words separated by '|'. Hot, so without a list of them.
bool is_one_of(std::string_view choices, std::string_view word) {
  while (choices.size() >= word.size()) {
    const std::size_t end = std::min(choices.find('|'), choices.size());
    if (choices.substr(0, end) == word) {
      return true;
    }
    choices.remove_prefix(std::min(end + 1, choices.size()));
    if (choices.empty()) {
      break;
    }
  }
  return false;
}

Status check_choice(std::string_view what, std::string_view choices, const Text& text) {
  const std::string& value = text.value;
  if (value != kErrnoForm && is_one_of(choices, value)) {
    return {};
  }
  const std::vector<std::string> words = split(choices, '|');
  const bool takes_errno = std::find(words.begin(), words.end(), kErrnoForm) != words.end();
  if (takes_errno && value.starts_with("errno(") && value.ends_with(')')) {
    return check_errno(value.substr(6, value.size() - 7), text.origin);
  }
  std::string hint = "write " + list_choices(choices);
  if (takes_errno && errno_from_name(value)) {
    hint = "write errno(" + value + ")";
  } else if (const auto near = nearest(value, {words.begin(), words.end()})) {
    hint = "did you mean " + quote(*near) + "? It takes " + list_choices(choices);
  }
  return Error{std::string(what) + " cannot be " + quote(value), 0, text.origin, hint};
}

// POSIX.1-2017 §8.1; a '=' or a NUL in a name would smuggle in another variable.
bool is_variable_name(std::string_view name) {
  return !name.empty() && !is_digit(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
}

Status check_variable(std::string_view name, const Origin& origin) {
  if (is_variable_name(name)) {
    return {};
  }
  return Error{"no name of an environment variable: " + quote(name), 0, origin,
               "use letters, digits and _, and no digit first"};
}

bool is_host_name(std::string_view name) {
  constexpr std::size_t kLongest = 64;  // __NEW_UTS_LEN of sethostname(2)
  return !name.empty() && name.size() <= kLongest && name.front() != '-' && name.front() != '.' &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '.'; });
}

// machine-id(5); all zeros is what it calls uninitialised.
bool is_machine_id(std::string_view text) {
  constexpr std::size_t kDigits = 32;
  return text == "none" || text == "random" ||
         (text.size() == kDigits && text.find_first_not_of('0') != std::string_view::npos &&
          std::all_of(text.begin(), text.end(),
                      [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }));
}

bool is_account(std::string_view name) {
  constexpr std::size_t kLongest = 32;
  return !name.empty() && name.size() <= kLongest && name.front() != '-' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '.';
         });
}

Status check_text(Key key, const Text& text) {
  if (text.value.find('\0') != std::string::npos) {
    return Error{qualified_name(key) + " contains a NUL byte", 0, text.origin, "take it out"};
  }
  if (key == Key::CommandWorkdir && !text.value.empty()) {
    if (auto path = check_path(text.value, text.origin); !path) {
      return path.error();
    }
  }
  if (key == Key::IdentityHostname && !is_host_name(text.value)) {
    return Error{"no host name: " + quote(text.value), 0, text.origin,
                 "use letters, digits, - and ., at most 64 of them"};
  }
  if (key == Key::IdentityMachineId && !is_machine_id(text.value)) {
    return Error{"no machine id: " + quote(text.value), 0, text.origin,
                 "write none, random or 32 hexadecimal digits in lower case, not all 0"};
  }
  if ((key == Key::IdentityUser || key == Key::IdentityGroup) && !is_account(text.value)) {
    return Error{"no name or number of a " + std::string(info(key).name) + ": " + quote(text.value),
                 0, text.origin, "write a name such as \"root\" or a number in quotes, \"1000\""};
  }
  return {};
}

// A word of seccomp.allow or deny: whether such a call exists is known to plan/expand_filter.
Status check_call_name(const Text& text) {
  const std::string_view name = text.value.starts_with('@') ? std::string_view(text.value).substr(1)
                                                            : std::string_view(text.value);
  const bool plausible = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '_' || c == '-';
  });
  if (plausible) {
    return {};
  }
  return Error{"no name of a system call or group: " + quote(text.value), 0, text.origin,
               "write a call as \"getpid\" and a group as \"@basic-io\""};
}

Status check_capability(const Text& name) {
  const Capability* capability = find_capability(name.value);
  if (capability == nullptr) {
    std::vector<std::string_view> known;
    for (const Capability& one : capabilities()) {
      known.push_back(one.name);
    }
    std::string full = name.value;
    std::transform(full.begin(), full.end(), full.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    const auto near = nearest(full.starts_with("CAP_") ? full : "CAP_" + full, known);
    return Error{"unknown capability " + quote(name.value), 0, name.origin,
                 near ? "did you mean " + quote(*near) + "?"
                      : "capabilities(7) lists the names: CAP_NET_BIND_SERVICE, CAP_NET_RAW …"};
  }
  if (capability->effect == Capability::Effect::Refused) {
    return Error{"the capability " + name.value + " cannot be kept", 0, name.origin,
                 std::string(capability->reason)};
  }
  return {};
}

Status check_acceptance(const Text& entry) {
  const Acceptance acceptance = split_acceptance(entry.value);
  if (!find_caution(acceptance.name)) {
    std::vector<std::string_view> names;
    for (const CautionInfo& caution : cautions()) {
      names.push_back(caution.name);
    }
    const auto near = nearest(acceptance.name, names);
    return Error{"no warning is named " + quote(acceptance.name), 0, entry.origin,
                 near ? "did you mean " + quote(*near) + "?"
                      : "`sbx check` prints the name in brackets; write \"NAME: reason\""};
  }
  if (acceptance.reason.empty()) {
    return Error{"policy.accept = " + quote(entry.value) + " gives no reason", 0, entry.origin,
                 "say why it is meant: " + quote(std::string(acceptance.name) + ": …")};
  }
  return {};
}

Status check_names(Key key, const std::vector<Text>& names) {
  for (const Text& name : names) {
    if (name.value.find('\0') != std::string::npos) {
      return Error{"an entry of " + qualified_name(key) + " contains a NUL byte", 0, name.origin,
                   "take it out"};
    }
    if (name.value.empty() && key != Key::CommandArgs) {
      return Error{"empty entry in " + qualified_name(key), 0, name.origin, "take it out"};
    }
    if (key == Key::SeccompAllow || key == Key::SeccompDeny) {
      SBX_TRY(check_call_name(name));
    } else if (key == Key::NamespacesNested) {
      SBX_TRY(check_choice("an entry of namespaces.nested", kNamespaceKinds, name));
    } else if (key == Key::CapabilitiesKeep) {
      SBX_TRY(check_capability(name));
    } else if (key == Key::EnvironmentKeep || key == Key::EnvironmentUnset) {
      SBX_TRY(check_variable(name.value, name.origin));
    } else if (key == Key::PolicyAccept) {
      SBX_TRY(check_acceptance(name));
    } else if (key == Key::PolicyExtends && !is_policy_name(name.value)) {
      return Error{"no name of a policy: " + quote(name.value), 0, name.origin,
                   "write the file's name without directory and .toml; SBX_POLICY_PATH adds a "
                   "directory to the search"};
    } else if (key == Key::PolicyPrograms && name.value.find('/') != std::string::npos) {
      return Error{"policy.programs takes names without directory, not " + quote(name.value), 0,
                   name.origin, "write " + quote(path::basename(name.value))};
    }
  }
  return {};
}

// Without these three there is no sandbox of this kind (DESIGN: minimal root, one end for all).
Status check_flag(Key key, const Flag& flag) {
  const std::string_view why =
      key == Key::NamespacesUser    ? "every other namespace needs it"
      : key == Key::NamespacesMount ? "the minimal root is built in it"
      : key == Key::NamespacesPid   ? "its end is the end of every process inside"
                                    : "";
  if (flag.value || why.empty()) {
    return {};
  }
  return Error{qualified_name(key) + " cannot be false: " + std::string(why), 0, flag.origin,
               "take the line out; where the kernel refuses namespaces: --allow-degraded userns"};
}

Status check_number(Key key, const Number& number) {
  const bool may_be_zero = key == Key::LimitsCore || key == Key::LimitsFileSize;
  if (number.value == 0 && !may_be_zero) {
    return Error{qualified_name(key) + " cannot be 0", 0, number.origin,
                 "leave the key out for no limit"};
  }
  constexpr std::uint64_t kHighestWeight = 10000;  // cgroup-v2, cpu.weight
  if (key == Key::LimitsCpuWeight && number.value > kHighestWeight) {
    return Error{qualified_name(key) + " is above 10000", 0, number.origin,
                 "a share from 1 to 10000; others have 100"};
  }
  return {};
}

Status check_paths(Key key, const std::vector<PathEntry>& entries) {
  const bool has_source = key == Key::FilesystemRead || key == Key::FilesystemWrite;
  const bool is_new = key == Key::FilesystemTmpfs || key == Key::FilesystemCreate;
  for (const PathEntry& entry : entries) {
    auto path = check_path(entry.path, entry.origin);
    if (!path) {
      return path.error();
    }
    if (!entry.at.empty()) {
      if (!has_source) {
        return Error{"`at` has no meaning in " + qualified_name(key), 0, entry.origin,
                     "only filesystem.read and filesystem.write show a path at another place"};
      }
      if (auto at = check_path(entry.at, entry.origin); !at) {
        return at.error();
      }
    }
    if (key == Key::FilesystemDev && (!path::is_below(*path, "/dev") || *path == "/dev")) {
      return Error{"no device: " + quote(*path), 0, entry.origin,
                   "name one of /dev, as \"/dev/kvm\"; other paths are for filesystem.read and write"};
    }
    if (entry.optional && is_new) {
      return Error{"`optional` has no meaning in " + qualified_name(key), 0, entry.origin,
                   "such a directory is made new, whatever the host has"};
    }
  }
  return {};
}

Status check_pairs(const std::map<std::string, Text>& pairs) {
  for (const auto& [name, text] : pairs) {
    SBX_TRY(check_variable(name, text.origin));
    if (text.value.find('\0') != std::string::npos) {
      return Error{"the value of environment.set." + name + " contains a NUL byte", 0, text.origin,
                   "take it out"};
    }
  }
  return {};
}

Status check_rules(const std::vector<SeccompRule>& rules) {
  for (const SeccompRule& rule : rules) {
    if (rule.syscalls.empty()) {
      return Error{"a [[seccomp.rule]] without syscalls", 0, rule.origin,
                   "name the calls that it is about: syscalls = [\"socket\"]"};
    }
    for (const Text& name : rule.syscalls) {
      SBX_TRY(check_call_name(name));
    }
    if (rule.action.value.empty()) {
      return Error{"a [[seccomp.rule]] without action", 0, rule.origin,
                   "say what happens to the call: action = \"deny\""};
    }
    SBX_TRY(check_choice("action", kRuleActions, rule.action));
  }
  return {};
}

}  // namespace

Result<Number> parse_amount(Key key, std::string_view text, const Origin& origin) {
  const KeyType type = info(key).type;
  const std::string what = qualified_name(key);
  const auto amount = type == KeyType::Size      ? parse_size(text)
                      : type == KeyType::Seconds ? parse_seconds(text)
                                                 : parse_number(text);
  if (amount) {
    return Number{*amount, origin};
  }
  const std::string_view hint =
      type == KeyType::Size      ? "write bytes, or a number with K, M, G or T: \"64M\""
      : type == KeyType::Seconds ? "write seconds, or a number with s, m, h or d: \"10m\""
                                 : "write a whole number";
  const std::string_view noun = type == KeyType::Size      ? "no size"
                                : type == KeyType::Seconds ? "no time"
                                                           : "no number";
  return Error{what + ": " + std::string(noun) + ": " + quote(text), 0, origin, std::string(hint)};
}

Result<std::string> check_path(std::string_view path, const Origin& origin,
                               std::string_view relative_base) {
  constexpr std::size_t kLongest = 4095;  // PATH_MAX without its NUL
  if (path.empty()) {
    return Error{"empty path", 0, origin, "write an absolute path, or one below ~"};
  }
  if (path.find('\0') != std::string_view::npos || path.size() > kLongest) {
    return Error{"no path: " + quote(path.substr(0, 64)), 0, origin,
                 "a path has no NUL byte and at most 4095 bytes"};
  }
  if (path::is_normal(path)) {
    return std::string(path);
  }
  const std::vector<std::string> components = split(path, '/');
  const bool climbs = std::find(components.begin(), components.end(), "..") != components.end();
  const bool is_home = components[0] == "~" || components[0] == "$HOME";
  if (climbs && relative_base.empty()) {
    return Error{"a path with \"..\": " + quote(path), 0, origin,
                 "write the path that it leads to: with symbolic links, \"..\" is ambiguous"};
  }
  if (is_home) {
    const std::string below = path::normalise(path.substr(components[0].size()));
    return below == "/" ? "~" : "~" + below;
  }
  if (!path::is_absolute(path) && relative_base.empty()) {
    return Error{path.front() == '~'
                     ? "only the caller's own home has a short form, not " + quote(path)
                     : "a path that is not absolute: " + quote(path),
                 0, origin, "begin it with / or ~/"};
  }
  return path::normalise(path, relative_base.empty() ? "/" : relative_base);
}

Result<std::map<std::string, Text>> environment_pair(std::string_view text, const Origin& origin) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return Error{"no value for the environment variable " + quote(text), 0, origin,
                 "write NAME=VALUE"};
  }
  const std::string name(text.substr(0, equals));
  SBX_TRY(check_variable(name, origin));
  return std::map<std::string, Text>{{name, Text{std::string(text.substr(equals + 1)), origin}}};
}

Result<Value> value_from_text(Key key, std::string_view text, const Origin& origin) {
  Value value;
  switch (info(key).type) {
    case KeyType::Text:
    case KeyType::Choice:
      value = Text{std::string(text), origin};
      break;
    case KeyType::Flag:
      if (text != "true" && text != "false") {
        return Error{qualified_name(key) + " cannot be " + quote(text), 0, origin,
                     "write true or false"};
      }
      value = Flag{text == "true", origin};
      break;
    case KeyType::Size:
    case KeyType::Seconds:
    case KeyType::Count: {
      auto number = parse_amount(key, text, origin);
      if (!number) {
        return number.error();
      }
      value = *number;
      break;
    }
    case KeyType::Names:
      value = std::vector<Text>{{std::string(text), origin}};
      break;
    case KeyType::Paths: {
      auto path = check_path(text, origin);
      if (!path) {
        return path.error();
      }
      value = std::vector<PathEntry>{{*path, "", false, origin}};
      break;
    }
    case KeyType::Pairs:
    case KeyType::Rules:
      return Error{qualified_name(key) + " cannot be given as one word", 0, origin,
                   "write it in a policy file"};
  }
  SBX_TRY(check_value(key, value));
  return value;
}

Status check_value(Key key, const Value& value) {
  const Error wrong_type{"a value of the wrong type for " + qualified_name(key), 0, {}, {}};
  switch (info(key).type) {
    case KeyType::Text: {
      const auto* text = std::get_if<Text>(&value);
      return text != nullptr ? check_text(key, *text) : Status(wrong_type);
    }
    case KeyType::Choice: {
      const auto* text = std::get_if<Text>(&value);
      return text != nullptr ? check_choice(qualified_name(key), info(key).choices, *text)
                             : Status(wrong_type);
    }
    case KeyType::Flag: {
      const auto* flag = std::get_if<Flag>(&value);
      return flag != nullptr ? check_flag(key, *flag) : Status(wrong_type);
    }
    case KeyType::Size:
    case KeyType::Seconds:
    case KeyType::Count: {
      const auto* number = std::get_if<Number>(&value);
      return number != nullptr ? check_number(key, *number) : Status(wrong_type);
    }
    case KeyType::Names: {
      const auto* names = std::get_if<std::vector<Text>>(&value);
      return names != nullptr ? check_names(key, *names) : Status(wrong_type);
    }
    case KeyType::Paths: {
      const auto* paths = std::get_if<std::vector<PathEntry>>(&value);
      return paths != nullptr ? check_paths(key, *paths) : Status(wrong_type);
    }
    case KeyType::Pairs: {
      const auto* pairs = std::get_if<std::map<std::string, Text>>(&value);
      return pairs != nullptr ? check_pairs(*pairs) : Status(wrong_type);
    }
    case KeyType::Rules: {
      const auto* rules = std::get_if<std::vector<SeccompRule>>(&value);
      return rules != nullptr ? check_rules(*rules) : Status(wrong_type);
    }
  }
  return wrong_type;
}

std::string_view rule_actions() {
  return kRuleActions;
}

bool is_removable(Key key) {
  // A policy's own description of itself, and lists that are replaced as a whole.
  if (key == Key::PolicyExtends || key == Key::PolicyPrograms || key == Key::CommandArgs ||
      key == Key::NetworkFamilies || key == Key::NetworkDns || key == Key::ReportNotifyCommand) {
    return false;
  }
  const KeyType type = info(key).type;
  return type == KeyType::Names || type == KeyType::Paths || type == KeyType::Pairs ||
         type == KeyType::Rules;
}

bool is_policy_name(std::string_view name) {
  constexpr std::size_t kLongest = 128;
  return !name.empty() && name.size() <= kLongest && name.front() != '.' && name.front() != '-' &&
         !name.ends_with(".toml") && !name.ends_with(".local") &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return is_letter(c) || is_digit(c) || c == '.' || c == '_' || c == '+' || c == '-';
         });
}

}  // namespace sbx::policy
