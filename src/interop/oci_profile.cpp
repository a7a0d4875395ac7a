// SPDX-License-Identifier: Apache-2.0
#include "interop/oci_profile.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/errno_name.h"
#include "base/text.h"

namespace sbx::interop {
namespace {

struct ActionWord {
  std::string_view word;
  OciAction action;
};
constexpr ActionWord kActions[] = {
    {"SCMP_ACT_KILL_THREAD", OciAction::KillThread}, {"SCMP_ACT_KILL", OciAction::KillThread},
    {"SCMP_ACT_KILL_PROCESS", OciAction::KillProcess}, {"SCMP_ACT_TRAP", OciAction::Trap},
    {"SCMP_ACT_ERRNO", OciAction::Errno}, {"SCMP_ACT_TRACE", OciAction::Trace},
    {"SCMP_ACT_ALLOW", OciAction::Allow}, {"SCMP_ACT_LOG", OciAction::Log},
    {"SCMP_ACT_NOTIFY", OciAction::Notify}};

// By OciCompare.
constexpr std::array<std::string_view, 7> kCompares = {
    "SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ",
    "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"};

class ProfileReader {
 public:
  explicit ProfileReader(const std::string& source) { profile_.source = source; }

  Result<OciProfile> read(const Json& document) {
    for (const auto& [name, value] : document.members) {
      SBX_TRY(read_member(name, value));
    }
    // Podman's: the number once more, by its name, which counts where the two differ.
    if (const Json* name = document.find("defaultErrno"); is_there(name)) {
      SBX_TRY(read_errno_name(*name, profile_.default_errno));
    }
    const Json* action = document.find("defaultAction");
    if (!is_there(action)) {
      return fail(document, "a seccomp profile without defaultAction",
                  "say what happens to calls that no rule names: \"SCMP_ACT_ERRNO\"");
    }
    if (!profile_.arch_map.empty() && !profile_.architectures.empty()) {
      return fail(*document.find("archMap"), "a profile has archMap or architectures, not both",
                  "keep one of the two");
    }
    return std::move(profile_);
  }

  void keep(const Json& document) { profile_.document = document; }

 private:
  static bool is_there(const Json* value) {
    return value != nullptr && value->kind != Json::Kind::Null;
  }

  Error fail(const Json& at, std::string action, std::string hint = {}) const {
    return Error{std::move(action), 0, Origin{profile_.source, at.line, 0}, std::move(hint)};
  }

  Status read_member(const std::string& name, const Json& value) {
    if (value.kind == Json::Kind::Null) {
      return {};
    }
    if (name == "defaultAction") {
      profile_.default_line = value.line;
      return read_action(value, profile_.default_action);
    }
    if (name == "defaultErrnoRet") {
      return read_number(value, name, profile_.default_errno);
    }
    if (name == "defaultErrno") {
      return {};  // read when the number has been
    }
    if (name == "architectures") {
      return read_strings(value, name, profile_.architectures);
    }
    if (name == "archMap") {
      return read_arch_map(value);
    }
    if (name == "flags") {
      return read_strings(value, name, profile_.flags);
    }
    if (name == "listenerPath") {
      return read_string(value, name, profile_.listener_path);
    }
    if (name == "syscalls") {
      SBX_TRY(expect(value, Json::Kind::Array, "syscalls is a list of rules"));
      for (const Json& rule : value.items) {
        SBX_TRY(read_rule(rule));
      }
      return {};
    }
    const bool is_metadata = name == "listenerMetadata";
    profile_.unused.push_back({Finding::Kind::Dropped, name, {},
                               is_metadata ? "it is for the agent at listenerPath, and sbx answers itself"
                                           : "sbx knows no such member",
                               Origin{profile_.source, value.line, 0}});
    return {};
  }

  Status expect(const Json& value, Json::Kind kind, const char* what) const {
    return value.kind == kind ? Status() : Status(fail(value, what));
  }

  Status read_string(const Json& value, const std::string& name, std::string& into) const {
    if (value.kind != Json::Kind::String) {
      return fail(value, name + " is a string");
    }
    into = value.text;
    return {};
  }

  Status read_strings(const Json& value, const std::string& name, std::vector<std::string>& into,
                      std::vector<int>* lines = nullptr) const {
    if (value.kind == Json::Kind::Null) {
      return {};
    }
    if (value.kind != Json::Kind::Array) {
      return fail(value, name + " is a list of strings");
    }
    for (const Json& item : value.items) {
      if (item.kind != Json::Kind::String) {
        return fail(item, name + " is a list of strings");
      }
      into.push_back(item.text);
      if (lines != nullptr) {
        lines->push_back(item.line);
      }
    }
    return {};
  }

