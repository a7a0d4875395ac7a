// SPDX-License-Identifier: Apache-2.0
#include "score/unit.h"

#include <sched.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/text.h"
#include "interop/layer_draft.h"
#include "policy/capabilities.h"
#include "score/facts.h"
#include "seccomp/constants.h"
#include "seccomp/groups.h"
#include "seccomp/syscall_table.h"

namespace sbx::score {
namespace {

using interop::UnitLine;
using interop::words;

constexpr std::uint64_t kAllNamespaces =
    CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWCGROUP | CLONE_NEWUTS;

// A value and the line that gave it.
template <typename T>
struct Said {
  T value{};
  Origin origin{};
};

// A list that allows or denies by how it began.
struct List {
  bool set = false, allows = true;
  std::set<std::string, std::less<>> members;
  Origin origin{};
};

class Unit {
 public:
  explicit Unit(seccomp::Arch arch) : arch_(arch), capabilities_{policy_all(), {}} {}
  void take(const UnitLine& line);
  Facts rate_all();

 private:
  static std::uint64_t policy_all() { return (std::uint64_t{1} << policy::capabilities().size()) - 1; }

  bool take_switch(const UnitLine& line);
  bool take_word(const UnitLine& line);
  void take_capabilities(const UnitLine& line, Said<std::uint64_t>& held);
  void take_namespaces(const UnitLine& line);
  void take_families(const UnitLine& line);
  void take_calls(const UnitLine& line);
  void take_addresses(const UnitLine& line);
  void take_list(const UnitLine& line);

  const Said<std::string>* word(std::string_view name) const;
  bool is_on(std::string_view name) const;
  Origin origin_of(std::string_view name) const;
  void imply();

  void rate_identity(Facts& facts) const;
  void rate_switches(Facts& facts) const;
  void rate_files(Facts& facts) const;
  void rate_devices(Facts& facts) const;
  void rate_families(Facts& facts) const;
  void rate_addresses(Facts& facts) const;
  void rate_filter(Facts& facts) const;
  void rate_boot_phase(Facts& facts) const;

