// SPDX-License-Identifier: Apache-2.0
#include "interop/firejail_paths.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>

#include "base/path.h"
#include "interop/firejail_words.h"

namespace sbx::interop {
namespace {

using policy::Key;
using policy::PathEntry;

constexpr std::array<std::string_view, 6> kProgramDirectories{"/usr/local/bin", "/usr/bin",  "/usr/local/sbin",
                                                              "/usr/sbin",      "/usr/games", "/usr/local/games"};
constexpr std::string_view kRunUser = "${RUNUSER}";

// xdg-user-dirs(1), by the names it gives them where nobody has chosen others.
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kMacros{
    {{"${HOME}", "~"},
     {"$HOME", "~"},
     {"${CFG}", "/etc/firejail"},
     {"${DOWNLOADS}", "~/Downloads"},
     {"${DOCUMENTS}", "~/Documents"},
     {"${MUSIC}", "~/Music"},
     {"${PICTURES}", "~/Pictures"},
     {"${VIDEOS}", "~/Videos"},
     {"${DESKTOP}", "~/Desktop"}}};

bool is_pattern(std::string_view path) {
  return path.find_first_of("*?[") != std::string_view::npos;
}

bool is_in(const std::string& path, std::string_view directory) {
  return path == directory || (path.starts_with(directory) && path[directory.size()] == '/');
}

// What of the host stands in a policy with filesystem.system = "host" outside of /etc and /opt.
bool is_of_system(const std::string& path) {
  constexpr std::array<std::string_view, 14> kShown{
      "/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/nix/store", "/gnu/store", "/snap",
      "/var/lib/dpkg", "/var/lib/rpm", "/var/lib/pacman", "/var/cache/fontconfig", "/var/cache/man"};
  return std::any_of(kShown.begin(), kShown.end(), [&](auto shown) { return is_in(path, shown); });
}

// The directories of which firejail makes an empty one when something below is whitelisted.
std::string top_of(const std::string& path) {
  for (const std::string_view top : {"/usr/share", "/etc", "/opt", "/tmp", "~"}) {
    if (is_in(path, top)) {
      return std::string(top);
    }
  }
  return {};
}

PathEntry optional_entry(const std::string& path, const Origin& origin) {
  return {path, {}, true, origin};
}

}  // namespace

std::vector<std::string> FirejailPaths::expand(const std::string& path) const {
  if (path.starts_with("${PATH}/")) {
    const std::string name = path.substr(8);
    std::vector<std::string> all;
    for (const std::string_view directory : kProgramDirectories) {
      const std::string one = std::string(directory) + "/" + name;
      // In /usr/bin also what is not installed yet: it is hidden when it comes.
      if (directory == "/usr/bin" || is_pattern(one) || !existing(one).empty()) {
        all.push_back(one);
      }
    }
    return all;
  }
  std::string expanded = path;
  for (const auto& [macro, meaning] : kMacros) {
    if (path.starts_with(macro)) {
      expanded = std::string(meaning) + path.substr(macro.size());
      break;
    }
  }
  while (expanded.size() > 1 && expanded.ends_with('/')) {
    expanded.pop_back();
  }
  return {expanded};
}

std::vector<std::string> FirejailPaths::existing(const std::string& pattern) const {
  if (!request_.glob || pattern.starts_with('$')) {
    return {};
  }
  const bool in_home = pattern.starts_with('~');
  if (in_home && request_.home.empty()) {
    return {};
  }
  std::vector<std::string> found = request_.glob(in_home ? request_.home + pattern.substr(1) : pattern);
  for (std::string& path : found) {
    path = in_home && is_in(path, request_.home) ? "~" + path.substr(request_.home.size()) : path;
  }
  // "." and ".." match ".*", and would stand for the directory itself.
  found.erase(std::remove_if(found.begin(), found.end(),
                             [](const std::string& path) { return path.ends_with("/.") || path.ends_with("/.."); }),
              found.end());
  return found;
}

void FirejailPaths::collect(Use use, const FirejailLine& line, std::vector<Finding>& findings) {
  findings.push_back(mapped(line.text, "nothing there", line.origin));
  bool looked_up = false;
  for (const std::string& path : expand(line.argument)) {
    const bool pattern = is_pattern(path) && !path.starts_with(kRunUser);
    looked_up = looked_up || pattern;
    for (const std::string& one : pattern ? existing(path) : std::vector{path}) {
      // A macro that is not known, or a relative path, names nothing.
      if (one.starts_with('~') || one.starts_with('/') || one.starts_with(kRunUser)) {
        entries_.push_back({use, one, findings.size() - 1, line.origin});
      } else {
        findings.back() = dropped(line.text, "no absolute path", line.origin);
      }
    }
  }
  if (looked_up) {
    findings.back() = changed(line.text, "nothing there", "looked up when it was imported", line.origin);
  }
}

// Not what an earlier noblacklist names; each compared as firejail does, after patterns are looked up.
void FirejailPaths::hide(const FirejailLine& line, std::vector<Finding>& findings) {
  hidden_.insert(line.argument);
  const std::size_t before = entries_.size();
  collect(Use::Hide, line, findings);
  const auto is_exempt = [&](const Entry& entry) {
    return exempt_.contains(entry.path) ||
           std::any_of(exempt_patterns_.begin(), exempt_patterns_.end(), [&](const std::string& pattern) {
             return ::fnmatch(pattern.c_str(), entry.path.c_str(), FNM_PATHNAME) == 0;
           });
  };
  const auto kept = std::remove_if(entries_.begin() + static_cast<std::ptrdiff_t>(before), entries_.end(), is_exempt);
  if (kept != entries_.end()) {
    findings.back() = mapped(line.text, "an earlier noblacklist exempts it", line.origin);
    hidden_.erase(line.argument);
  }
  entries_.erase(kept, entries_.end());
}

bool FirejailPaths::take(const FirejailLine& line, std::vector<Finding>& findings) {
  const std::string& command = line.command;
  if (command == "blacklist" || command == "blacklist-nolog" || command == "deny" || command == "deny-nolog") {
    hide(line, findings);
  } else if (command == "noblacklist" || command == "nodeny") {
    for (std::string& path : expand(line.argument)) {
      if (is_pattern(path)) {
        exempt_patterns_.push_back(path);
      }
      exempt_.insert(std::move(path));
    }
    findings.push_back(mapped(line.text, "later lines do not hide it", line.origin));
  } else if (command == "nowhitelist" || command == "noallow") {
    for (std::string& path : expand(line.argument)) {
      not_whitelisted_.insert(std::move(path));
    }
    findings.push_back(mapped(line.text, "later lines do not show it", line.origin));
  } else if (command == "whitelist" || command == "allow") {
    collect(Use::Whitelist, line, findings);
  } else if (command == "whitelist-ro" || command == "allow-ro") {
    collect(Use::WhitelistReadOnly, line, findings);
  } else if (command == "read-only") {
    collect(Use::ReadOnly, line, findings);
  } else if (command == "read-write") {
    collect(Use::ReadWrite, line, findings);
  } else if (command == "tmpfs") {
    collect(Use::Tmpfs, line, findings);
  } else {
    return take_list(line, findings) || take_other(line, findings);
  }
  return true;
}

void FirejailPaths::take_programs(const FirejailLine& line) {
  for (const std::string& name : words(line.argument, ", ")) {
    std::vector<std::string> found;
    if (name.starts_with('/')) {
      found.push_back(name);
    }
    for (const std::string_view directory : kProgramDirectories) {
      for (std::string& path : name.starts_with('/') ? std::vector<std::string>{}
                                                     : existing(std::string(directory) + "/" + name)) {
        found.push_back(std::move(path));
      }
    }
    if (found.empty() && !is_pattern(name)) {
      found.push_back("/usr/bin/" + name);
    }
    for (const std::string& path : found) {
      programs_.push_back(optional_entry(path, line.origin));
    }
  }
}

void FirejailPaths::take_etc(const FirejailLine& line) {
  private_etc_ = true;
  for (const std::string& word : words(line.argument, ", ")) {
    std::vector<std::string> names = firejail_etc_group(word);
    if (names.empty() && word != "none" && !word.starts_with('@')) {
      names.push_back(word);
    }
    for (const std::string& name : names) {
      const std::string path = name.starts_with('/') ? name : "/etc/" + name;
      for (const std::string& one : is_pattern(path) ? existing(path) : std::vector{path}) {
        etc_.push_back(optional_entry(one, line.origin));
      }
    }
  }
}

// private-bin and its like: lists of names below a directory.
bool FirejailPaths::take_list(const FirejailLine& line, std::vector<Finding>& findings) {
  if (line.command == "private-bin") {
    take_programs(line);
    findings.push_back(changed(line.text, "filesystem.exec", "other programs stay visible, but cannot be executed",
                               line.origin));
  } else if (line.command == "private-etc") {
    take_etc(line);
    findings.push_back(changed(line.text, "filesystem.read", "what every program looks up in /etc is shown too",
                               line.origin));
  } else if (line.command == "private-opt" || line.command == "private-srv") {
    const std::string directory = line.command == "private-opt" ? "/opt" : "/srv";
    tops_.insert(directory);
    for (const std::string& name : words(line.argument, ", ")) {
      etc_.push_back(optional_entry(directory + "/" + name, line.origin));
    }
    findings.push_back(mapped(line.text, "filesystem.read", line.origin));
  } else if (line.command == "private-home") {
    private_home_ = true;
    for (const std::string& name : words(line.argument, ", ")) {
      entries_.push_back({Use::Read, name.starts_with('~') ? name : "~/" + name, findings.size(), line.origin});
    }
    findings.push_back(changed(line.text, "filesystem.read", "shown read-only instead of copied", line.origin));
  } else {
    return false;
  }
  return true;
}

bool FirejailPaths::take_other(const FirejailLine& line, std::vector<Finding>& findings) {
  const std::string& command = line.command;
  const auto write = [&](const std::string& path) {
    entries_.push_back({Use::Write, path, findings.size(), line.origin});
    findings.push_back(mapped(line.text, "filesystem.write", line.origin));
  };
  if (command == "private") {
    private_home_ = true;
    if (line.argument.empty()) {
      findings.push_back(mapped(line.text, "filesystem.home = private", line.origin));
    } else {
      findings.push_back(changed(line.text, "filesystem.home = private", "the directory is not put in its place: "
                                 "sbx run --rw DIRECTORY=HOME", line.origin));
    }
  } else if (command == "private-tmp") {
    private_tmp_ = true;
    findings.push_back(mapped(line.text, "filesystem.tmp = private", line.origin));
  } else if (command == "private-cache") {
    private_cache_ = true;
    findings.push_back(mapped(line.text, "filesystem.tmpfs = ~/.cache", line.origin));
  } else if (command == "noexec") {
    const std::string path = expand(line.argument).front();
    findings.push_back(is_of_system(path) ? dropped(line.text, "what is read-only can be executed; see filesystem.exec",
                                                    line.origin)
                                          : mapped(line.text, "nothing that can be written can be executed", line.origin));
  } else if (command == "mkdir" || command == "mkfile") {
    findings.push_back(changed(line.text, std::string(command == "mkdir" ? "mkdir -p " : "touch ") +
                                              expand(line.argument).front() + ", before the first run",
                               "sbx makes nothing on the host", line.origin));
  } else if (command == "writable-var") {
    write("/var");
  } else if (command == "writable-var-log") {
    write("/var/log");
  } else if (command == "keep-var-tmp") {
    write("/var/tmp");
  } else if (command == "keep-dev-ntsync" || command == "keep-dev-tpm") {
    entries_.push_back({Use::Write, "/dev/" + command.substr(9), findings.size(), line.origin});
    findings.push_back(mapped(line.text, "filesystem.dev", line.origin));
  } else if (command == "writable-etc") {
    findings.push_back(dropped(line.text, "/etc is read-only; grant the files with filesystem.write", line.origin));
  } else if (command == "bind" || command == "hosts-file") {
    findings.push_back(dropped(line.text, "say it at the call: sbx run --ro SOURCE=PLACE", line.origin));
  } else {
    return false;
  }
  return true;
}

// Or above one.
bool FirejailPaths::is_below_whitelisted(const std::string& path) const {
  const auto below = whitelisted_.lower_bound(path + "/");
  if (below != whitelisted_.end() && is_in(*below, path)) {
    return true;
  }
  for (std::size_t end = path.size(); end != std::string::npos && end > 0; end = path.rfind('/', end - 1)) {
    if (whitelisted_.contains(path.substr(0, end))) {
      return true;
    }
  }
  return false;
}

// Whether anything of the policy shows the path, so that hiding it needs a line.
bool FirejailPaths::is_shown(const std::string& path) const {
  if (is_below_whitelisted(path)) {
    return true;
  }
  const std::string top = top_of(path);
  if (!top.empty() && tops_.contains(top)) {
    return false;
  }
  if (top == "~") {
    return !private_home_;
  }
  if (top == "/etc") {
    return !private_etc_ || std::any_of(etc_.begin(), etc_.end(), [&](const PathEntry& entry) {
      return is_in(path, entry.path) || is_in(entry.path, path);
    });
  }
  // The sockets that matter in /tmp are covered whatever the policy says.
  return top == "/opt" || (top == "/tmp" && !private_tmp_ && !path.ends_with("-unix")) || is_of_system(path);
}

// firejail's sockets in $XDG_RUNTIME_DIR are desktop.*; nothing else of it is shown.
void FirejailPaths::grant_runtime(const Entry& entry, Finding& finding) const {
  const std::string name(path::basename(entry.path));
  if (name.starts_with("wayland") || name.starts_with("pipewire") || entry.path.find("/pulse") != std::string::npos ||
      name == "ICEauthority" || name == "Xauthority") {
    finding.becomes = "desktop.*";
  } else {
    finding = dropped(finding.what, name == "bus" ? "there is no bus inside" : "$XDG_RUNTIME_DIR is not shown but for what "
                      "desktop.* grants", entry.origin);
  }
}

void FirejailPaths::grant_whitelisted(const Entry& entry, LayerDraft& draft, Finding& finding) {
  const std::string& path = entry.path;
  const bool user_data = is_in(path, "~") || is_in(path, "/tmp") || is_in(path, "/mnt") || is_in(path, "/media") ||
                         is_in(path, "/srv");
  if (path.starts_with(kRunUser)) {
    grant_runtime(entry, finding);
  } else if (path == "/var/tmp" || path == "/tmp" || path.starts_with("/tmp/.X11-unix")) {
    finding.becomes = "a private one in memory";
  } else if (is_in(path, "/sys") || is_in(path, "/proc")) {
    finding = changed(finding.what, "nothing", "/proc is the sandbox's own, of /sys only what desktop.gpu needs is shown",
                      entry.origin);
  } else if (is_in(path, "/dev")) {
    if (path != "/dev" && !is_in(path, "/dev/shm") && !is_in(path, "/dev/dri")) {
      draft.path(Key::FilesystemDev, optional_entry(path, entry.origin));
      finding.becomes = "filesystem.dev";
    } else {
      finding.becomes = "the sandbox's own /dev";
    }
  } else if (path == "/run" || path == "/var/run" || path == "/var/lock") {
    finding = changed(finding.what, "nothing", "whoever listens in /run acts outside of the sandbox; grant the files that are needed", entry.origin);
  } else if (path.find("dbus/system_bus_socket") != std::string::npos) {
    finding = dropped(finding.what, "there is no bus inside", entry.origin);
  } else {
    const bool writable = user_data && entry.use == Use::Whitelist && !(home_read_only_ && is_in(path, "~"));
    draft.path(writable ? Key::FilesystemWrite : Key::FilesystemRead, optional_entry(path, entry.origin));
    finding.becomes = writable ? "filesystem.write" : "filesystem.read";
  }
}

void FirejailPaths::grant(const Entry& entry, LayerDraft& draft, Finding& finding) {
  const std::string& path = entry.path;
  switch (entry.use) {
    case Use::Whitelist:
    case Use::WhitelistReadOnly:
      return not_whitelisted_.contains(path) ? void(finding.becomes = "an earlier nowhitelist takes it out")
                                             : grant_whitelisted(entry, draft, finding);
    case Use::Hide:
      if (path.starts_with(kRunUser) || !is_shown(path) || path == "~" || path == "/") {
        finding.becomes = is_in(path, "/proc") ? "a /proc of its own" : "not shown";
      } else {
        draft.path(Key::FilesystemHide, optional_entry(path, entry.origin));
        finding.becomes = "filesystem.hide";
      }
      return;
    case Use::ReadOnly:
      if (path != "~" && is_shown(path) && (is_in(path, "~") || is_in(path, "/tmp"))) {
        draft.path(Key::FilesystemRead, optional_entry(path, entry.origin));
        finding.becomes = "filesystem.read";
      } else {
        finding.becomes = path == "~" ? "filesystem.home = read" : "read-only, or not shown";
      }
      return;
    case Use::ReadWrite:
      if (path == "~" || !is_shown(path)) {
        finding.becomes = "as the rest of it";
        return;
      }
      [[fallthrough]];
    case Use::Write:
      draft.path(is_in(path, "/dev") ? Key::FilesystemDev : Key::FilesystemWrite, optional_entry(path, entry.origin));
      finding.becomes = is_in(path, "/dev") ? "filesystem.dev" : "filesystem.write";
      return;
    case Use::Read:
      draft.path(Key::FilesystemRead, optional_entry(path, entry.origin));
      return;
    case Use::Tmpfs:
      if (path.starts_with(kRunUser) || (is_in(path, "~") && existing(path).empty())) {
        finding.becomes = "not there";
      } else {
        draft.path(Key::FilesystemTmpfs, {path, {}, false, entry.origin});
        finding.becomes = "filesystem.tmpfs";
      }
      return;
  }
}

// The wide grants: the system, the home, /tmp, and which of them are replaced by an empty directory.
void FirejailPaths::finish_roots(LayerDraft& draft, bool host_network) {
  const Origin here{request_.source, 0, 0};
  const bool only_some_of_etc = private_etc_ || tops_.contains("/etc");
  draft.text(Key::FilesystemSystem, only_some_of_etc ? "usr" : "host", here);
  draft.text(Key::FilesystemHome, private_home_ || tops_.contains("~") ? "private" : home_read_only_ ? "read" : "write",
             here);
  draft.text(Key::FilesystemTmp, private_tmp_ || tops_.contains("/tmp") ? "private" : "host", here);
  for (const std::string top : {"/usr/share", "/opt"}) {
    if (tops_.contains(top)) {
      draft.path(Key::FilesystemTmpfs, {top, {}, false, here});
    }
  }
  if (only_some_of_etc && !tops_.contains("/opt")) {
    draft.path(Key::FilesystemRead, optional_entry("/opt", here));
  }
  // Below the host's own home only a directory that is there can be covered.
  if (private_cache_ && !private_home_ && !tops_.contains("~") && !existing("~/.cache").empty()) {
    draft.path(Key::FilesystemTmpfs, {"~/.cache", {}, false, here});
  }
  for (const PathEntry& entry : etc_) {
    draft.path(Key::FilesystemRead, entry);
  }
  if (host_network) {
    // Where /etc/resolv.conf leads.
    for (const char* path : {"/run/systemd/resolve/stub-resolv.conf", "/run/systemd/resolve/resolv.conf",
                             "/run/NetworkManager/resolv.conf", "/run/resolvconf/resolv.conf"}) {
      draft.path(Key::FilesystemRead, optional_entry(path, here));
    }
  }
  if (!programs_.empty()) {
    // Programs of libraries' own (git-core, gcc's cc1) are no part of private-bin's directories.
    for (const char* path : {"/usr/lib", "/usr/libexec", "/usr/local/lib", "/usr/share", "/opt"}) {
      if (!tops_.contains(path)) {
        draft.path(Key::FilesystemExec, optional_entry(path, here));
      }
    }
    for (const PathEntry& program : programs_) {
      draft.path(Key::FilesystemExec, program);
    }
  }
}

void FirejailPaths::finish(LayerDraft& draft, bool host_network, std::vector<Finding>& findings) {
  for (const Entry& entry : entries_) {
    const bool whitelists = entry.use == Use::Whitelist || entry.use == Use::WhitelistReadOnly;
    if (whitelists && !not_whitelisted_.contains(entry.path)) {
      if (std::string top = top_of(entry.path); !top.empty()) {
        tops_.insert(std::move(top));
      }
      if (entry.path != "/run" && entry.path != "/var/run" && entry.path != "/var/lock") {
        whitelisted_.insert(entry.path);
      }
    }
    home_read_only_ = home_read_only_ || (entry.use == Use::ReadOnly && entry.path == "~");
  }
  finish_roots(draft, host_network);
  for (const Entry& entry : entries_) {
    grant(entry, draft, findings[entry.finding]);
  }
}

}  // namespace sbx::interop