  Status read_number(const Json& value, const std::string& name,
                     std::optional<std::uint64_t>& into) const {
    into = value.as_unsigned();
    return into ? Status() : Status(fail(value, name + " is an integer of 0 to 2^64 - 1"));
  }

  Status read_errno_name(const Json& value, std::optional<std::uint64_t>& into) const {
    if (value.kind == Json::Kind::String && value.text.empty()) {
      return {};
    }
    const auto number = errno_from_name(value.text);
    if (!number) {
      return fail(value, "unknown errno name " + quote(value.text),
                  "errno(3) lists the names: EPERM, EACCES, ENOENT …");
    }
    into = static_cast<std::uint64_t>(*number);
    return {};
  }

  Status read_action(const Json& value, OciAction& into) const {
    for (const ActionWord& known : kActions) {
      if (value.kind == Json::Kind::String && value.text == known.word) {
        into = known.action;
        return {};
      }
    }
    std::vector<std::string_view> words;
    for (const ActionWord& known : kActions) {
      words.push_back(known.word);
    }
    const auto near = nearest(value.text, words);
    return fail(value, "unknown action " + quote(value.text),
                near ? "did you mean " + *near + "?" : "SCMP_ACT_ALLOW, SCMP_ACT_ERRNO …");
  }

  Status read_arch_map(const Json& value) {
    SBX_TRY(expect(value, Json::Kind::Array, "archMap is a list"));
    for (const Json& entry : value.items) {
      SBX_TRY(expect(entry, Json::Kind::Object, "an entry of archMap is an object"));
      const Json* architecture = entry.find("architecture");
      if (!is_there(architecture)) {
        return fail(entry, "an entry of archMap without architecture");
      }
      OciProfile::Architectures one;
      SBX_TRY(read_string(*architecture, "architecture", one.main));
      if (const Json* more = entry.find("subArchitectures")) {
        SBX_TRY(read_strings(*more, "subArchitectures", one.others));
      }
      profile_.arch_map.push_back(std::move(one));
    }
    return {};
  }

  Status read_rule(const Json& value) {
    SBX_TRY(expect(value, Json::Kind::Object, "a rule of syscalls is an object"));
    OciRule rule;
    rule.line = value.line;
    bool has_action = false;
    for (const auto& [name, member] : value.members) {
      if (member.kind == Json::Kind::Null) {
        continue;
      }
      if (name == "names") {
        SBX_TRY(read_strings(member, name, rule.names, &rule.name_lines));
      } else if (name == "name") {
        std::string one;
        SBX_TRY(read_string(member, name, one));
        if (!one.empty()) {
          rule.names.push_back(one);
          rule.name_lines.push_back(member.line);
        }
      } else if (name == "action") {
        has_action = true;
        SBX_TRY(read_action(member, rule.action));
      } else if (name == "errnoRet") {
        SBX_TRY(read_number(member, name, rule.errno_value));
      } else if (name == "errno") {
        continue;  // below
      } else if (name == "args") {
        SBX_TRY(read_arguments(member, rule));
      } else if (name == "includes") {
        SBX_TRY(read_circumstance(member, rule.includes));
      } else if (name == "excludes") {
        SBX_TRY(read_circumstance(member, rule.excludes));
      } else if (name == "comment") {
        SBX_TRY(read_string(member, name, rule.comment));
      } else {
        profile_.unused.push_back({Finding::Kind::Dropped,
                                   fmt::format("syscalls[{}].{}", profile_.rules.size(), name), {},
                                   "sbx knows no such member", Origin{profile_.source, member.line, 0}});
      }
    }
    if (const Json* name = value.find("errno"); is_there(name)) {
      SBX_TRY(read_errno_name(*name, rule.errno_value));
    }
    if (!has_action) {
      return fail(value, "a rule without action", "say what happens: \"action\": \"SCMP_ACT_ALLOW\"");
    }
    if (rule.names.empty()) {
      return fail(value, "a rule without names", "name the calls that it is about");
    }
    if (value.find("name") != nullptr && is_there(value.find("names")) &&
        !value.find("names")->items.empty() && !value.find("name")->text.empty()) {
      return fail(value, "a rule has name or names, not both", "keep names");
    }
    profile_.rules.push_back(std::move(rule));
    return {};
  }

