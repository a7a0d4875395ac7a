// SPDX-License-Identifier: Apache-2.0
#include "cli/run_layer.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <variant>

#include "base/path.h"
#include "base/text.h"
#include "policy/value.h"

namespace sbx::cli {
namespace {

using policy::Key;
using policy::KeyInfo;

// "--ro /usr": where a value came from, and what an error quotes.
Origin origin_of(const OptionInfo& option, const std::string& value) {
  return Origin{.source = std::string(option.name) + " " + value};
}

// "2.5" → 25; nothing for what is no number from 0.0 to 10.0 with one decimal at most.
std::optional<unsigned> parse_tenths(const std::string& value) {
  const auto parts = split(value, '.');
  const auto whole = parse_number(parts[0]);
  const auto tenths = parts.size() == 2 && parts[1].size() == 1 ? parse_number(parts[1]) : std::optional<std::uint64_t>(0);
  if (!whole || !tenths || parts.size() > 2 || (parts.size() == 2 && parts[1].size() != 1) || *whole > 10) {
    return std::nullopt;
  }
  const auto sum = static_cast<unsigned>(*whole * 10 + *tenths);
  return sum <= 100 ? std::optional(sum) : std::nullopt;
}

Error usage(std::string action, std::string hint) {
  return Error{.action = std::move(action), .hint = std::move(hint)};
}

Error bad_value(const OptionInfo& option, const std::string& value, const std::string& why,
                std::string hint) {
  return usage("bad value " + quote(value) + " for " + std::string(option.name) + ": " + why,
               std::move(hint));
}

std::string form(const OptionInfo& option) {
  return "write " + std::string(option.name) + " " + std::string(option.value);
}

template <typename T>
std::vector<T>& list_of(policy::PolicyLayer& layer, Key key) {
  auto& value = layer.values.try_emplace(key, std::vector<T>{}).first->second;
  return std::get<std::vector<T>>(value);
}

Error no_such_word(const OptionInfo& option, const std::string& value,
                   const std::vector<std::string>& words) {
  const std::vector<std::string_view> known(words.begin(), words.end());
  const auto near = nearest(value, known);
  return bad_value(option, value, "it takes " + join(words, ", "),
                   near ? "did you mean " + *near + "?" : form(option));
}

Status set_choice(const OptionInfo& option, const std::string& value, policy::PolicyLayer& layer) {
  const auto words = words_of(option);
  for (const std::string& word : words) {
    if (word == value) {
      layer.values[*option.key] = policy::Text{value, origin_of(option, value)};
      return {};
    }
  }
  return no_such_word(option, value, words);
}

// PATH or PATH=AT. AT is absolute, so a "=" not before a slash belongs to the name.
Status add_path(const OptionInfo& option, const std::string& value, policy::PolicyLayer& layer) {
  policy::PathEntry entry;
  entry.path = value;
  entry.origin = origin_of(option, value);
  const bool takes_place = option.option == Option::ReadOnly || option.option == Option::ReadWrite;
  if (const std::size_t equals = value.rfind("=/"); takes_place && equals != std::string::npos) {
    entry.path = value.substr(0, equals);
    entry.at = value.substr(equals + 1);
  }
  if (entry.path.empty()) {
    return bad_value(option, value, "there is no path in it", form(option));
  }
  list_of<policy::PathEntry>(layer, *option.key).push_back(std::move(entry));
  return {};
}

// NAME[,NAME]…; the names are looked up when the filter is made, where the error has this origin.
Status add_names(const OptionInfo& option, const std::string& value, policy::PolicyLayer& layer) {
  for (const std::string& name : split(value, ',')) {
    if (name.empty()) {
      return bad_value(option, value, "there is an empty name in it", form(option));
    }
    list_of<policy::Text>(layer, *option.key)
        .push_back(policy::Text{name, origin_of(option, name)});
  }
  return {};
}

Status add_limit(const OptionInfo& option, const std::string& value, policy::PolicyLayer& layer) {
  const std::size_t equals = value.find('=');
  if (equals == std::string::npos) {
    return bad_value(option, value, "there is no \"=\" in it", form(option) + ", as memory=1G");
  }
  const std::string name = value.substr(0, equals);
  const auto key = policy::find_key("limits", name);
  if (!key) {
    std::vector<std::string_view> known;
    std::string all;
    for (const KeyInfo& one : policy::keys()) {
      if (one.table == "limits") {
        known.push_back(one.name);
        all.append(all.empty() ? "" : ", ").append(one.name);
      }
    }
    const auto near = nearest(name, known);
    return bad_value(option, value, "there is no limit " + quote(name),
                     near ? "did you mean " + *near + "?" : "limits are " + all);
  }
  auto limit =
      policy::value_from_text(*key, value.substr(equals + 1), origin_of(option, value));
  if (!limit) {
    return std::move(limit).error();
  }
  layer.values[*key] = *std::move(limit);
  return {};
}

// NAME passes a variable on, NAME=VALUE sets one. The value stays out of the origin, which is
// printed: it may be a password.
Status add_variable(const OptionInfo& option, const std::string& value,
                    policy::PolicyLayer& layer) {
  const std::size_t equals = value.find('=');
  const std::string name = value.substr(0, equals);
  if (name.empty()) {
    return bad_value(option, value, "the variable has no name", form(option));
  }
  const Origin origin = origin_of(option, name);
  if (equals == std::string::npos) {
    list_of<policy::Text>(layer, Key::EnvironmentKeep).push_back(policy::Text{name, origin});
    return {};
  }
  auto& all = layer.values.try_emplace(Key::EnvironmentSet, std::map<std::string, policy::Text>{})
                  .first->second;
  std::get<std::map<std::string, policy::Text>>(all)[name] =
      policy::Text{value.substr(equals + 1), origin};
  return {};
}

Status add_descriptor(const OptionInfo& option, const std::string& value, Command& command) {
  constexpr std::uint64_t kHighest = 1u << 20;  // above every RLIMIT_NOFILE in use
  const auto number = parse_number(value);
  if (!number || *number > kHighest) {
    return bad_value(option, value, "it is no descriptor's number", form(option) + ", as 3");
  }
  if (*number > 2) {  // 0, 1 and 2 are always kept
    command.keep_fds.push_back(static_cast<int>(*number));
  }
  return {};
}

Status allow_degraded(const OptionInfo& option, const std::string& value, Command& command) {
  const auto words = words_of(option);
  if (std::find(words.begin(), words.end(), value) == words.end()) {
    return no_such_word(option, value, words);
  }
  command.allow_degraded.push_back(value);
  return {};
}

Status set_compat(const OptionInfo& option, const std::string& value, Command& command) {
  if (value != "runc" && value != "strict") {
    return no_such_word(option, value, words_of(option));
  }
  command.compat = value == "strict" ? interop::Compat::Strict : interop::Compat::Runc;
  return {};
}

Status set_word(const OptionInfo& option, const std::string& value, std::string& word) {
  const auto words = words_of(option);
  if (std::find(words.begin(), words.end(), value) == words.end()) {
    return no_such_word(option, value, words);
  }
  word = value;
  return {};
}

Status set_color(const OptionInfo& option, const std::string& value, Command& command) {
  if (value == "auto" || value == "always" || value == "never") {
    command.color = value == "auto"     ? Color::Auto
                    : value == "always" ? Color::Always
                                        : Color::Never;
    return {};
  }
  return no_such_word(option, value, words_of(option));
}

Status set_restart(const OptionInfo& option, const std::string& value, Command& command) {
  const auto words = words_of(option);
  if (std::find(words.begin(), words.end(), value) == words.end()) {
    return no_such_word(option, value, words);
  }
  command.restart = value == "on-crash";
  return {};
}

std::string absolute(const std::string& path, const std::string& cwd) {
  const bool in_home =
      path == "~" || path.starts_with("~/") || path == "$HOME" || path.starts_with("$HOME/");
  return in_home ? path : path::normalise(path, cwd);
}

}  // namespace

Status apply(const GivenOption& given, Command& command) {
  const OptionInfo& option = info(given.option);
  const std::string& value = given.value;
  if (!option.value.empty() && value.empty()) {
    return usage(std::string(option.name) + " needs a value", form(option));
  }
  switch (given.option) {
    case Option::Policy:
      command.policy = {value, origin_of(option, value)};
      return {};
    case Option::ReadOnly:
    case Option::ReadWrite:
    case Option::Overlay:
    case Option::Exec:
    case Option::Tmpfs:
    case Option::Hide:
      return add_path(option, value, command.layer);
    case Option::Home:
    case Option::Net:
    case Option::OnViolation:
    case Option::Log:
    case Option::Tty:
      return set_choice(option, value, command.layer);
    case Option::Workdir:
    case Option::User:
      command.layer.values[*option.key] = policy::Text{value, origin_of(option, value)};
      return {};
    case Option::Publish:
    case Option::Connect:
    case Option::Bind:
    case Option::Dns:
    case Option::Allow:
    case Option::Deny:
      return add_names(option, value, command.layer);
    case Option::Sink:
    case Option::NotifyCommand:
      list_of<policy::Text>(command.layer, *option.key)
          .push_back(policy::Text{value, origin_of(option, value)});
      return {};
    case Option::Limit:
      return add_limit(option, value, command.layer);
    case Option::Env:
      return add_variable(option, value, command.layer);
    case Option::KeepFd:
      return add_descriptor(option, value, command);
    case Option::AllowDegraded:
      return allow_degraded(option, value, command);
    case Option::From:
    case Option::To:
      command.format = value;
      return {};
    case Option::Output:
      command.output = value;
      return {};
    case Option::OutputDirectory:
      command.output_directory = value;
      return {};
    case Option::Seccomp:
      command.seccomp = {value, origin_of(option, value)};
      return {};
    case Option::Compat:
      return set_compat(option, value, command);
    case Option::Report:
      command.report = value;
      return {};
    case Option::Color:
      return set_color(option, value, command);
    case Option::NoColor:
      command.color = Color::Never;
      return {};
    case Option::Restart:
      return set_restart(option, value, command);
    case Option::Syscall:
      command.syscall = value;
      return {};
    case Option::Exe:
      command.exe = value;
      return {};
    case Option::Csv:
      command.csv = true;
      return {};
    case Option::Fix:
      command.fix = true;
      return {};
    case Option::DryRun:
      command.dry_run = true;
      return {};
    case Option::Explain:
      command.explain = true;
      return {};
    case Option::SelfTest:
      command.self_test = true;
      return {};
    case Option::TraceLaunch:
      command.trace_launch = true;
      return {};
    case Option::Json:
      command.json = true;
      return {};
    case Option::Quiet:
      command.quiet = true;
      return {};
    case Option::Origin:
      command.origin = true;
      return {};
    case Option::Strict:
      command.strict = true;
      return {};
    case Option::Dump:
      command.dump = true;
      return {};
    case Option::Follow:
      command.follow = true;
      return {};
    case Option::Since:
      command.since = value;
      return {};
    case Option::Match:
      command.match = value;
      return {};
    case Option::AlertOn:
      command.alert_on = value;
      return {};
    case Option::Names:
      command.names = true;
      return {};
    case Option::Neutral:
      command.neutral = true;
      return {};
    case Option::OnlyWider:
      command.only_wider = true;
      return {};
    case Option::Merge:
      command.learn.merge = true;
      return {};
    case Option::CheckPolicy:
      command.learn.check = {value, origin_of(option, value)};
      return {};
    case Option::Threshold: {
      const auto tenths = parse_tenths(value);
      if (!tenths) {
        return Error{.action = "--threshold takes a number from 0.0 to 10.0, not " + quote(value),
                     .hint = "as the report has it: 2.5; systemd-analyze writes that 25"};
      }
      command.threshold = tenths;
      return {};
    }
    case Option::Junit:
      command.learn.junit = value;
      return {};
    case Option::Exact:
      command.learn.exact = true;
      return {};
    case Option::Engine:
      return set_word(option, value, command.learn.engine);
    case Option::Pid:
      command.learn.pid = value;
      return {};
    case Option::Unit:
      command.learn.unit = value;
      return {};
    case Option::For:
      command.learn.length = value;
      return {};
    case Option::View:
      return set_word(option, value, command.learn.view);
    case Option::Verify:
      return set_word(option, value, command.learn.verify);
    case Option::DumpOptions:
      command.dump_options = true;
      return {};
    case Option::Help:
      command.help_for = command.verb;
      return {};
  }
  return {};
}

Status complete(policy::PolicyLayer& layer, const std::string& cwd) {
  for (auto& [key, value] : layer.values) {
    if (auto* paths = std::get_if<std::vector<policy::PathEntry>>(&value)) {
      for (policy::PathEntry& entry : *paths) {
        entry.path = absolute(entry.path, cwd);
      }
    } else if (key == Key::CommandWorkdir) {
      auto& text = std::get<policy::Text>(value);
      text.value = absolute(text.value, cwd);
    }
    SBX_TRY(policy::check_value(key, value));
  }
  return {};
}

}  // namespace sbx::cli
