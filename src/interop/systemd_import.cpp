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
      : request_(request), lines_(std::move(lines)) {}
  Import import();

 private:
  void take(const UnitLine& line);
  bool take_switch(const UnitLine& line);
  bool take_value(const UnitLine& line);
  bool take_paths(const UnitLine& line);
  bool take_calls(const UnitLine& line);
  bool take_limit(const UnitLine& line);
  bool take_network(const UnitLine& line);
  void take_start(const UnitLine& line);
  void filter_words(const std::string& value, const Origin& origin, std::vector<std::string>& unknown);
  void finish();
  void finish_calls();
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
  bool private_network_ = false, started_ = false, keeps_memory_clean_ = false;
};

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
    const bool plain = !line.value.empty() && line.value.find('%') == std::string::npos;
    if (plain) {
      draft_.text(line.name == "User" ? Key::IdentityUser : Key::IdentityGroup, line.value, line.origin);
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
  const auto* use = std::find_if(kUses.begin(), kUses.end(), [&](const Use& one) { return one.name == line.name; });
  if (use == kUses.end()) {
    return false;
  }
  std::vector<std::string> left_out;
  for (const std::string& word : words(line.value, " \t")) {
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
    if (!usable(path) || (!at.empty() && !usable(at))) {
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
    if (!is_known_call(name)) {
      unknown.push_back(name);
      continue;
    }
    const std::string error = colon == std::string::npos ? "" : word.substr(colon + 1);
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
    filter_.error = line.value;
    say(line, kMapped, "seccomp.default");
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
  };
  const auto* limit = std::find_if(kLimits.begin(), kLimits.end(), [&](const Limit& one) { return one.name == line.name; });
  if (limit == kLimits.end()) {
    return false;
  }
  std::string value = line.value.substr(line.value.find(':') == std::string::npos ? 0 : line.value.find(':') + 1);
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

bool Importer::take_network(const UnitLine& line) {
  if (line.name == "PrivateNetwork") {
    private_network_ = unit_boolean(line.value).value_or(true);
    say(line, kMapped, private_network_ ? "network.mode = private" : "network.mode = host");
  } else if (line.name == "RestrictAddressFamilies") {
    std::vector<std::string> left_out;
    const bool inverted = line.value.starts_with('~');
    if (line.value.empty()) {
      for (const char* family : {"unix", "inet", "inet6", "netlink", "packet"}) {
        draft_.drop_name(Key::NetworkFamilies, family);
      }
      say(line, kMapped, "earlier lists are taken back");
      return true;
    }
    if (line.value == "none") {
      draft_.rule({"socket"}, "", "errno(EAFNOSUPPORT)", line.origin, "RestrictAddressFamilies=none");
      say(line, kMapped, "seccomp.rule");
      return true;
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
  } else if (line.name == "IPAddressAllow" || line.name == "IPAddressDeny" || line.name.starts_with("SocketBind") ||
             line.name == "RestrictNetworkInterfaces") {
    say(line, kDropped, "", "say it as network.connect and network.bind, which name ports too");
  } else {
    return false;
  }
  return true;
}

void Importer::take_start(const UnitLine& line) {
  auto command = words(line.value, " \t");
  if (started_ || command.empty()) {
    say(line, kDropped, "", started_ ? "sbx runs one command" : "nothing to start");
    return;
  }
  started_ = true;
  const std::string program = command[0].substr(std::min(command[0].find_first_not_of("-@:+!"), command[0].size()));
  const bool plain = line.value.find_first_of("\"'%$\\;") == std::string::npos && !program.empty();
  if (plain && !path::basename(program).empty()) {
    draft_.name(Key::PolicyPrograms, std::string(path::basename(program)), line.origin);
    for (std::size_t i = 1; i < command.size(); ++i) {
      draft_.append(Key::CommandArgs, command[i], line.origin);
    }
  }
  say(line, plain ? kMapped : kChanged, plain ? "policy.programs, command.args" : "nothing",
      plain ? "" : "quotes, variables and specifiers are left to systemd: give the arguments to sbx run");
}

void Importer::take(const UnitLine& line) {
  if (line.section != "Service") {
    say(line, kDropped, "", "about the unit, not about what its service may do");
  } else if (line.name == "ExecStart") {
    take_start(line);
  } else if (line.name == "Environment" && line.value.find_first_of("\"'%\\") == std::string::npos) {
    for (const std::string& word : words(line.value, " \t")) {
      const std::size_t equals = word.find('=');
      if (equals != std::string::npos && equals > 0) {
        draft_.pair(Key::EnvironmentSet, word.substr(0, equals), word.substr(equals + 1), line.origin);
      }
    }
    say(line, kMapped, "environment.set");
  } else if (line.name == "Environment" || line.name == "EnvironmentFile" || line.name == "UMask") {
    say(line, kDropped, "", line.name == "UMask" ? "it is 022" : "give the variables with --env");
  } else if (take_switch(line) || take_value(line) || take_paths(line) || take_calls(line) || take_limit(line) ||
             take_network(line)) {
    return;
  } else {
    say(line, kDropped, "", "about the service's life, or sbx has nothing like it: it stays in the unit");
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
  draft_.text(Key::NetworkMode, private_network_ ? "private" : "host", here);
  draft_.text(Key::IdentitySingleUid, "pretend", here);
  draft_.text(Key::MemoryWx, keeps_memory_clean_ ? "deny" : "allow", here);
  if (!keeps_memory_clean_) {
    draft_.text(Key::MemoryMemfd, "allow", here);
  }
  finish_calls();
}

Import Importer::import() {
  for (const UnitLine& line : lines_) {
    take(line);
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
