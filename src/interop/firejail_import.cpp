// SPDX-License-Identifier: Apache-2.0
// firejail's commands as keys of a policy. firejail starts from everything and takes away; a policy
// starts from nothing and grants. So what a profile leaves alone is granted first (the system read-only,
// the home, the host's network, the desktop), and then what its lines take away is not granted, or
// hidden where it lies inside something granted.
#include <algorithm>
#include <array>
#include <optional>

#include "base/path.h"
#include "base/text.h"
#include "interop/firejail_paths.h"
#include "interop/firejail_profile.h"
#include "interop/firejail_words.h"
#include "interop/layer_draft.h"
#include "policy/capabilities.h"
#include "seccomp/groups.h"
#include "seccomp/syscall_table.h"

namespace sbx::interop {
namespace {

using policy::Key;

class Importer {
 public:
  Importer(const ImportRequest& request, std::vector<FirejailLine> lines)
      : request_(request), lines_(std::move(lines)), paths_(request) {}

  Import import();

 private:
  void take(const FirejailLine& line);
  bool take_seccomp(const FirejailLine& line);
  bool take_network(const FirejailLine& line);
  bool take_limit(const FirejailLine& line);
  bool take_setting(const FirejailLine& line);
  void take_call(const std::string& word, bool allow, const FirejailLine& line,
                 std::vector<std::string>& unknown);
  void take_capabilities(const FirejailLine& line);
  bool is_first(const FirejailLine& line);
  void finish();
  void finish_desktop();
  void add(Finding finding) { findings_.push_back(std::move(finding)); }

