// SPDX-License-Identifier: Apache-2.0
// A service unit as a policy. Like firejail, systemd starts from everything: what the unit does not
// take away is granted as far as an ordinary user's sandbox can have it, and no further than a service
// needs (no homes, no /run of others, no devices).
#include <algorithm>
#include <array>
#include <functional>

#include "base/errno_name.h"
#include "base/path.h"
#include "base/text.h"
#include "interop/layer_draft.h"
#include "interop/systemd_network.h"
#include "interop/systemd_unit.h"
#include "policy/capabilities.h"
#include "seccomp/groups.h"
#include "seccomp/syscall_table.h"

namespace sbx::interop {
namespace {

using policy::Key;
using policy::PathEntry;
constexpr auto kMapped = Finding::Kind::Mapped;
constexpr auto kChanged = Finding::Kind::Changed;
constexpr auto kDropped = Finding::Kind::Dropped;

// SystemCallFilter= as it accumulates (systemd.exec(5)): the first word decides what the list is.
struct CallFilter {
  bool set = false, is_allow_list = true;
  std::map<std::string, std::string, std::less<>> calls;  // of the list; value: an errno of its own, or empty
  Origin origin{};
  std::string error;  // SystemCallErrorNumber=
};

class Importer {
 public:
  Importer(const ImportRequest& request, std::vector<UnitLine> lines)
      : request_(request), lines_(std::move(lines)), network_(network_of(lines_)) {}
  Import import();

 private:
  void take(const UnitLine& line);
  bool take_switch(const UnitLine& line);
  bool take_value(const UnitLine& line);
  bool take_paths(const UnitLine& line);
  bool take_calls(const UnitLine& line);
  bool take_limit(const UnitLine& line);
  bool take_network(const UnitLine& line);
  void take_families(const UnitLine& line);
  bool take_addresses(const UnitLine& line);
  bool take_environment(const UnitLine& line);
  std::optional<std::vector<std::string>> expanded_words(const UnitLine& line) const;
  void take_start(const UnitLine& line);
  void filter_words(const std::string& value, const Origin& origin, std::vector<std::string>& unknown);
  void finish();
  void finish_calls();
  void finish_network(const Origin& here);
  void add_suid_rules(const Origin& origin);
  void say(const UnitLine& line, Finding::Kind kind, std::string becomes, std::string reason = {}) {
    findings_.push_back({kind, line.name + "=" + line.value, std::move(becomes), std::move(reason), line.origin});
  }