  Status read_arguments(const Json& value, OciRule& rule) const {
    SBX_TRY(expect(value, Json::Kind::Array, "args is a list"));
    for (const Json& item : value.items) {
      SBX_TRY(expect(item, Json::Kind::Object, "an entry of args is an object"));
      std::optional<std::uint64_t> index, first, second;
      OciArgument argument;
      for (const auto& [name, member] : item.members) {
        if (name == "index") {
          SBX_TRY(read_number(member, name, index));
        } else if (name == "value") {
          SBX_TRY(read_number(member, name, first));
        } else if (name == "valueTwo" && member.kind != Json::Kind::Null) {
          SBX_TRY(read_number(member, name, second));
        } else if (name == "op") {
          const auto found = std::find(kCompares.begin(), kCompares.end(), member.text);
          if (found == kCompares.end()) {
            return fail(member, "unknown op " + quote(member.text),
                        "SCMP_CMP_NE, LT, LE, EQ, GE, GT or MASKED_EQ");
          }
          argument.compare = static_cast<OciCompare>(found - kCompares.begin());
        }
      }
      if (!index || *index > 5) {
        return fail(item, "an argument's index is 0 to 5");
      }
      if (!first || item.find("op") == nullptr) {
        return fail(item, "an entry of args without value or op");
      }
      argument.index = static_cast<std::uint8_t>(*index);
      argument.value = *first;
      argument.value_two = second.value_or(0);
      rule.arguments.push_back(argument);
    }
    return {};
  }

  Status read_circumstance(const Json& value, OciCircumstance& into) const {
    SBX_TRY(expect(value, Json::Kind::Object, "includes and excludes are objects"));
    for (const auto& [name, member] : value.members) {
      if (name == "caps") {
        SBX_TRY(read_strings(member, name, into.capabilities));
      } else if (name == "arches") {
        SBX_TRY(read_strings(member, name, into.architectures));
      } else if (name == "minKernel") {
        SBX_TRY(read_kernel(member, into));
      } else if (member.kind != Json::Kind::Null) {
        // It would make the rule hold where it should not.
        return fail(member, "unknown condition " + quote(name), "caps, arches or minKernel");
      }
    }
    return {};
  }

  Status read_kernel(const Json& value, OciCircumstance& into) const {
    if (value.text.empty()) {
      return {};
    }
    const auto parts = split(value.text, '.');
    const auto major = parse_number(parts[0]);
    const auto minor = parts.size() == 2 ? parse_number(parts[1]) : std::nullopt;
    if (!major || !minor || *major > 1000 || *minor > 1000) {
      return fail(value, "minKernel is a version of the form 4.8, not " + quote(value.text));
    }
    into.kernel = {static_cast<int>(*major), static_cast<int>(*minor)};
    return {};
  }

  OciProfile profile_;
};

}  // namespace

std::string_view to_word(OciAction action) {
  for (const ActionWord& known : kActions) {
    if (known.action == action) {
      return known.word;
    }
  }
  return {};
}

std::string_view to_word(OciCompare compare) {
  return kCompares[static_cast<std::size_t>(compare)];
}

std::string_view oci_architecture(seccomp::Arch arch) {
  return arch == seccomp::Arch::X86_64 ? "SCMP_ARCH_X86_64" : "SCMP_ARCH_AARCH64";
}

bool looks_like_oci(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && text[first] == '{';
}

Result<OciProfile> read_oci(std::string_view text, const std::string& source) {
  const auto whole = read_json(text, source);
  if (!whole) {
    return whole.error();
  }
  const Json* document = &*whole;
  std::vector<Finding> beside;
  if (const Json* linux_part = document->find("linux"); linux_part != nullptr) {
    document = linux_part->find("seccomp");
    beside.push_back({Finding::Kind::Dropped, "all of config.json but linux.seccomp", {},
                      "mounts, namespaces and the rest describe a container's root, not this host",
                      Origin{source, 1, 0}});
  }
  if (document == nullptr || document->kind != Json::Kind::Object) {
    return Error{"no seccomp profile in " + source, 0, Origin{source, 1, 0},
                 "a profile is an object with defaultAction and syscalls"};
  }
  ProfileReader reader(source);
  reader.keep(*document);
  auto profile = reader.read(*document);
  if (profile) {
    profile->unused.insert(profile->unused.begin(), beside.begin(), beside.end());
  }
  return profile;
}

}  // namespace sbx::interop
