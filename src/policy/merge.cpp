// SPDX-License-Identifier: Apache-2.0
#include "policy/merge.h"

#include <algorithm>
#include <set>
#include <array>
#include <string_view>

#include "base/path.h"
#include "base/text.h"
#include "policy/value.h"

namespace sbx::policy {
namespace {

const Origin kBuiltIn{"built in"};
// Of one place, the later layer's wish replaces an earlier one's under any of these keys.
constexpr std::array kPathKeys = {Key::FilesystemSystemUsr, Key::FilesystemSystemHost,
                                  Key::FilesystemRead,    Key::FilesystemWrite,
                                  Key::FilesystemExec,    Key::FilesystemOverlay,
                                  Key::FilesystemTmpfs,   Key::FilesystemHide,
                                  Key::FilesystemCreate,  Key::FilesystemDev};
constexpr std::array kLimitKeys = {Key::LimitsTime,    Key::LimitsMemory, Key::LimitsProcesses,
                                   Key::LimitsCpu,     Key::LimitsFiles,  Key::LimitsFileSize,
                                   Key::LimitsScratch, Key::LimitsCore,   Key::LimitsCpuPercent,
                                   Key::LimitsCpuWeight};

constexpr std::array kNamespaceKeys = {
    Key::NamespacesUser, Key::NamespacesMount, Key::NamespacesPid,    Key::NamespacesNet,
    Key::NamespacesIpc,  Key::NamespacesUts,   Key::NamespacesCgroup, Key::NamespacesTime};

// Layers on their way to a Policy: what the later ones have replaced is gone already.
struct Stack {
  std::map<Key, Value> single;  // scalars, and the lists that are replaced as a whole
  std::map<Key, std::vector<LayeredName>> names;
  std::map<Key, std::vector<LayeredPath>> paths;
  std::vector<LayeredRule> rules;
  std::map<std::string, Text> variables;  // environment.set
  std::map<Key, std::vector<Text>> removed;
};

std::string place_of(const std::string& path) {
  auto place = check_path(path, Origin{});
  return place ? *place : path;
}

// Where an entry is inside.
std::string place_of(const PathEntry& entry) {
  return place_of(entry.at.empty() ? entry.path : entry.at);
}

// Files' paths are normalised already, and most of the command line's: then nothing is copied.
bool is_at(const PathEntry& entry, const std::string& place) {
  const std::string& path = entry.at.empty() ? entry.path : entry.at;
  return path::is_normal(path) ? path == place : place_of(path) == place;
}

std::string place_of(const Text& removal) {
  return place_of(removal.value);
}

// "127.0.0.1:8080:80/tcp" → "80". plan/expand_publish checks the form.
std::string inside_port(std::string_view publish) {
  publish = publish.substr(0, publish.find('/'));
  return std::string(publish.substr(publish.rfind(':') + 1));
}

template <typename List, typename Predicate>
std::size_t drop_if(List& list, Predicate predicate) {
  const auto first = std::remove_if(list.begin(), list.end(), predicate);
  const auto dropped = static_cast<std::size_t>(list.end() - first);
  list.erase(first, list.end());
  return dropped;
}

bool holds(const std::vector<LayeredName>& names, std::string_view value) {
  return std::any_of(names.begin(), names.end(),
                     [&](const LayeredName& name) { return name.value == value; });
}

void drop_place(Stack& stack, const std::string& place) {
  for (const Key key : kPathKeys) {
    if (const auto paths = stack.paths.find(key); paths != stack.paths.end()) {
      drop_if(paths->second, [&](const LayeredPath& path) { return is_at(path.entry, place); });
    }
  }
}

void drop_variable(Stack& stack, const std::string& name) {
  const auto is_it = [&](const LayeredName& entry) { return entry.value == name; };
  drop_if(stack.names[Key::EnvironmentKeep], is_it);
  drop_if(stack.names[Key::EnvironmentUnset], is_it);
  stack.variables.erase(name);
}

void drop_publish(Stack& stack, const std::string& port) {
  drop_if(stack.names[Key::NetworkPublish],
          [&](const LayeredName& entry) { return inside_port(entry.value) == port; });
}

void drop_call_from_rules(Stack& stack, const std::string& call) {
  for (LayeredRule& layered : stack.rules) {
    drop_if(layered.rule.syscalls, [&](const Text& name) { return name.value == call; });
  }
  drop_if(stack.rules, [](const LayeredRule& layered) { return layered.rule.syscalls.empty(); });
}

bool is_there(const Stack& stack, Key key, const Text& removal) {
  switch (info(key).type) {
    case KeyType::Paths: {
      const auto found = stack.paths.find(key);
      const std::string place = place_of(removal);
      return found != stack.paths.end() &&
             std::any_of(found->second.begin(), found->second.end(),
                         [&](const LayeredPath& path) { return is_at(path.entry, place); });
    }
    case KeyType::Pairs:
      return stack.variables.count(removal.value) != 0;
    case KeyType::Rules:
      return std::any_of(stack.rules.begin(), stack.rules.end(), [&](const LayeredRule& layered) {
        return std::any_of(layered.rule.syscalls.begin(), layered.rule.syscalls.end(),
                           [&](const Text& name) { return name.value == removal.value; });
      });
    case KeyType::Text:
    case KeyType::Choice:
    case KeyType::Flag:
    case KeyType::Size:
    case KeyType::Seconds:
    case KeyType::Count:
    case KeyType::Names:
      break;
  }
  const auto found = stack.names.find(key);
  return found != stack.names.end() && holds(found->second, removal.value);
}

// A removal acts on all that the entry has replaced or could have been replaced by: else the order
// in which layers are combined would show (what b replaced in a would come back when c removes it).
void take_away(Stack& stack, Key key, const Text& removal) {
  const KeyType type = info(key).type;
  if (type == KeyType::Paths) {
    drop_place(stack, place_of(removal));
  } else if (type == KeyType::Rules) {
    drop_call_from_rules(stack, removal.value);
  } else if (key == Key::EnvironmentKeep || key == Key::EnvironmentUnset ||
             key == Key::EnvironmentSet) {
    drop_variable(stack, removal.value);
  } else if (key == Key::NetworkPublish) {
    drop_publish(stack, inside_port(removal.value));
  } else {
    drop_if(stack.names[key],
            [&](const LayeredName& entry) { return entry.value == removal.value; });
  }
}

void take_away_all(Stack& stack, const PolicyLayer& layer) {
  for (const auto& [key, removals] : layer.removed) {
    std::vector<Text>& kept = stack.removed[key];
    for (const Text& removal : removals) {
      take_away(stack, key, removal);
      const bool known = std::any_of(kept.begin(), kept.end(),
                                     [&](const Text& text) { return text.value == removal.value; });
      if (!known) {
        kept.push_back(removal);
      }
    }
  }
}

void replace_earlier(Stack& stack, const PolicyLayer& layer) {
  for (const auto& [key, value] : layer.values) {
    if (const auto* entries = std::get_if<std::vector<PathEntry>>(&value)) {
      for (const PathEntry& entry : *entries) {
        drop_place(stack, place_of(entry));
      }
    } else if (key == Key::EnvironmentSet) {
      for (const auto& [name, text] : std::get<std::map<std::string, Text>>(value)) {
        drop_variable(stack, name);
      }
    } else if (key == Key::EnvironmentKeep || key == Key::EnvironmentUnset) {
      for (const Text& name : std::get<std::vector<Text>>(value)) {
        drop_variable(stack, name.value);
      }
    } else if (key == Key::NetworkPublish) {
      for (const Text& entry : std::get<std::vector<Text>>(value)) {
        drop_publish(stack, inside_port(entry.value));
      }
    }
  }
}

// A layer whose list of calls is complete in itself takes the earlier layers' away.
void disinherit(Stack& stack, const PolicyLayer& layer) {
  const auto inherit = layer.values.find(Key::SeccompInherit);
  if (inherit == layer.values.end() || std::get<Flag>(inherit->second).value) {
    return;
  }
  stack.single.erase(Key::SeccompDefault);
  stack.names.erase(Key::SeccompAllow);
  stack.names.erase(Key::SeccompDeny);
  stack.rules.clear();
}

void append(Stack& stack, const PolicyLayer& layer, int number) {
  for (const auto& [key, value] : layer.values) {
    if (key == Key::SeccompInherit && std::get<Flag>(value).value) {
      continue;  // the default; an earlier layer's false has done its work
    }
    if (const auto* entries = std::get_if<std::vector<PathEntry>>(&value)) {
      for (const PathEntry& entry : *entries) {
        stack.paths[key].push_back({entry, number});
      }
    } else if (const auto* rules = std::get_if<std::vector<SeccompRule>>(&value)) {
      for (const SeccompRule& rule : *rules) {
        stack.rules.push_back({rule, number});
      }
    } else if (const auto* pairs = std::get_if<std::map<std::string, Text>>(&value)) {
      for (const auto& [name, text] : *pairs) {
        stack.variables[name] = text;
      }
    } else if (const auto* names = std::get_if<std::vector<Text>>(&value);
               names != nullptr && is_removable(key)) {
      for (const Text& name : *names) {
        stack.names[key].push_back({name.value, name.origin, number});
      }
    } else {
      stack.single.insert_or_assign(key, value);
    }
  }
}

void add(Stack& stack, const PolicyLayer& layer, int number) {
  take_away_all(stack, layer);
  replace_earlier(stack, layer);
  disinherit(stack, layer);
  append(stack, layer, number);
}

// ---- Checks of one layer ----

Error contradiction(Key one, Key other, const std::string& entry, const Origin& origin,
                    const std::string& hint) {
  return Error{qualified_name(one) + " and " + qualified_name(other) + " both name " + quote(entry),
               0, origin, hint};
}

const std::vector<Text>* names_in(const PolicyLayer& layer, Key key) {
  const auto found = layer.values.find(key);
  return found == layer.values.end() ? nullptr : std::get_if<std::vector<Text>>(&found->second);
}

Status check_disjoint(const PolicyLayer& layer, Key one, Key other, const std::string& hint) {
  const auto* first = names_in(layer, one);
  const auto* second = names_in(layer, other);
  if (first == nullptr || second == nullptr) {
    return {};
  }
  for (const Text& name : *second) {
    const bool both = std::any_of(first->begin(), first->end(),
                                  [&](const Text& text) { return text.value == name.value; });
    if (both) {
      return contradiction(one, other, name.value, name.origin, hint);
    }
  }
  return {};
}

Status check_variables(const PolicyLayer& layer) {
  const std::string hint = "keep the caller's value, set another or leave it out: one of the three";
  SBX_TRY(check_disjoint(layer, Key::EnvironmentKeep, Key::EnvironmentUnset, hint));
  const auto set = layer.values.find(Key::EnvironmentSet);
  if (set == layer.values.end()) {
    return {};
  }
  const auto& pairs = std::get<std::map<std::string, Text>>(set->second);
  for (const Key key : {Key::EnvironmentKeep, Key::EnvironmentUnset}) {
    const auto* names = names_in(layer, key);
    for (std::size_t i = 0; names != nullptr && i < names->size(); ++i) {
      if (pairs.count((*names)[i].value) != 0) {
        return contradiction(Key::EnvironmentSet, key, (*names)[i].value, (*names)[i].origin, hint);
      }
    }
  }
  return {};
}

Status check_places(const PolicyLayer& layer) {
  struct Seen {
    Key key;
    const PathEntry* entry;
  };
  std::map<std::string, Seen> places;
  for (const Key key : kPathKeys) {
    const auto found = layer.values.find(key);
    if (found == layer.values.end()) {
      continue;
    }
    for (const PathEntry& entry : std::get<std::vector<PathEntry>>(found->second)) {
      const std::string place = place_of(entry);
      const auto [seen, is_new] = places.try_emplace(place, Seen{key, &entry});
      if (is_new) {
        continue;
      }
      if (seen->second.key != key) {
        return contradiction(seen->second.key, key, place, entry.origin,
                             "keep it in one of the two");
      }
      const PathEntry& other = *seen->second.entry;
      if (other.path != entry.path || other.optional != entry.optional) {
        return Error{qualified_name(key) + " names " + quote(place) + " twice, differently", 0,
                     entry.origin, "keep one of the two"};
      }
    }
  }
  return {};
}

Status check_layer(const PolicyLayer& layer) {
  for (const auto& [key, value] : layer.values) {
    SBX_TRY(check_value(key, value));
  }
  SBX_TRY(check_disjoint(layer, Key::SeccompAllow, Key::SeccompDeny,
                         "keep it in one of the two; a name in deny beats a group in allow"));
  SBX_TRY(check_variables(layer));
  return check_places(layer);
}

std::string removal_hint(const Stack& stack, Key key, const std::string& value) {
  std::vector<std::string_view> there;
  if (const auto found = stack.names.find(key); found != stack.names.end()) {
    for (const LayeredName& name : found->second) {
      there.push_back(name.value);
    }
  }
  if (const auto near = nearest(value, there)) {
    return "did you mean " + quote(*near) + "?";
  }
  const bool is_call = key == Key::SeccompAllow && !value.starts_with('@');
  return is_call ? "if a group allows the call: seccomp.deny = [" + quote(value) + "]"
                 : "`sbx show --origin` lists what the earlier layers have";
}

Status check_removals(const Stack& stack, const PolicyLayer& layer) {
  for (const auto& [key, removals] : layer.removed) {
    for (const Text& removal : removals) {
      if (is_there(stack, key, removal)) {
        continue;
      }
      return Error{"cannot remove " + quote(removal.value) + " from " + qualified_name(key) +
                       ": no earlier layer has it",
                   0, removal.origin, removal_hint(stack, key, removal.value)};
    }
  }
  return {};
}

// ---- Stack to Policy ----

Text text_or_default(const Stack& stack, Key key) {
  const auto found = stack.single.find(key);
  return found != stack.single.end()
             ? std::get<Text>(found->second)
             : Text{std::string(info(key).default_value), kBuiltIn};
}

std::vector<LayeredName> layered_names(const Stack& stack, Key key) {
  const auto found = stack.names.find(key);
  return found != stack.names.end() ? found->second : std::vector<LayeredName>();
}

std::vector<Text> plain_names(const Stack& stack, Key key) {
  std::vector<Text> names;
  for (LayeredName& name : layered_names(stack, key)) {
    names.push_back({std::move(name.value), std::move(name.origin)});
  }
  return names;
}

// A list that a later layer replaces as a whole.
std::vector<Text> whole_list(const Stack& stack, Key key) {
  const auto found = stack.single.find(key);
  return found != stack.single.end() ? std::get<std::vector<Text>>(found->second)
                                     : std::vector<Text>();
}

// An entry that stands there twice (within one layer) counts once, the later one.
std::vector<LayeredPath> layered_paths(const Stack& stack, Key key) {
  std::vector<LayeredPath> paths;
  const auto found = stack.paths.find(key);
  if (found == stack.paths.end()) {
    return paths;
  }
  std::set<std::string> places;
  for (auto path = found->second.rbegin(); path != found->second.rend(); ++path) {
    if (places.insert(place_of(path->entry)).second) {
      paths.push_back(*path);
    }
  }
  std::reverse(paths.begin(), paths.end());
  return paths;
}

Policy to_policy(const Stack& stack) {
  Policy policy;
  policy.description = text_or_default(stack, Key::PolicyDescription);
  policy.accept = layered_names(stack, Key::PolicyAccept);
  policy.args = whole_list(stack, Key::CommandArgs);
  policy.workdir = text_or_default(stack, Key::CommandWorkdir);
  policy.user = text_or_default(stack, Key::IdentityUser);
  policy.group = text_or_default(stack, Key::IdentityGroup);
  policy.single_uid = text_or_default(stack, Key::IdentitySingleUid);
  policy.hostname = text_or_default(stack, Key::IdentityHostname);
  policy.machine_id = text_or_default(stack, Key::IdentityMachineId);
  for (const Key key : kNamespaceKeys) {
    if (const auto flag = stack.single.find(key); flag != stack.single.end()) {
      policy.namespaces.emplace(key, std::get<Flag>(flag->second));
    }
  }
  policy.nested = layered_names(stack, Key::NamespacesNested);
  policy.system = text_or_default(stack, Key::FilesystemSystem);
  policy.system_usr = layered_paths(stack, Key::FilesystemSystemUsr);
  policy.system_host = layered_paths(stack, Key::FilesystemSystemHost);
  policy.home = text_or_default(stack, Key::FilesystemHome);
  policy.cwd = text_or_default(stack, Key::FilesystemCwd);
  policy.read = layered_paths(stack, Key::FilesystemRead);
  policy.write = layered_paths(stack, Key::FilesystemWrite);
  policy.exec = layered_paths(stack, Key::FilesystemExec);
  policy.overlay = layered_paths(stack, Key::FilesystemOverlay);
  policy.tmp = text_or_default(stack, Key::FilesystemTmp);
  policy.tmpfs = layered_paths(stack, Key::FilesystemTmpfs);
  policy.hide = layered_paths(stack, Key::FilesystemHide);
  policy.create = layered_paths(stack, Key::FilesystemCreate);
  policy.dev = layered_paths(stack, Key::FilesystemDev);
  policy.proc = text_or_default(stack, Key::FilesystemProc);
  policy.network_mode = text_or_default(stack, Key::NetworkMode);
  policy.publish = plain_names(stack, Key::NetworkPublish);
  policy.connect = plain_names(stack, Key::NetworkConnect);
  policy.bind = plain_names(stack, Key::NetworkBind);
  policy.families = whole_list(stack, Key::NetworkFamilies);
  policy.dns = whole_list(stack, Key::NetworkDns);
  policy.seccomp_default = text_or_default(stack, Key::SeccompDefault);
  policy.allow = layered_names(stack, Key::SeccompAllow);
  policy.deny = layered_names(stack, Key::SeccompDeny);
  policy.rules = stack.rules;
  policy.wx = text_or_default(stack, Key::MemoryWx);
  policy.memfd = text_or_default(stack, Key::MemoryMemfd);
  policy.capabilities = plain_names(stack, Key::CapabilitiesKeep);
  if (const auto abi = stack.single.find(Key::LandlockRequire); abi != stack.single.end()) {
    policy.landlock_abi = std::get<Number>(abi->second);
  }
  policy.landlock_reads = text_or_default(stack, Key::LandlockReads);
  for (const Key key : kLimitKeys) {
    if (const auto limit = stack.single.find(key); limit != stack.single.end()) {
      policy.limits.emplace(key, std::get<Number>(limit->second));
    }
  }
  policy.cgroup = text_or_default(stack, Key::LimitsCgroup);
  policy.env_keep = plain_names(stack, Key::EnvironmentKeep);
  policy.env_unset = plain_names(stack, Key::EnvironmentUnset);
  policy.env_set = stack.variables;
  policy.env_pass = text_or_default(stack, Key::EnvironmentPass);
  policy.terminal_mode = text_or_default(stack, Key::TerminalMode);
  for (const Key key : {Key::DesktopX11, Key::DesktopWayland, Key::DesktopAudio, Key::DesktopGpu}) {
    if (Text wish = text_or_default(stack, key); wish.value != "off") {
      policy.desktop.emplace(key, std::move(wish));
    }
  }
  policy.on_violation = text_or_default(stack, Key::ReportOnViolation);
  policy.log = text_or_default(stack, Key::ReportLog);
  policy.sinks = layered_names(stack, Key::ReportSinks);
  policy.notify_command = whole_list(stack, Key::ReportNotifyCommand);
  return policy;
}

// The policy is called as its own file is, not as what is laid over it.
std::string name_of(const std::vector<PolicyLayer>& layers) {
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    if (!layer->source.empty() && !layer->name.ends_with(".local")) {
      return layer->name;
    }
  }
  return layers.empty() ? std::string() : layers.back().name;
}

}  // namespace