  const ImportRequest& request_;
  std::vector<UnitLine> lines_;
  LayerDraft draft_;
  std::vector<Finding> findings_;
  CallFilter filter_;
  std::string protect_system_;
  UnitNetwork network_;
  std::vector<policy::Text> unset_;  // counts last, wherever it stands
  bool started_ = false, keeps_memory_clean_ = false;
};

// "EPERM" for "EPERM" and for "1", "kill" for itself; nothing for what is no error.
std::optional<std::string> error_word(const std::string& text) {
  if (text == "kill" || errno_from_name(text)) {
    return text;
  }
  const auto number = parse_number(text);
  const std::string name = number && *number < 4096 ? errno_name(static_cast<int>(*number)) : "";
  return errno_from_name(name) ? std::optional(name) : std::nullopt;
}

// Switches of which sbx holds the stricter side always, or has a key for it.
struct Switch {
  std::string_view name, when_on, when_off;  // when_off: why `no` is not carried out
};
constexpr std::array kSwitches = {
    Switch{"NoNewPrivileges", "always so", "sbx never lets a program gain privileges"},
    Switch{"PrivateUsers", "always so", "an own user namespace is what everything else needs"},
    Switch{"PrivateMounts", "always so", "the root is always an own one"},
    Switch{"PrivateIPC", "always so", "namespaces.ipc = false would share it"},
    Switch{"PrivateDevices", "always so", "devices are named in filesystem.dev"},
    Switch{"ProtectKernelTunables", "always so: /proc is read-only, /sys not shown", "never writable"},
    Switch{"ProtectKernelModules", "always so", "no capability to load any is held"},
    Switch{"ProtectKernelLogs", "always so", "neither /dev/kmsg nor syslog(2) is there"},
    Switch{"ProtectControlGroups", "always so: not shown", "not shown"},
    Switch{"ProtectClock", "always so", "no capability to set it is held"},
    Switch{"ProtectHostname", "always so: its own", "its own name"},
    Switch{"RemoveIPC", "always so: the namespace ends", "the namespace ends with the service"},
    Switch{"IgnoreSIGPIPE", "nothing", "programs choose for themselves"},
    Switch{"DynamicUser", "always so: one user without rights", "one user without rights"},
    Switch{"CPUAccounting", "nothing to do", "nothing to do"},
    Switch{"MemoryAccounting", "nothing to do", "nothing to do"},
    Switch{"TasksAccounting", "nothing to do", "nothing to do"},
};

bool Importer::take_switch(const UnitLine& line) {
  const auto* found = std::find_if(kSwitches.begin(), kSwitches.end(),
                                   [&](const Switch& one) { return one.name == line.name; });
  if (found == kSwitches.end()) {
    return false;
  }
  const auto on = unit_boolean(line.value);
  if (on.value_or(true)) {
    say(line, kMapped, std::string(found->when_on));
  } else {
    say(line, kChanged, "stricter", std::string(found->when_off));
  }
  return true;
}

// Sandboxing directives with a value, each its own.
bool Importer::take_value(const UnitLine& line) {
  const auto on = unit_boolean(line.value);
  const auto set = [&](Key key, const std::string& value) {
    draft_.text(key, value, line.origin);
    say(line, kMapped, policy::qualified_name(key) + " = " + value);
  };
  if (line.name == "ProtectSystem") {
    protect_system_ = line.value;
    say(line, line.value == "strict" ? kMapped : kChanged, "the system is read-only",
        line.value == "strict" ? "" : "always so; /var and /srv stay writable where the user may");
  } else if (line.name == "ProtectHome") {
    if (line.value == "read-only") {
      set(Key::FilesystemHome, "read");
    } else if (line.value == "tmpfs") {
      set(Key::FilesystemHome, "private");
    } else {
      say(line, on.value_or(false) ? kMapped : kChanged, "filesystem.home = none",
          on.value_or(false) ? "" : "no home is shown unless filesystem.read or write names it");
    }
  } else if (line.name == "PrivateTmp") {
    set(Key::FilesystemTmp, on.value_or(true) ? "private" : "host");
  } else if (line.name == "MemoryDenyWriteExecute") {
    keeps_memory_clean_ = on.value_or(false);
    say(line, kMapped, keeps_memory_clean_ ? "memory.wx = deny" : "memory.wx = allow");
  } else if (line.name == "ProtectProc" || line.name == "ProcSubset") {
    if (line.value == "pid") {
      draft_.text(Key::FilesystemProc, "pids", line.origin);
    }
    say(line, kMapped, "/proc shows the sandbox's own processes only");
  } else if (line.name == "LockPersonality") {
    draft_.rule({"personality"}, "persona != 0xffffffff", "errno(EPERM)", line.origin, "LockPersonality=");
    say(line, kMapped, "seccomp.rule");
  } else if (line.name == "RestrictRealtime") {
    draft_.rule({"sched_setscheduler"}, "not policy in {SCHED_OTHER, SCHED_BATCH, SCHED_IDLE}", "errno(EPERM)", line.origin,
                "RestrictRealtime=; sched_setattr, which systemd leaves open, is shut too.");
    draft_.rule({"sched_setattr"}, "", "errno(EPERM)", line.origin, "");
    say(line, kMapped, "seccomp.rule");
  } else if (line.name == "RestrictSUIDSGID") {
    add_suid_rules(line.origin);
    say(line, kMapped, "seccomp.rule; and what is writable is mounted nosuid");
  } else if (line.name == "RestrictNamespaces") {
    say(line, on.value_or(true) ? kMapped : kChanged, "none can be made",
        on.value_or(true) ? "" : "namespaces.nested names those that may");
  } else if (line.name == "User" || line.name == "Group") {
    const auto value = expand_specifiers(line.value, path::basename(request_.source));
    const bool plain = value && !value->empty();
    if (plain) {
      draft_.text(line.name == "User" ? Key::IdentityUser : Key::IdentityGroup, *value, line.origin);
    }
    say(line, plain ? kChanged : kDropped, plain ? "identity." + std::string(line.name == "User" ? "user" : "group") : "",
        plain ? "a name inside; outside it is the user who starts sbx" : "specifiers have no meaning here");
  } else if (line.name == "CapabilityBoundingSet") {
    say(line, line.value.empty() ? kMapped : kChanged, "none is held", line.value.empty() ? "" :
        "one user inside needs none of them; capabilities.keep adds those that mean something");
  } else if (line.name == "AmbientCapabilities") {
    std::vector<std::string> left_out;
    for (const std::string& name : words(line.value, " \t")) {
      const auto* capability = policy::find_capability(name);
      const bool works = capability != nullptr && capability->effect == policy::Capability::Effect::Works;
      works ? draft_.name(Key::CapabilitiesKeep, name, line.origin) : left_out.push_back(name);
    }
    say(line, left_out.empty() ? kMapped : kChanged, "capabilities.keep",
        left_out.empty() ? "" : "without effect inside, or refused: " + join(left_out, ", "));
  } else if (line.name == "WorkingDirectory" && line.value.starts_with('/') && line.value.find('%') == std::string::npos) {
    set(Key::CommandWorkdir, line.value);
  } else if (line.name == "KeyringMode") {
    say(line, kChanged, "no keyrings", "their calls are denied");
  } else if (line.name == "SystemCallArchitectures") {
    say(line, line.value == "native" ? kMapped : kChanged, "the native one only", line.value == "native" ? "" : "others are closed");
  } else if (line.name == "DeviceAllow") {
    const auto parts = words(line.value, " \t");
    const bool is_path = !parts.empty() && parts[0].starts_with("/dev/") && parts[0].find('*') == std::string::npos;
    if (is_path) {
      draft_.path(Key::FilesystemDev, {parts[0], {}, true, line.origin});
    }
    say(line, is_path ? kMapped : kDropped, is_path ? "filesystem.dev" : "", is_path ? "" : "classes of devices have no paths");
  } else if (line.name == "DevicePolicy" || line.name == "SupplementaryGroups" || line.name == "SecureBits") {
    say(line, kChanged, "stricter", "no devices, no further groups and locked secure bits, always");
  } else {
    return false;
  }
  return true;
}

// What RestrictSUIDSGID= forbids; openat2 stays, since nothing writable honours the bits.
void Importer::add_suid_rules(const Origin& origin) {
  const std::string bits = "mode & 0o6000 != 0";
  draft_.rule({"chmod", "fchmod", "fchmodat", "fchmodat2", "mkdir", "mkdirat", "mknod", "mknodat", "creat"}, bits,
              "errno(EPERM)", origin, "RestrictSUIDSGID=");
  draft_.rule({"open", "openat"}, "flags & O_CREAT != 0 and " + bits, "errno(EPERM)", origin, "");
}

bool Importer::take_paths(const UnitLine& line) {
  struct Use {
    std::string_view name;
    Key key;
    std::string_view below;  // names are relative to it
  };
  constexpr std::array kUses = {
      Use{"ReadWritePaths", Key::FilesystemWrite, ""},       Use{"ReadOnlyPaths", Key::FilesystemRead, ""},
      Use{"InaccessiblePaths", Key::FilesystemHide, ""},     Use{"ExecPaths", Key::FilesystemExec, ""},
      Use{"BindPaths", Key::FilesystemWrite, ""},            Use{"BindReadOnlyPaths", Key::FilesystemRead, ""},
      Use{"TemporaryFileSystem", Key::FilesystemTmpfs, ""},  Use{"StateDirectory", Key::FilesystemWrite, "/var/lib/"},
      Use{"CacheDirectory", Key::FilesystemWrite, "/var/cache/"}, Use{"LogsDirectory", Key::FilesystemWrite, "/var/log/"},
      Use{"ConfigurationDirectory", Key::FilesystemRead, "/etc/"}, Use{"RuntimeDirectory", Key::FilesystemTmpfs, "/run/"},
  };
  if (line.name == "NoExecPaths") {
    const bool all = line.value == "/";
    say(line, all ? kMapped : kChanged, "what is writable is not executable",
        all ? "" : "what is read-only stays so; filesystem.exec lists the programs that may be executed, if only those may");
    return true;
  }
  const auto* use = std::find_if(kUses.begin(), kUses.end(), [&](const Use& one) { return one.name == line.name; });
  if (use == kUses.end()) {
    return false;
  }
  std::vector<std::string> left_out;
  const auto named = expanded_words(line);
  if (!named) {
    say(line, kDropped, "", "its quotes are not closed, or a specifier is known to the running service only");
    return true;
  }
  for (const std::string& word : *named) {
    const bool optional = word.starts_with('-') || !use->below.empty();
    std::string path = word.substr(std::min(word.find_first_not_of("-+"), word.size()));
    std::string at;
    if (const std::size_t colon = path.find(':'); colon != std::string::npos) {
      at = line.name.starts_with("Bind") ? path.substr(colon + 1) : "";
      at = at.substr(0, at.find(':'));
      path = path.substr(0, colon);
    }
    path = std::string(use->below) + path;
    const auto usable = [](const std::string& one) {
      return one.starts_with('/') && one != "/" && one.find('%') == std::string::npos && path::is_normal(one);
    };
    // Below what the host grants a place to mount upon must be there already; systemd would make one.
    const bool is_made = !at.empty() && at != path && (at.starts_with("/var/") || at.starts_with("/srv/"));
    if (!usable(path) || is_made || (!at.empty() && !usable(at))) {
      left_out.push_back(word);
    } else if (path.starts_with("/run/") && use->key == Key::FilesystemTmpfs) {
      // Below the empty /run that every imported service has.
    } else {
      draft_.path(use->key, {path, at, optional, line.origin});
    }
  }
  say(line, left_out.empty() ? kMapped : kChanged, policy::qualified_name(use->key),
      left_out.empty() ? "" : "not carried over: " + join(left_out, " "));
  return true;
}

void Importer::filter_words(const std::string& value, const Origin& origin, std::vector<std::string>& unknown) {
  const bool inverted = value.starts_with('~');
  if (!filter_.set) {
    filter_.set = true;
    filter_.is_allow_list = !inverted;
    filter_.origin = origin;
    if (filter_.is_allow_list) {
      // systemd adds it to every allow list: it must itself execute the program.
      for (const auto name : seccomp::expand_group(*seccomp::find_group("@default"))) {
        filter_.calls.emplace(name, "");
      }
    }
  }
  // "~" takes out of an allow list, and adds to a list of denied calls.
  const bool adds = inverted != filter_.is_allow_list;
  for (const std::string& word : words(value.substr(inverted ? 1 : 0), " \t")) {
    const std::size_t colon = word.find(':');
    const std::string name = word.substr(0, colon);
    const auto error_said = colon == std::string::npos ? std::string() : error_word(word.substr(colon + 1));
    if (!is_known_call(name) || !error_said) {
      unknown.push_back(word);
      continue;
    }
    const std::string& error = *error_said;
    std::vector<std::string_view> calls{name};
    if (name.starts_with('@')) {
      calls = seccomp::expand_group(*seccomp::find_group(name));
    }
    for (const std::string_view call : calls) {
      if (adds || !error.empty()) {
        filter_.calls.insert_or_assign(std::string(call), error);
      } else if (const auto found = filter_.calls.find(call); found != filter_.calls.end()) {
        filter_.calls.erase(found);
      }
    }
  }
}

bool Importer::take_calls(const UnitLine& line) {
  if (line.name == "SystemCallErrorNumber") {
    const auto error = error_word(line.value);
    filter_.error = error.value_or("");
    say(line, error || line.value.empty() ? kMapped : kDropped, error ? "seccomp.default" : "",
        error || line.value.empty() ? "" : "no error number; systemd kills then, and so does the policy");
  } else if (line.name == "SystemCallLog") {
    say(line, kDropped, "", "what is allowed is not told; sbx run --report writes what is denied");
  } else if (line.name == "SystemCallFilter") {
    if (line.value.empty()) {
      filter_ = {};
      say(line, kMapped, "earlier lists are taken back");
      return true;
    }
    std::vector<std::string> unknown;
    filter_words(line.value, line.origin, unknown);
    const bool narrows = !filter_.is_allow_list;
    std::string reason = unknown.empty() ? "" : "not known: " + join(unknown, ", ");
    reason += narrows ? std::string(reason.empty() ? "" : "; ") + "beside them only @system-service is allowed" : "";
    say(line, reason.empty() ? kMapped : kChanged, "seccomp", reason);
  } else {
    return false;
  }
  return true;
}

bool Importer::take_limit(const UnitLine& line) {
  struct Limit {
    std::string_view name;
    Key key;
    bool is_time = false;
  };
  constexpr std::array kLimits = {
      Limit{"LimitNOFILE", Key::LimitsFiles},     Limit{"LimitNPROC", Key::LimitsProcesses},
      Limit{"LimitFSIZE", Key::LimitsFileSize},   Limit{"LimitAS", Key::LimitsMemory},
      Limit{"LimitCORE", Key::LimitsCore},        Limit{"LimitCPU", Key::LimitsCpu, true},
      Limit{"MemoryMax", Key::LimitsMemory},      Limit{"TasksMax", Key::LimitsProcesses},
      Limit{"CPUWeight", Key::LimitsCpuWeight},   Limit{"RuntimeMaxSec", Key::LimitsTime, true},
      Limit{"CPUQuota", Key::LimitsCpuPercent},
  };
  const auto* limit = std::find_if(kLimits.begin(), kLimits.end(), [&](const Limit& one) { return one.name == line.name; });
  if (limit == kLimits.end()) {
    return false;
  }
  std::string value = line.value.substr(line.value.find(':') == std::string::npos ? 0 : line.value.find(':') + 1);
  if (limit->key == Key::LimitsCpuPercent && value.ends_with('%')) {
    value.pop_back();
  }
  if (value.ends_with("min")) {
    value.resize(value.size() - 2);  // systemd.time(7); "m" means the same
  }
  const auto number = limit->is_time ? parse_seconds(value) : parse_size(value);
  if (value == "infinity" || value.empty()) {
    say(line, kChanged, "nothing", "no limit of this policy's; those of the caller stay");
  } else if (!number || (*number == 0 && limit->key != Key::LimitsCore)) {
    say(line, kDropped, "", "no plain number or size");
  } else {
    draft_.number(limit->key, *number, line.origin);
    say(line, kMapped, policy::qualified_name(limit->key));
  }
  return true;
}

void Importer::take_families(const UnitLine& line) {
  std::vector<std::string> left_out;
  const bool inverted = line.value.starts_with('~');
  if (line.value.empty()) {
    say(line, kMapped, "earlier lists are taken back");
    return;
  }
  if (line.value == "none") {
    draft_.rule({"socket"}, "", "errno(EAFNOSUPPORT)", line.origin, "RestrictAddressFamilies=none");
    say(line, kMapped, "seccomp.rule");
    return;
  }
  for (const std::string& word : words(line.value, " \t~")) {
    std::string family = word.starts_with("AF_") ? word.substr(3) : word;
    std::transform(family.begin(), family.end(), family.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const bool known = family == "unix" || family == "inet" || family == "inet6" || family == "netlink" || family == "packet";
    if (known && !inverted) {
      draft_.name(Key::NetworkFamilies, family, line.origin);
    } else if (known) {
      draft_.rule({"socket"}, "domain == AF_" + word.substr(word.starts_with("AF_") ? 3 : 0), "errno(EAFNOSUPPORT)", line.origin, "");
    } else {
      left_out.push_back(word);
    }
  }
  say(line, left_out.empty() ? kMapped : kChanged, inverted ? "seccomp.rule" : "network.families",
      left_out.empty() ? "" : "refused whatever is said: " + join(left_out, ", "));
}

// IPAddress… and SocketBind…: only an allow list against "any" is one of sbx's too.
bool Importer::take_addresses(const UnitLine& line) {
  const bool of_addresses = line.name == "IPAddressAllow" || line.name == "IPAddressDeny";
  if (!of_addresses && line.name != "SocketBindAllow" && line.name != "SocketBindDeny") {
    return false;
  }
  const bool denies = of_addresses ? network_.denies_addresses : network_.denies_ports;
  const std::string key = of_addresses ? "network.connect" : "network.bind";
  if (line.value.empty()) {
    say(line, kMapped, "earlier lists are taken back");
  } else if (of_addresses && (network_.is_private || (denies && network_.connect.empty()))) {
    say(line, kMapped, "network.mode = private: nothing of the host's is reached");
  } else if (!denies && line.name.ends_with("Allow")) {
    say(line, kMapped, "nothing: the unit denies not all else");
  } else if (!denies) {
    say(line, kDropped, "", key + " lists what is allowed; without \"any\" the unit lists only what is not");
  } else if (of_addresses) {
    say(line, kChanged, key, "whoever connects to the service is not held back by address");
  } else {
    say(line, kMapped, key);
  }
  return true;
}

bool Importer::take_network(const UnitLine& line) {
  if (line.name == "PrivateNetwork") {
    say(line, kMapped, network_.is_private ? "network.mode = private" : "network.mode = host");
  } else if (line.name == "RestrictAddressFamilies") {
    take_families(line);
  } else {
    return take_addresses(line);
  }
  return true;
}

// The value's words with their quotes off and specifiers put in; nothing: they are not known yet.
std::optional<std::vector<std::string>> Importer::expanded_words(const UnitLine& line) const {
  const auto value = expand_specifiers(line.value, path::basename(request_.source));
  return value ? unit_words(*value) : std::nullopt;
}

void Importer::take_start(const UnitLine& line) {
  if (started_ || line.value.empty()) {
    say(line, line.value.empty() ? kMapped : kDropped, line.value.empty() ? "earlier lines are taken back" : "",
        started_ ? "sbx runs one command" : "");
    return;
  }
  started_ = true;
  const auto command = expanded_words(line);
  const bool plain = command && !command->empty() && line.value.find_first_of("$;") == std::string::npos;
  const std::string first = plain ? command->front() : "";
  const std::string program(path::basename(first.substr(std::min(first.find_first_not_of("-@:+!"), first.size()))));
  if (program.empty()) {
    say(line, kChanged, "nothing", "variables, and specifiers that only the running service has, are left to systemd: give the "
                                   "arguments to sbx run");
    return;
  }
  draft_.name(Key::PolicyPrograms, program, line.origin);
  for (std::size_t i = 1; i < command->size(); ++i) {
    draft_.append(Key::CommandArgs, (*command)[i], line.origin);
  }
  say(line, kMapped, "policy.programs, command.args");
}

bool Importer::take_environment(const UnitLine& line) {
  if (line.name == "PassEnvironment" || line.name == "UnsetEnvironment") {
    const Key key = line.name == "PassEnvironment" ? Key::EnvironmentKeep : Key::EnvironmentUnset;
    std::vector<std::string> left_out;
    for (const std::string& name : words(line.value, " \t")) {
      if (name.find_first_of("=%\"'") != std::string::npos) {
        left_out.push_back(name);
      } else if (key == Key::EnvironmentUnset) {
        unset_.push_back({name, line.origin});
      } else {
        draft_.name(key, name, line.origin);
      }
    }
    say(line, left_out.empty() ? kMapped : kChanged, policy::qualified_name(key), left_out.empty() ? "" : "not names: " + join(left_out, " "));
  } else if (line.name == "Environment") {
    const auto assignments = expanded_words(line);
    std::vector<std::string> left_out;
    for (const std::string& one : assignments.value_or(std::vector<std::string>())) {
      const std::size_t equals = one.find('=');
      if (equals != std::string::npos && equals > 0) {
        draft_.pair(Key::EnvironmentSet, one.substr(0, equals), one.substr(equals + 1), line.origin);
      } else {
        left_out.push_back(one);
      }
    }
    say(line, assignments ? (left_out.empty() ? kMapped : kChanged) : kDropped, assignments ? "environment.set" : "",
        !assignments ? "its quotes are not closed, or a specifier is known to the running service only: give the variable with --env"
                     : left_out.empty() ? "" : "no assignments: " + join(left_out, " "));
  } else if (line.name == "EnvironmentFile") {
    say(line, line.value.empty() ? kMapped : kDropped, line.value.empty() ? "earlier lines are taken back" : "",
        line.value.empty() ? "" : "its values may be secret and are read anew at each start: the unit keeps the line, and "
                                  "environment.keep or --env NAME passes what it sets on");
  } else {
    return false;
  }
  return true;
}

void Importer::take(const UnitLine& line) {
  if (line.section != "Service") {
    say(line, kDropped, "", "about the unit, not about what its service may do");
  } else if (line.name == "ExecStart") {
    take_start(line);
  } else if (take_switch(line) || take_value(line) || take_paths(line) || take_calls(line) || take_limit(line) ||
             take_network(line) || take_environment(line)) {
    return;
  } else {
    say(line, kDropped, "", std::string(why_no_directive(line.name)));
  }
}

// By name, so that the list is systemd's to the letter whatever is in which group.
void Importer::finish_calls() {
  const Origin origin = filter_.set ? filter_.origin : Origin{request_.source, 0, 0};
  std::map<std::string, std::vector<std::string>> by_error;
  if (!filter_.set || !filter_.is_allow_list) {
    draft_.allow("@system-service", origin);
  }
  for (const auto& [call, error] : filter_.calls) {
    if (!error.empty()) {
      by_error[error].push_back(call);
    } else {
      filter_.is_allow_list ? draft_.allow(call, origin) : draft_.deny(call, origin);
    }
  }
  for (auto& [error, calls] : by_error) {
    draft_.rule(calls, "", error == "kill" ? "kill" : "errno(" + error + ")", origin, "SystemCallFilter=");
  }
  if (filter_.set && filter_.error != "EPERM") {
    const bool named = errno_from_name(filter_.error).has_value();
    draft_.text(Key::SeccompDefault, named ? "errno(" + filter_.error + ")" : "kill", origin);
  }
}

void Importer::finish_network(const Origin& here) {
  const bool reaches_none = network_.denies_addresses && network_.connect.empty();
  draft_.text(Key::NetworkMode, network_.is_private || reaches_none ? "private" : "host", here);
  const auto add = [&](Key key, bool denies, const std::vector<std::string>& entries) {
    for (const std::string& entry : entries) {
      if (denies) {
        draft_.name(key, entry, here);
      }
    }
    if (denies && entries.empty()) {
      draft_.name(key, "none", here);
    }
  };
  add(Key::NetworkConnect, network_.denies_addresses && !network_.is_private && !reaches_none, network_.connect);
  add(Key::NetworkBind, network_.denies_ports, network_.bind);
}

void Importer::finish() {
  const Origin here{request_.source, 0, 0};
  draft_.text(Key::PolicyDescription, request_.name + ", imported of a unit of systemd's", here);
  draft_.text(Key::FilesystemSystem, "host", here);
  const Key var = protect_system_ == "strict" ? Key::FilesystemRead : Key::FilesystemWrite;
  // A service's own lines, which may name the same places, count more.
  for (const char* path : {"/var", "/srv"}) {
    draft_.path_if_free(var, {path, {}, true, here});
  }
  draft_.path_if_free(Key::FilesystemTmpfs, {"/run", {}, false, here});
  draft_.path_if_free(Key::FilesystemTmpfs, {"/var/tmp", {}, false, here});
  finish_network(here);
  for (const policy::Text& name : unset_) {
    draft_.drop_pair(Key::EnvironmentSet, name.value);
    draft_.drop_name(Key::EnvironmentKeep, name.value);
    draft_.name(Key::EnvironmentUnset, name.value, name.origin);
  }
  draft_.text(Key::IdentitySingleUid, "pretend", here);
  draft_.text(Key::MemoryWx, keeps_memory_clean_ ? "deny" : "allow", here);
  if (!keeps_memory_clean_) {
    draft_.text(Key::MemoryMemfd, "allow", here);
  }
  finish_calls();
}

Import Importer::import() {
  const std::vector<bool> counts = which_count(lines_);
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    counts[i] ? take(lines_[i]) : say(lines_[i], kMapped, "nothing: a later line takes it back");
  }
  finish();
  Import import;
  import.layer = draft_.finish(request_.name, request_.source);
  import.findings = std::move(findings_);
  import.comments.rules = draft_.rule_comments();
  import.comments.title = "Imported of " + std::string(path::basename(request_.source)) +
                          ". The system is read-only, /run is empty, no home and no device is shown; what the unit "
                          "grants or takes away beyond that follows.";
  import.comments.keys = {{Key::IdentitySingleUid, "Changing to a user of its own is answered with success."}};
  return import;
}

}  // namespace

Result<Import> import_unit(const ImportRequest& request) {
  auto lines = read_whole_unit(request.text, request.source, {request.read, request.glob});
  if (!lines) {
    return std::move(lines).error();
  }
  return Importer(request, *std::move(lines)).import();
}

}  // namespace sbx::interop
