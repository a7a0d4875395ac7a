// SPDX-License-Identifier: Apache-2.0
#include "cli/show_policy.h"

#include <algorithm>

#include "base/text.h"
#include "cli/json_writer.h"
#include "policy/toml_writer.h"

namespace sbx::cli {
namespace {

using policy::Key;
using policy::KeyInfo;
using policy::Policy;
using policy::toml_string;

// One value, as TOML and as bare text.
struct Shown {
  std::string toml;
  std::string plain;
  Origin origin;
  std::string name{};  // of a pair: set.NAME
};

struct ShownKey {
  const KeyInfo* key = nullptr;
  bool is_list = false;
  std::vector<Shown> values;
};

Shown shown(const policy::Text& text) {
  return {toml_string(text.value), text.value, text.origin};
}

Shown shown(const policy::LayeredName& name) {
  return {toml_string(name.value), name.value, name.origin};
}

Shown shown(const policy::LayeredPath& path) {
  const policy::PathEntry& entry = path.entry;
  const bool moved = !entry.at.empty() && entry.at != entry.path;
  std::string toml = toml_string(entry.path);
  if (moved || entry.optional) {
    toml = "{ path = " + toml + (moved ? ", at = " + toml_string(entry.at) : "") +
           (entry.optional ? ", optional = true" : "") + " }";
  }
  return {toml, entry.path + (moved ? "=" + entry.at : ""), entry.origin};
}

template <typename T>
std::vector<Shown> shown_all(const std::vector<T>& entries) {
  std::vector<Shown> all;
  for (const T& entry : entries) {
    all.push_back(shown(entry));
  }
  return all;
}

std::vector<Shown> if_set(const policy::Text& text) {
  return text.value.empty() ? std::vector<Shown>{} : std::vector<Shown>{shown(text)};
}

std::vector<Shown> if_set(const policy::Number& number) {
  const std::string text = std::to_string(number.value);
  return number.value == 0 ? std::vector<Shown>{} : std::vector<Shown>{{text, text, number.origin}};
}

std::vector<Shown> shown_namespace(const Policy& policy, Key key) {
  const auto flag = policy.namespaces.find(key);
  if (flag == policy.namespaces.end()) {
    return {};
  }
  const std::string word = flag->second.value ? "true" : "false";
  return {{word, word, flag->second.origin}};
}

std::vector<Shown> shown_limit(const Policy& policy, Key key) {
  const auto limit = policy.limits.find(key);
  if (limit == policy.limits.end()) {
    return {};
  }
  const std::string number = std::to_string(limit->second.value);
  return {{number, number, limit->second.origin}};
}

std::vector<Shown> shown_variables(const Policy& policy) {
  std::vector<Shown> all;
  for (const auto& [name, value] : policy.env_set) {
    all.push_back({toml_string(value.value), name + "=" + value.value, value.origin, name});
  }
  return all;
}

// What a key has in the merged policy. Rules are shown apart; extends and programs have done their
// work by the time a policy is merged.
std::vector<Shown> values_of(const Policy& policy, Key key) {
  switch (key) {
    case Key::PolicyDescription:
      return if_set(policy.description);
    case Key::PolicyExtends:
    case Key::PolicyPrograms:
    case Key::SeccompInherit:
    case Key::SeccompRules:
      return {};
    case Key::PolicyAccept:
      return shown_all(policy.accept);
    case Key::CommandArgs:
      return shown_all(policy.args);
    case Key::CommandWorkdir:
      return if_set(policy.workdir);
    case Key::IdentityUser:
      return if_set(policy.user);
    case Key::IdentityGroup:
      return if_set(policy.group);
    case Key::IdentitySingleUid:
      return if_set(policy.single_uid);
    case Key::IdentityHostname:
      return if_set(policy.hostname);
    case Key::IdentityMachineId:
      return if_set(policy.machine_id);
    case Key::NamespacesUser:
    case Key::NamespacesMount:
    case Key::NamespacesPid:
    case Key::NamespacesNet:
    case Key::NamespacesIpc:
    case Key::NamespacesUts:
    case Key::NamespacesCgroup:
    case Key::NamespacesTime:
      return shown_namespace(policy, key);
    case Key::NamespacesNested:
      return shown_all(policy.nested);
    case Key::FilesystemSystem:
      return if_set(policy.system);
    case Key::FilesystemSystemUsr:
      return shown_all(policy.system_usr);
    case Key::FilesystemSystemHost:
      return shown_all(policy.system_host);
    case Key::FilesystemHome:
      return if_set(policy.home);
    case Key::FilesystemCwd:
      return if_set(policy.cwd);
    case Key::FilesystemRead:
      return shown_all(policy.read);
    case Key::FilesystemWrite:
      return shown_all(policy.write);
    case Key::FilesystemExec:
      return shown_all(policy.exec);
    case Key::FilesystemOverlay:
      return shown_all(policy.overlay);
    case Key::FilesystemTmp:
      return if_set(policy.tmp);
    case Key::FilesystemTmpfs:
      return shown_all(policy.tmpfs);
    case Key::FilesystemHide:
      return shown_all(policy.hide);
    case Key::FilesystemCreate:
      return shown_all(policy.create);
    case Key::FilesystemDev:
      return shown_all(policy.dev);
    case Key::FilesystemProc:
      return if_set(policy.proc);
    case Key::NetworkMode:
      return if_set(policy.network_mode);
    case Key::NetworkPublish:
      return shown_all(policy.publish);
    case Key::NetworkConnect:
      return shown_all(policy.connect);
    case Key::NetworkBind:
      return shown_all(policy.bind);
    case Key::NetworkFamilies:
      return shown_all(policy.families);
    case Key::NetworkDns:
      return shown_all(policy.dns);
    case Key::SeccompDefault:
      return if_set(policy.seccomp_default);
    case Key::SeccompAllow:
      return shown_all(policy.allow);
    case Key::SeccompDeny:
      return shown_all(policy.deny);
    case Key::MemoryWx:
      return if_set(policy.wx);
    case Key::MemoryMemfd:
      return if_set(policy.memfd);
    case Key::LimitsCgroup:
      return if_set(policy.cgroup);
    case Key::CapabilitiesKeep:
      return shown_all(policy.capabilities);
    case Key::LandlockRequire:
      return if_set(policy.landlock_abi);
    case Key::LandlockReads:
      return if_set(policy.landlock_reads);
    case Key::LimitsTime:
    case Key::LimitsMemory:
    case Key::LimitsProcesses:
    case Key::LimitsCpu:
    case Key::LimitsFiles:
    case Key::LimitsFileSize:
    case Key::LimitsScratch:
    case Key::LimitsCore:
    case Key::LimitsCpuPercent:
    case Key::LimitsCpuWeight:
      return shown_limit(policy, key);
    case Key::EnvironmentKeep:
      return shown_all(policy.env_keep);
    case Key::EnvironmentSet:
      return shown_variables(policy);
    case Key::EnvironmentUnset:
      return shown_all(policy.env_unset);
    case Key::EnvironmentPass:
      return if_set(policy.env_pass);
    case Key::TerminalMode:
      return if_set(policy.terminal_mode);
    case Key::DesktopX11:
    case Key::DesktopWayland:
    case Key::DesktopAudio:
    case Key::DesktopGpu: {
      const auto wish = policy.desktop.find(key);
      return wish != policy.desktop.end() ? if_set(wish->second) : std::vector<Shown>{};
    }
    case Key::ReportOnViolation:
      return if_set(policy.on_violation);
    case Key::ReportLog:
      return if_set(policy.log);
    case Key::ReportSinks:
      return shown_all(policy.sinks);
    case Key::ReportNotifyCommand:
      return shown_all(policy.notify_command);
  }
  return {};
}

bool is_list(policy::KeyType type) {
  return type == policy::KeyType::Names || type == policy::KeyType::Paths ||
         type == policy::KeyType::Pairs;
}

std::vector<ShownKey> shown_keys(const Policy& policy) {
  std::vector<ShownKey> all;
  for (const KeyInfo& key : policy::keys()) {
    ShownKey one{&key, is_list(key.type), values_of(policy, key.key)};
    if (!one.values.empty()) {
      all.push_back(std::move(one));
    }
  }
  return all;
}

std::string comment(const Origin& origin, bool origins) {
  return origins && !to_text(origin).empty() ? "  # " + escape(to_text(origin)) : "";
}

// Long lists, and all of which the origins are wanted, have a line for each entry.
std::string list_toml(const ShownKey& key, bool origins) {
  constexpr std::size_t kWidth = 80;
  std::string one_line = std::string(key.key->name) + " = [";
  for (const Shown& value : key.values) {
    one_line += (&value == &key.values.front() ? "" : ", ") + value.toml;
  }
  if (!origins && one_line.size() < kWidth) {
    return one_line + "]\n";
  }
  std::string lines = std::string(key.key->name) + " = [\n";
  for (const Shown& value : key.values) {
    lines += "  " + value.toml + "," + comment(value.origin, origins) + "\n";
  }
  return lines + "]\n";
}

std::string key_toml(const ShownKey& key, bool origins) {
  if (key.is_list && key.key->type != policy::KeyType::Pairs) {
    return list_toml(key, origins);
  }
  std::string lines;
  for (const Shown& value : key.values) {
    lines += std::string(key.key->name) + (value.name.empty() ? "" : "." + value.name) + " = " +
             value.toml + comment(value.origin, origins) + "\n";
  }
  return lines;
}

std::string rule_toml(const policy::SeccompRule& rule, bool origins) {
  std::string text = "\n[[seccomp.rule]]" + comment(rule.origin, origins) + "\nsyscalls = [";
  for (const policy::Text& name : rule.syscalls) {
    text += (&name == &rule.syscalls.front() ? "" : ", ") + toml_string(name.value);
  }
  text += "]\n";
  if (!rule.when.value.empty()) {
    text += "when = " + toml_string(rule.when.value) + comment(rule.when.origin, origins) + "\n";
  }
  return text + "action = " + toml_string(rule.action.value) +
         comment(rule.action.origin, origins) + "\n";
}

}  // namespace

std::string show_toml(const Policy& policy, bool origins) {
  std::string out = "# " + escape(policy.name) + ", merged of:\n";
  for (const std::string& source : policy.sources) {
    out += "#   " + escape(source) + "\n";
  }
  out += "schema = 1\n";
  std::string_view table;
  for (const ShownKey& key : shown_keys(policy)) {
    if (key.key->table != table) {
      table = key.key->table;
      out.append("\n[").append(table).append("]\n");
    }
    out += key_toml(key, origins);
  }
  for (const policy::LayeredRule& rule : policy.rules) {
    out += rule_toml(rule.rule, origins);
  }
  return out;
}

std::string show_json(const Policy& policy) {
  JsonWriter json;
  json.begin_object();
  json.member("name", policy.name);
  json.key("sources");
  json.begin_array();
  for (const std::string& source : policy.sources) {
    json.string(source);
  }
  json.end_array();
  json.key("values");
  json.begin_array();
  for (const ShownKey& key : shown_keys(policy)) {
    for (const Shown& value : key.values) {
      json.begin_object();
      json.member("key", std::string(key.key->table) + "." + std::string(key.key->name));
      json.member("value", value.plain);
      write_origin(json, "source", value.origin);
      json.end_object();
    }
  }
  json.end_array();
  json.key("rules");
  json.begin_array();
  for (const policy::LayeredRule& layered : policy.rules) {
    json.begin_object();
    json.key("syscalls");
    json.begin_array();
    for (const policy::Text& name : layered.rule.syscalls) {
      json.string(name.value);
    }
    json.end_array();
    json.member("when", layered.rule.when.value);
    json.member("action", layered.rule.action.value);
    write_origin(json, "source", layered.rule.origin);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.take();
}

}  // namespace sbx::cli