  const ImportRequest& request_;
  std::vector<FirejailLine> lines_;
  LayerDraft draft_;
  FirejailPaths paths_;
  std::vector<Finding> findings_;
  std::map<std::string, Origin> seen_;  // the first line of each command
  bool keeps_calls_ = false;            // seccomp.keep: nothing but what it lists
};

// For settings of which firejail takes the first.
bool Importer::is_first(const FirejailLine& line) {
  const auto first = seen_.find(line.command);
  if (first->second == line.origin) {
    return true;
  }
  add(mapped(line.text, "nothing: the earlier line at " + to_text(first->second) + " decides",
             line.origin));
  return false;
}

// A word of seccomp, seccomp.drop or seccomp.keep: "mount", "@clock", "$165", "mount:ENOSYS".
void Importer::take_call(const std::string& word, bool allow, const FirejailLine& line,
                         std::vector<std::string>& unknown) {
  const std::size_t colon = word.find(':');
  std::string call = word.substr(0, colon);
  if (call.starts_with('$')) {
    const auto number = parse_number(call.substr(1));
    call = number && *number < 100'000
               ? std::string(seccomp::name_of(request_.arch, static_cast<int>(*number)))
               : std::string();
  }
  const auto members = firejail_group(call);
  if (members.empty() && (call.empty() || !is_known_call(call))) {
    unknown.push_back(word);
    return;
  }
  const std::vector<std::string> calls = members.empty() ? std::vector{call} : members;
  if (colon != std::string::npos && !allow) {
    draft_.rule(calls, "", "errno(" + word.substr(colon + 1) + ")", line.origin, line.text);
    return;
  }
  for (const std::string& one : calls) {
    const seccomp::Group* group = allow ? nullptr : seccomp::find_group(one);
    if (group == nullptr) {
      allow ? draft_.allow(one, line.origin) : draft_.deny(one, line.origin);
      continue;
    }
    // By name: the name beats a group that the default policy allows.
    for (const std::string_view name : seccomp::expand_group(*group)) {
      draft_.deny(std::string(name), line.origin);
    }
  }
}

bool Importer::take_seccomp(const FirejailLine& line) {
  const std::string& command = line.command;
  if (command == "seccomp.block-secondary" || command.starts_with("seccomp.32")) {
    add(command == "seccomp.block-secondary"
            ? mapped(line.text, "always so", line.origin)
            : changed(line.text, "nothing", "every call of the 32-bit ABI is refused", line.origin));
    return true;
  }
  if (command == "seccomp-error-action") {
    const bool kills = line.argument == "kill";
    draft_.text(Key::ReportOnViolation, kills ? "kill" : line.argument == "log" ? "log" : "errno", line.origin);
    add(kills || line.argument == "log" || line.argument == "EPERM"
            ? mapped(line.text, "report.on-violation", line.origin)
            : changed(line.text, "report.on-violation", "the answer is EPERM", line.origin));
    return true;
  }
  if (command != "seccomp" && command != "seccomp.drop" && command != "seccomp.keep") {
    return false;
  }
  keeps_calls_ = keeps_calls_ || command == "seccomp.keep";
  std::vector<std::string> unknown;
  for (const std::string& word : words(line.argument, ", ")) {
    const bool exempt = word.starts_with('!');
    take_call(exempt ? word.substr(1) : word, exempt != (command == "seccomp.keep"), line, unknown);
  }
  const std::string reason =
      command == "seccomp.keep" ? "" : "calls are allowed by the list of the policy default, not all but a few";
  add(!unknown.empty() ? changed(line.text, "seccomp", "not known: " + join(unknown, ", "), line.origin)
      : reason.empty() ? mapped(line.text, "seccomp.allow", line.origin)
                       : changed(line.text, "policy.extends = default", reason, line.origin));
  return true;
}

bool Importer::take_network(const FirejailLine& line) {
  if (line.command == "net") {
    if (line.argument == "none") {
      draft_.text(Key::NetworkMode, "private", line.origin);
      add(mapped(line.text, "network.mode = private", line.origin));
    } else {
      draft_.text(Key::NetworkMode, "private", line.origin);
      add(dropped(line.text, "no interface of the host is attached; the network is private, publish and "
                             "connect lead out of it", line.origin));
    }
    return true;
  }
  if (line.command == "protocol") {
    if (!is_first(line)) {
      return true;
    }
    std::vector<std::string> unknown;
    for (const std::string& family : words(line.argument, ", ")) {
      const bool known = family == "unix" || family == "inet" || family == "inet6" || family == "netlink" ||
                         family == "packet" || family == "bluetooth";
      known ? draft_.name(Key::NetworkFamilies, family, line.origin) : unknown.push_back(family);
    }
    add(unknown.empty() ? mapped(line.text, "network.families", line.origin)
                        : changed(line.text, "network.families", "not known: " + join(unknown, ", "), line.origin));
    return true;
  }
  if (line.command == "dns") {
    draft_.name(Key::NetworkDns, line.argument, line.origin);
    add(changed(line.text, "network.dns", "the address becomes the only ones asked; it must be numeric",
                line.origin));
    return true;
  }
  if (line.command == "hostname") {
    if (is_first(line)) {
      draft_.text(Key::IdentityHostname, line.argument, line.origin);
      add(mapped(line.text, "identity.hostname", line.origin));
    }
    return true;
  }
  return false;
}

bool Importer::take_limit(const FirejailLine& line) {
  struct Limit {
    std::string_view command;
    Key key;
  };
  constexpr std::array<Limit, 5> kLimits{{{"rlimit-as", Key::LimitsMemory},
                                          {"rlimit-cpu", Key::LimitsCpu},
                                          {"rlimit-fsize", Key::LimitsFileSize},
                                          {"rlimit-nofile", Key::LimitsFiles},
                                          {"rlimit-nproc", Key::LimitsProcesses}}};
  for (const Limit& limit : kLimits) {
    if (line.command == limit.command) {
      const auto value = parse_size(line.argument);
      if (!value || *value == 0) {
        add(dropped(line.text, "no number", line.origin));
      } else {
        draft_.number(limit.key, *value, line.origin);
        add(mapped(line.text, policy::qualified_name(limit.key), line.origin));
      }
      return true;
    }
  }
  if (line.command == "timeout") {
    std::uint64_t seconds = 0;
    bool is_time = true;
    for (const std::string& part : split(line.argument, ':')) {
      const auto number = parse_number(part);
      is_time = is_time && number && *number < 100'000;
      seconds = seconds * 60 + (is_time ? *number : 0);
    }
    if (is_time && seconds > 0) {
      draft_.number(Key::LimitsTime, seconds, line.origin);
      add(mapped(line.text, "limits.time", line.origin));
    } else {
      add(dropped(line.text, "no time as hh:mm:ss", line.origin));
    }
    return true;
  }
  return false;
}

void Importer::take_capabilities(const FirejailLine& line) {
  if (line.command != "caps.keep") {
    add(line.argument == "all" ? mapped(line.text, "always so", line.origin)
                               : changed(line.text, "all of them dropped", "sbx keeps none that is not asked for",
                                         line.origin));
    return;
  }
  std::vector<std::string> refused;
  for (const std::string& word : words(line.argument, ", ")) {
    std::string name = "CAP_" + word;
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    const policy::Capability* capability = policy::find_capability(name);
    if (capability != nullptr && capability->effect == policy::Capability::Effect::Works) {
      draft_.name(Key::CapabilitiesKeep, name, line.origin);
    } else {
      refused.push_back(word + (capability == nullptr ? " (unknown)" : " (" + std::string(capability->reason) + ")"));
    }
  }
  add(refused.empty() ? mapped(line.text, "capabilities.keep", line.origin)
                      : changed(line.text, "capabilities.keep", "not kept: " + join(refused, ", "), line.origin));
}

// Settings with a value, each its own.
bool Importer::take_setting(const FirejailLine& line) {
  const std::string& command = line.command;
  const auto say = [&](Key key, std::string value) {
    draft_.text(key, std::move(value), line.origin);
    add(mapped(line.text, policy::qualified_name(key), line.origin));
  };
  if (command == "memory-deny-write-execute") {
    say(Key::MemoryWx, "deny");
  } else if (command == "machine-id") {
    // Where the whole of /etc is shown its machine-id is covered: nothing instead of another one.
    add(changed(line.text, "identity.machine-id = none", "none instead of a random one", line.origin));
  } else if (command == "env") {
    const std::size_t equals = line.argument.find('=');
    const std::string name = line.argument.substr(0, equals);
    draft_.drop_name(Key::EnvironmentUnset, name);
    draft_.pair(Key::EnvironmentSet, name, equals == std::string::npos ? "" : line.argument.substr(equals + 1),
                line.origin);
    add(mapped(line.text, "environment.set", line.origin));
  } else if (command == "rmenv") {
    draft_.drop_pair(Key::EnvironmentSet, line.argument);
    draft_.name(Key::EnvironmentUnset, line.argument, line.origin);
    add(mapped(line.text, "environment.unset", line.origin));
  } else if (command == "caps" || command == "caps.drop" || command == "caps.keep") {
    take_capabilities(line);
  } else if (command == "restrict-namespaces") {
    add(line.argument.empty() ? mapped(line.text, "always so", line.origin)
                              : changed(line.text, "all kinds are forbidden", "none is made unless "
                                        "namespaces.nested names it", line.origin));
  } else if (command == "allow-debuggers") {
    draft_.allow("ptrace", line.origin);
    draft_.allow("process_vm_readv", line.origin);
    draft_.allow("process_vm_writev", line.origin);
    add(mapped(line.text, "seccomp.allow", line.origin));
  } else if (command == "private-cwd" && !line.argument.empty()) {
    say(Key::CommandWorkdir, paths_.expand(line.argument).front());
  } else if (command == "x11" && line.argument != "none") {
    add(dropped(line.text, "no X server is started; desktop.x11 = \"on\" hands in the one that runs", line.origin));
    seen_["x11 none"] = line.origin;
  } else if ((command == "dbus-user" || command == "dbus-system") && line.argument != "none") {
    add(dropped(line.text, "there is no bus inside, so nothing to filter", line.origin));
  } else {
    return false;
  }
  return true;
}

void Importer::take(const FirejailLine& line) {
  if (!line.settled.empty()) {
    add(mapped(line.text, line.settled, line.origin));
    return;
  }
  seen_.try_emplace(line.command, line.origin);
  if (paths_.take(line, findings_) || take_seccomp(line) || take_network(line) || take_limit(line) ||
      take_setting(line)) {
    return;
  }
  if (const FirejailWord* word = find_firejail_word(line.command)) {
    add({word->kind, line.text, std::string(word->becomes), std::string(word->reason), line.origin});
    return;
  }
  const auto near = nearest(line.command, firejail_words());
  add(dropped(line.text, "no command of firejail's" + (near ? "; did it mean " + *near + "?" : std::string()),
              line.origin));
}

// What the profile does not take away, firejail leaves; "optional", since a host may be without.
void Importer::finish_desktop() {
  const auto grant = [&](Key key, bool taken_away) {
    if (!taken_away) {
      draft_.text(key, "optional", Origin{request_.source, 0, 0});
    }
  };
  const bool no_x11 = seen_.contains("x11") || paths_.is_hidden("/tmp/.X11-unix");
  const bool no_runtime = paths_.is_hidden("${RUNUSER}");
  grant(Key::DesktopX11, no_x11);
  grant(Key::DesktopWayland, no_runtime || paths_.is_hidden("${RUNUSER}/wayland-*"));
  grant(Key::DesktopAudio, seen_.contains("nosound") || no_runtime);
  grant(Key::DesktopGpu, seen_.contains("no3d"));
}

void Importer::finish() {
  const Origin here{request_.source, 0, 0};
  draft_.text(Key::PolicyDescription, request_.name + ", imported of firejail's profile", here);
  if (!keeps_calls_) {
    draft_.name(Key::PolicyExtends, "default", here);
  }
  if (!draft_.has(Key::NetworkMode)) {
    draft_.text(Key::NetworkMode, "host", here);
  }
  if (!draft_.has(Key::MemoryWx)) {
    draft_.text(Key::MemoryWx, "allow", here);
    draft_.text(Key::MemoryMemfd, "allow", here);
  }
  paths_.finish(draft_, *draft_.text_of(Key::NetworkMode) == "host", findings_);
  finish_desktop();
}

Import Importer::import() {
  for (const FirejailLine& line : lines_) {
    take(line);
  }
  finish();
  Import import;
  import.layer = draft_.finish(request_.name, request_.source);
  import.findings = std::move(findings_);
  import.comments.rules = draft_.rule_comments();
  import.comments.title =
      "Imported of firejail's " + std::string(path::basename(request_.source)) +
      ". What the profile leaves alone is granted as firejail would; what it takes away is left out, or "
      "hidden inside what is granted. Patterns (*) were looked up when it was imported: import again "
      "when files have come that match one.";
  import.comments.keys = {
      {Key::FilesystemHide, "Inside what is shown: what the profile and its includes blacklist."},
      {Key::FilesystemWrite, "What is whitelisted, or shown for writing. Missing directories are left out: what "
                             "is written there then vanishes with the sandbox."},
      {Key::MemoryWx, seen_.contains("memory-deny-write-execute")
                          ? ""
                          : "The profile does not ask for W^X. Try \"deny\": most programs run with it."},
      {Key::SeccompAllow, "Beside what the policy default allows."},
  };
  return import;
}

}  // namespace

Result<Import> import_firejail(const ImportRequest& request) {
  auto lines = read_firejail(request);
  if (!lines) {
    return std::move(lines).error();
  }
  return Importer(request, *std::move(lines)).import();
}

}  // namespace sbx::interop