  seccomp::Arch arch_;
  std::map<std::string, Said<bool>, std::less<>> switches_;
  std::map<std::string, Said<std::string>, std::less<>> words_;  // directives with one value
  std::map<std::string, Said<std::vector<std::string>>, std::less<>> lists_;
  Said<std::uint64_t> capabilities_, ambient_;
  Said<std::optional<std::uint64_t>> namespaces_;  // that can be made; nothing: not said
  List families_, calls_;
};

// Switches that are one item each.
struct SwitchItem {
  std::string_view name;
  Item item;
};
constexpr std::array kSwitchItems = {
    SwitchItem{"NoNewPrivileges", Item::NoNewPrivileges},
    SwitchItem{"PrivateUsers", Item::PrivateUsers},
    SwitchItem{"PrivateTmp", Item::PrivateTmp},
    SwitchItem{"PrivateMounts", Item::PrivateMounts},
    SwitchItem{"PrivateDevices", Item::PrivateDevices},
    SwitchItem{"PrivateNetwork", Item::PrivateNetwork},
    SwitchItem{"ProtectClock", Item::ProtectClock},
    SwitchItem{"ProtectKernelTunables", Item::ProtectKernelTunables},
    SwitchItem{"ProtectKernelModules", Item::ProtectKernelModules},
    SwitchItem{"ProtectKernelLogs", Item::ProtectKernelLogs},
    SwitchItem{"ProtectControlGroups", Item::ProtectControlGroups},
    SwitchItem{"ProtectHostname", Item::ProtectHostname},
    SwitchItem{"RestrictSUIDSGID", Item::RestrictSuidSgid},
    SwitchItem{"MemoryDenyWriteExecute", Item::MemoryDenyWriteExecute},
    SwitchItem{"RestrictRealtime", Item::RestrictRealtime},
    SwitchItem{"LockPersonality", Item::LockPersonality},
};

// Directives with one of several words; any other word is ignored, and so is none.
struct WordDirective {
  std::string_view name;
  std::string_view choices;  // separated by '|'; "bool": systemd's words for true and false
};
constexpr std::array kWords = {
    WordDirective{"ProtectSystem", "bool|full|strict"},
    WordDirective{"ProtectHome", "bool|read-only|tmpfs"},
    WordDirective{"ProtectProc", "noaccess|invisible|ptraceable|default"},
    WordDirective{"ProcSubset", "all|pid"},
    WordDirective{"KeyringMode", "inherit|private|shared"},
    WordDirective{"NotifyAccess", "none|all|exec|main"},
    WordDirective{"DevicePolicy", "auto|closed|strict"},
};

bool Unit::take_switch(const UnitLine& line) {
  const bool is_item = std::any_of(kSwitchItems.begin(), kSwitchItems.end(), [&](const auto& one) { return one.name == line.name; });
  if (!is_item && line.name != "DynamicUser" && line.name != "RemoveIPC" && line.name != "DefaultDependencies") {
    return false;
  }
  if (const auto on = interop::unit_boolean(line.value)) {
    switches_[line.name] = {*on, line.origin};
  }
  return true;
}

bool Unit::take_word(const UnitLine& line) {
  const auto* found = std::find_if(kWords.begin(), kWords.end(), [&](const auto& one) { return one.name == line.name; });
  if (found == kWords.end()) {
    return false;
  }
  for (const std::string& choice : split(found->choices, '|')) {
    const auto on = choice == "bool" ? interop::unit_boolean(line.value) : std::nullopt;
    if (on || line.value == choice) {
      words_[line.name] = {on ? (*on ? "yes" : "no") : line.value, line.origin};
    }
  }
  return true;
}

void Unit::take_capabilities(const UnitLine& line, Said<std::uint64_t>& held) {
  const bool inverted = line.value.starts_with('~');
  std::uint64_t named = 0;
  for (std::string name : words(line.value, " \t~")) {
    std::transform(name.begin(), name.end(), name.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    if (const auto* capability = policy::find_capability(name)) {
      named |= std::uint64_t{1} << (capability - policy::capabilities().data());
    }
  }
  const bool is_bounding = &held == &capabilities_;
  const std::uint64_t initial = is_bounding ? policy_all() : 0;
  const bool untouched = held.origin.line == 0;
  if (line.value.empty()) {
    held.value = 0;
  } else if (inverted) {
    // The first line of an ambient set that begins with ~ is all but those.
    held.value = (untouched && !is_bounding ? policy_all() : held.value) & ~named;
  } else {
    held.value = (untouched || held.value == initial ? 0 : held.value) | named;
  }
  held.origin = line.origin;
}

void Unit::take_namespaces(const UnitLine& line) {
  struct Kind {
    std::string_view name;
    std::uint64_t flag;
  };
  constexpr std::array kKinds = {Kind{"user", CLONE_NEWUSER}, Kind{"mnt", CLONE_NEWNS},     Kind{"pid", CLONE_NEWPID}, Kind{"net", CLONE_NEWNET},
                                 Kind{"ipc", CLONE_NEWIPC},   Kind{"cgroup", CLONE_NEWCGROUP}, Kind{"uts", CLONE_NEWUTS}, Kind{"time", 0}};
  auto& can_make = namespaces_.value;
  const auto on = interop::unit_boolean(line.value);
  if (line.value.empty()) {
    can_make.reset();
  } else if (on) {
    can_make = *on ? 0 : kAllNamespaces;
  } else {
    const bool inverted = line.value.starts_with('~');
    std::uint64_t named = 0;
    bool any = false;
    for (const std::string& name : words(line.value, " \t~")) {
      for (const Kind& kind : kKinds) {
        named |= kind.name == name ? kind.flag : 0;
        any = any || kind.name == name;
      }
    }
    if (!any) {
      return;
    }
    can_make = inverted ? can_make.value_or(kAllNamespaces) & ~named : can_make.value_or(0) | named;
  }
  namespaces_.origin = line.origin;
}

void Unit::take_families(const UnitLine& line) {
  if (line.value.empty()) {
    families_ = {};
    return;
  }
  const bool inverted = line.value.starts_with('~');
  if (!families_.set) {
    families_ = {true, !inverted, {}, line.origin};
  }
  const auto known = seccomp::constants_of("AF");
  for (const std::string& family : words(line.value, " \t~")) {
    if (std::find(known.begin(), known.end(), family) == known.end()) {
      continue;
    }
    if (inverted == families_.allows) {
      families_.members.erase(family);
    } else {
      families_.members.insert(family);
    }
  }
}

void Unit::take_calls(const UnitLine& line) {
  if (line.value.empty()) {
    calls_ = {};
    return;
  }
  const bool inverted = line.value.starts_with('~');
  if (!calls_.set) {
    calls_ = {true, !inverted, {}, line.origin};
  }
  for (const std::string& item : words(line.value, " \t~")) {
    const std::size_t colon = item.find(':');
    const std::string name = item.substr(0, colon);
    // A call with an answer of its own is no allowed one; systemd leaves it out of a list of those.
    if (!interop::is_known_call(name) || (colon != std::string::npos && !inverted && calls_.allows)) {
      continue;
    }
    const auto* group = seccomp::find_group(name);
    for (const std::string_view call : group != nullptr ? seccomp::expand_group(*group) : std::vector<std::string_view>{name}) {
      if (inverted == calls_.allows) {
        calls_.members.erase(std::string(call));
      } else {
        calls_.members.emplace(call);
      }
    }
  }
}

void Unit::take_list(const UnitLine& line) {
  auto& list = lists_[line.name];
  if (line.value.empty()) {
    list = {};
    return;
  }
  if (line.name == "DeviceAllow") {
    list.value.push_back(line.value);  // one device a line
  } else {
    const auto more = words(line.value, " \t");
    list.value.insert(list.value.end(), more.begin(), more.end());
  }
  list.origin = line.origin;
}

void Unit::take(const UnitLine& line) {
  if (line.section != "Service" && !(line.section == "Unit" && line.name == "DefaultDependencies")) {
    return;
  }
  constexpr std::array<std::string_view, 7> kLists{"SupplementaryGroups", "IPAddressAllow", "IPAddressDeny", "DeviceAllow",
                                                   "SystemCallArchitectures", "IPIngressFilterPath", "IPEgressFilterPath"};
  if (take_switch(line) || take_word(line)) {
    return;
  }
  if (line.name == "CapabilityBoundingSet") {
    take_capabilities(line, capabilities_);
  } else if (line.name == "AmbientCapabilities") {
    take_capabilities(line, ambient_);
  } else if (line.name == "RestrictNamespaces") {
    take_namespaces(line);
  } else if (line.name == "RestrictAddressFamilies") {
    take_families(line);
  } else if (line.name == "SystemCallFilter") {
    take_calls(line);
  } else if (std::find(kLists.begin(), kLists.end(), line.name) != kLists.end()) {
    take_list(line);
  } else if (line.name == "User" || line.name == "RootDirectory" || line.name == "RootImage") {
    words_[line.name] = {line.value, line.origin};
  } else if (line.name == "UMask" && !line.value.empty() && line.value.find_first_not_of("01234567") == std::string::npos) {
    words_[line.name] = {line.value, line.origin};
  } else if (line.name == "Delegate") {
    // Controllers, none too, mean that the subtree is the service's.
    words_[line.name] = {interop::unit_boolean(line.value).value_or(true) ? "yes" : "no", line.origin};
  }
}

const Said<std::string>* Unit::word(std::string_view name) const {
  const auto found = words_.find(name);
  return found == words_.end() || found->second.value.empty() ? nullptr : &found->second;
}

bool Unit::is_on(std::string_view name) const {
  const auto found = switches_.find(name);
  return found != switches_.end() && found->second.value;
}

Origin Unit::origin_of(std::string_view name) const {
  const auto found = switches_.find(name);
  return found == switches_.end() ? Origin{} : found->second.origin;
}

// What one directive brings with it.
void Unit::imply() {
  const auto drop = [&](std::string_view directive, std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
      if (is_on(directive)) {
        capabilities_.value &= ~(std::uint64_t{1} << (policy::find_capability(name) - policy::capabilities().data()));
      }
    }
  };
  drop("PrivateDevices", {"CAP_MKNOD", "CAP_SYS_RAWIO"});
  drop("ProtectClock", {"CAP_SYS_TIME", "CAP_WAKE_ALARM"});
  drop("ProtectKernelModules", {"CAP_SYS_MODULE"});
  drop("ProtectKernelLogs", {"CAP_SYSLOG"});
  if (is_on("PrivateDevices") && (word("DevicePolicy") == nullptr || word("DevicePolicy")->value == "auto")) {
    words_["DevicePolicy"] = {"closed", origin_of("PrivateDevices")};
  }
  if (is_on("ProtectClock")) {
    lists_["DeviceAllow"].value.emplace_back("char-rtc r");
  }
  if (word("RootImage") != nullptr) {
    lists_["DeviceAllow"].value.emplace_back("block-loop rwm");  // to mount it
  }
  if (!is_on("DynamicUser")) {
    return;
  }
  const Origin origin = origin_of("DynamicUser");
  for (const char* name : {"NoNewPrivileges", "RestrictSUIDSGID", "PrivateTmp", "RemoveIPC"}) {
    switches_[name] = {true, origin};
  }
  const auto* home = word("ProtectHome");
  if (home == nullptr || home->value == "no") {
    words_["ProtectHome"] = {"read-only", origin};
  }
  words_["ProtectSystem"] = {"strict", origin};
}

void Unit::rate_identity(Facts& facts) const {
  const auto* user = word("User");
  const std::string name = user == nullptr ? "" : user->value;
  // A specifier is the service manager's user, who is root.
  const bool is_root = name == "root" || name == "0" || name == "%u" || name == "%U" || (name.empty() && !is_on("DynamicUser"));
  const Origin origin = user != nullptr ? user->origin : origin_of("DynamicUser");
  if (is_root) {
    rate(facts, Item::User, 10, {}, origin);
    set_meaningless(facts, Item::SupplementaryGroups, "root needs no group");
    set_meaningless(facts, Item::DynamicIpc, "root's IPC objects stay in any case");
    return;
  }
  const bool is_nobody = name == "nobody" && !is_on("DynamicUser");
  rate(facts, Item::User, is_nobody ? 9 : 0, is_nobody ? "shares the user nobody with others" : "", origin);
  const auto groups = lists_.find("SupplementaryGroups");
  const bool has_groups = groups != lists_.end() && !groups->second.value.empty();
  rate(facts, Item::SupplementaryGroups, has_groups ? 1 : 0, has_groups ? "belongs to " + join(groups->second.value, ", ") : "",
       has_groups ? groups->second.origin : Origin{});
  rate(facts, Item::DynamicIpc, is_on("RemoveIPC") ? 0 : 1, {}, origin_of("RemoveIPC"));
}

void Unit::rate_switches(Facts& facts) const {
  for (const SwitchItem& one : kSwitchItems) {
    rate(facts, one.item, is_on(one.name) ? 0 : 1, {}, origin_of(one.name));
  }
  rate(facts, Item::AmbientCapabilities, ambient_.value == 0 ? 0 : 1, {}, ambient_.origin);
}

// Directives of one word: what each word is worth.
struct WordItem {
  std::string_view name;
  Item item;
  std::string_view word;  // empty: what the unit does not say
  unsigned badness;
  std::string_view text;
};
constexpr std::array kWordItems = {
    WordItem{"ProtectSystem", Item::ProtectSystem, "", 10, ""},
    WordItem{"ProtectSystem", Item::ProtectSystem, "yes", 5, "may write to the system, but not to /usr and /boot"},
    WordItem{"ProtectSystem", Item::ProtectSystem, "full", 3, "may write to the system, but not to /usr, /boot and /etc"},
    WordItem{"ProtectSystem", Item::ProtectSystem, "strict", 0, ""},
    WordItem{"ProtectHome", Item::ProtectHome, "", 10, ""},
    WordItem{"ProtectHome", Item::ProtectHome, "read-only", 5, "reads the homes"},
    WordItem{"ProtectHome", Item::ProtectHome, "tmpfs", 1, "sees empty homes"},
    WordItem{"ProtectHome", Item::ProtectHome, "yes", 0, ""},
    WordItem{"ProtectProc", Item::ProtectProc, "", 3, ""},
    WordItem{"ProtectProc", Item::ProtectProc, "noaccess", 1, "sees that there are other processes, not what they do"},
    WordItem{"ProtectProc", Item::ProtectProc, "invisible", 0, ""},
    WordItem{"ProtectProc", Item::ProtectProc, "ptraceable", 0, ""},
    WordItem{"ProcSubset", Item::ProcSubset, "", 1, ""},
    WordItem{"ProcSubset", Item::ProcSubset, "pid", 0, ""},
    WordItem{"KeyringMode", Item::KeyringMode, "", 0, ""},
    WordItem{"KeyringMode", Item::KeyringMode, "inherit", 1, ""},
    WordItem{"KeyringMode", Item::KeyringMode, "shared", 1, ""},
    WordItem{"Delegate", Item::Delegate, "", 0, ""},
    WordItem{"Delegate", Item::Delegate, "yes", 1, ""},
    WordItem{"NotifyAccess", Item::NotifyAccess, "", 0, ""},
    WordItem{"NotifyAccess", Item::NotifyAccess, "all", 1, ""},
};

void Unit::rate_files(Facts& facts) const {
  for (const WordItem& one : kWordItems) {
    const auto* said = word(one.name);
    if (one.word.empty() || (said != nullptr && said->value == one.word)) {
      rate(facts, one.item, one.badness, std::string(one.text), said == nullptr ? Origin{} : said->origin);
    }
  }
  const auto* root = word("RootDirectory") != nullptr ? word("RootDirectory") : word("RootImage");
  const bool own = root != nullptr && root->value != "/";
  rate(facts, Item::RootDirectory, own ? 0 : 1, {}, own ? root->origin : Origin{});
  const auto* umask = word("UMask");
  std::uint32_t bits = 022;
  if (umask != nullptr) {
    bits = 0;
    for (const char digit : umask->value) {
      bits = ((bits << 3) | static_cast<std::uint32_t>(digit - '0')) & 0777;
    }
  }
  rate_umask(facts, bits, umask == nullptr ? Origin{} : umask->origin);
}

void Unit::rate_devices(Facts& facts) const {
  const auto* policy = word("DevicePolicy");
  const auto devices = lists_.find("DeviceAllow");
  if (policy == nullptr || policy->value == "auto") {
    rate(facts, Item::DeviceAllow, 10);
  } else if (devices != lists_.end() && !devices->second.value.empty()) {
    rate(facts, Item::DeviceAllow, 5, "may open " + join(devices->second.value, ", "), devices->second.origin);
  } else {
    rate(facts, Item::DeviceAllow, 0, {}, policy->origin);
  }
}

void Unit::rate_families(Facts& facts) const {
  const auto can_open = [&](std::string_view family) {
    return !families_.set || families_.members.contains(family) == families_.allows;
  };
  const auto rate_one = [&](Item item, bool open) { rate(facts, item, open ? 1 : 0, {}, families_.origin); };
  rate_one(Item::FamilyInet, families_.set && !families_.allows
                                 ? can_open("AF_INET") && can_open("AF_INET6")
                                 : can_open("AF_INET") || can_open("AF_INET6"));
  rate_one(Item::FamilyUnix, can_open("AF_UNIX"));
  rate_one(Item::FamilyNetlink, can_open("AF_NETLINK"));
  rate_one(Item::FamilyPacket, can_open("AF_PACKET"));
  // Of all others together systemd asks whether the list has any.
  const bool others = std::any_of(families_.members.begin(), families_.members.end(), [](const std::string& family) {
    return family != "AF_INET" && family != "AF_INET6" && family != "AF_UNIX" && family != "AF_NETLINK" && family != "AF_PACKET";
  });
  rate_one(Item::FamilyOther, !families_.set || others == families_.allows);
}

void Unit::rate_addresses(Facts& facts) const {
  const auto list_of = [&](std::string_view name) {
    const auto found = lists_.find(name);
    return found == lists_.end() ? std::vector<std::string>() : found->second.value;
  };
  const auto has = [](const std::vector<std::string>& list, std::string_view word) {
    return std::find(list.begin(), list.end(), word) != list.end();
  };
  if (!list_of("IPIngressFilterPath").empty() || !list_of("IPEgressFilterPath").empty()) {
    rate(facts, Item::AddressDeny, 0, "has BPF programs of its own on its packets");
    return;
  }
  const auto denied = list_of("IPAddressDeny"), allowed = list_of("IPAddressAllow");
  const bool denies_all = has(denied, "any") || (has(denied, "0.0.0.0/0") && has(denied, "::/0"));
  if (!denies_all) {
    rate(facts, Item::AddressDeny, 10);
    return;
  }
  const Origin origin = lists_.find("IPAddressDeny")->second.origin;
  const bool local = std::all_of(allowed.begin(), allowed.end(), [](const std::string& address) {
    return address == "localhost" || address.starts_with("127.") || address == "::1" || address == "::1/128";
  });
  const std::string text = allowed.empty() ? "" : "reaches " + join(allowed, ", ") + " only";
  rate(facts, Item::AddressDeny, allowed.empty() ? 0 : local ? 2 : 5, text, origin);
}

void Unit::rate_filter(Facts& facts) const {
  const auto architectures = lists_.find("SystemCallArchitectures");
  if (architectures == lists_.end() || architectures->second.value.empty()) {
    rate(facts, Item::Architectures, 10);
  } else {
    const bool native = architectures->second.value == std::vector<std::string>{"native"};
    rate(facts, Item::Architectures, native ? 0 : 8, native ? "" : "makes system calls of " + join(architectures->second.value, ", "),
         architectures->second.origin);
  }
  if (!calls_.set) {
    for (const Item item : call_items()) {
      rate(facts, item, info(item).range);
    }
    return;
  }
  rate_calls(facts, arch_, calls_.allows ? 9 : 10, [&](std::string_view call) {
    return calls_.members.contains(call) == calls_.allows ? std::optional(calls_.origin) : std::nullopt;
  });
}

// A unit without the default dependencies runs while the file systems are not yet there.
void Unit::rate_boot_phase(Facts& facts) const {
  const auto found = switches_.find("DefaultDependencies");
  if (found == switches_.end() || found->second.value) {
    return;
  }
  for (const Item item : {Item::RootDirectory, Item::ProtectSystem, Item::ProtectHome, Item::PrivateTmp}) {
    set_meaningless(facts, item, "not for a unit that starts before the file systems are there");
  }
}

Facts Unit::rate_all() {
  imply();
  Facts facts{};
  rate_identity(facts);
  rate_switches(facts);
  rate_capabilities(facts, capabilities_.value, "", capabilities_.origin);
  rate_files(facts);
  rate_devices(facts);
  rate_addresses(facts);
  rate_families(facts);
  rate_namespaces(facts, namespaces_.value.value_or(kAllNamespaces), namespaces_.origin);
  rate_filter(facts);
  rate_boot_phase(facts);
  return facts;
}

}  // namespace

Facts facts_of_unit(const std::vector<UnitLine>& lines, seccomp::Arch arch) {
  Unit unit(arch);
  for (const UnitLine& line : lines) {
    unit.take(line);
  }
  return unit.rate_all();
}

}  // namespace sbx::score