Result<Policy> merge(const std::vector<PolicyLayer>& layers) {
  Stack stack;
  int number = 0;
  for (const PolicyLayer& layer : layers) {
    SBX_TRY(check_layer(layer));
    SBX_TRY(check_removals(stack, layer));
    add(stack, layer, number++);
  }
  Policy policy = to_policy(stack);
  policy.name = name_of(layers);
  for (const PolicyLayer& layer : layers) {
    if (!layer.source.empty()) {
      policy.sources.push_back(layer.source);
    }
  }
  return policy;
}

PolicyLayer combine(const PolicyLayer& earlier, const PolicyLayer& later) {
  Stack stack;
  add(stack, earlier, 0);
  add(stack, later, 1);
  PolicyLayer both{later.name, later.source, stack.single, {}};
  for (const auto& [key, names] : stack.names) {
    if (!names.empty()) {
      both.values.emplace(key, plain_names(stack, key));
    }
  }
  for (const auto& [key, paths] : stack.paths) {
    std::vector<PathEntry> entries;
    for (const LayeredPath& path : paths) {
      entries.push_back(path.entry);
    }
    if (!entries.empty()) {
      both.values.emplace(key, std::move(entries));
    }
  }
  if (!stack.rules.empty()) {
    std::vector<SeccompRule> rules;
    for (const LayeredRule& layered : stack.rules) {
      rules.push_back(layered.rule);
    }
    both.values.emplace(Key::SeccompRules, std::move(rules));
  }
  if (!stack.variables.empty()) {
    both.values.emplace(Key::EnvironmentSet, stack.variables);
  }
  for (const auto& [key, removals] : stack.removed) {
    if (!removals.empty()) {
      both.removed.emplace(key, removals);
    }
  }
  return both;
}

}  // namespace sbx::policy
