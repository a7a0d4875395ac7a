// SPDX-License-Identifier: Apache-2.0
// Warnings about paths. What an entry shows is decided place by place: a deeper entry covers a part of
// a shallower one, so a hidden ~/.ssh is not shown by a home that is.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/path.h"
#include "base/text.h"
#include "plan/warn.h"

namespace sbx::plan {
namespace {

using policy::Caution;
using policy::Key;

struct KnownPath {
  std::string_view path;
  // Files below it say as much as the whole does.
  bool below = true;
};

constexpr KnownPath kSecrets[] = {
    {"~/.ssh"}, {"~/.gnupg"}, {"~/.password-store"}, {"~/.netrc"}, {"~/.pgpass"},
    {"~/.git-credentials"}, {"~/.aws"}, {"~/.azure"}, {"~/.kube"}, {"~/.docker"},
    {"~/.config/gcloud"}, {"~/.config/gh"}, {"~/.config/rclone"}, {"~/.mozilla"},
    {"~/.config/chromium"}, {"~/.config/google-chrome"}, {"~/.thunderbird"}, {"~/.pki"},
    {"~/.local/share/keyrings"}, {"~/.local/share/kwalletd"}, {"~/.npmrc"}, {"~/.pypirc"},
    {"~/.cargo/credentials.toml"}, {"~/.bash_history"}, {"~/.zsh_history"}};

// Whoever reaches one of these has another process act for it, outside.
constexpr KnownPath kSockets[] = {
    {"/run/docker.sock"}, {"/var/run/docker.sock"}, {"/run/podman"}, {"/run/containerd"},
    {"/run/dbus"}, {"/var/run/dbus"}, {"/run/user"}, {"/tmp/.X11-unix"}, {"/run/systemd"},
    {"/run/libvirt"}, {"/var/run/libvirt"}, {"/run/snapd.socket"}};

constexpr KnownPath kRunOutside[] = {
    {"~/.bashrc"}, {"~/.bash_profile"}, {"~/.bash_login"}, {"~/.bash_logout"}, {"~/.profile"},
    {"~/.zshrc"}, {"~/.zshenv"}, {"~/.zprofile"}, {"~/.config/fish"}, {"~/.config/autostart"},
    {"~/.config/systemd"}, {"~/.local/share/systemd"}, {"~/.local/bin"}, {"~/bin"}, {"~/.xinitrc"},
    {"~/.xsession"}, {"~/.xprofile"}, {"~/.vimrc"}, {"~/.vim", false}, {"~/.emacs"},
    {"~/.emacs.d", false}, {"~/.config/nvim", false}, {"~/.gitconfig"}, {"~/.config/git"},
    {"~/.ssh/config"}, {"~/.ssh/authorized_keys"}, {"~/.ssh/rc"}, {"~/.cargo/bin"},
    {"/usr/local/bin"}, {"/etc/cron.d"}, {"/var/spool/cron"}};

constexpr std::array<std::string_view, 2> kBroadToRead{"/", "/home"};
constexpr std::array<std::string_view, 22> kBroadToWrite{
    "/",     "/bin",  "/boot", "/dev", "/etc", "/home",    "/lib",     "/lib64",     "/opt",
    "/proc", "/root", "/run",  "/sbin", "/sys", "/usr",    "/usr/bin", "/usr/lib",   "/usr/local",
    "/usr/sbin", "/usr/share", "/var", "~"};

// Public halves and lists of hosts.
bool is_harmless(std::string_view path) {
  const std::string_view name = path::basename(path);
  return name == "known_hosts" || name == "config" || name.ends_with(".pub");
}

// An entry, with what it is on the host and where it is inside.
struct Place {
  std::string host;    // empty: nothing of the host's
  std::string inside;
  bool executes = false;
  bool writes = false;
  std::string text;    // as the policy says it: "filesystem.read grants /srv"
  Origin origin{};
};

class PathWarnings {
 public:
  PathWarnings(const Examined& examined, Warnings& warnings)
      : examined_(examined), warnings_(warnings) {
    const policy::Policy& policy = examined.policy;
    const std::string& home = policy.home.value;
    if (home != "none") {
      const bool is_hosts = home == "read" || home == "write";
      places_.push_back({is_hosts ? expand("~") : "", expand("~"),
                         home == "read" && policy.exec.empty(), home == "write",
                         fmt::format("filesystem.home = {}", quote(home)), policy.home.origin});
    }
    add(Key::FilesystemTmpfs, policy.tmpfs, {.of_host = false});
    add(Key::FilesystemCreate, policy.create, {.of_host = false});
    // With filesystem.exec nothing else can be executed.
    add(Key::FilesystemRead, policy.read, {.executes = policy.exec.empty()});
    add(Key::FilesystemExec, policy.exec, {.executes = true});
    add(Key::FilesystemOverlay, policy.overlay, {});  // written to a copy
    add(Key::FilesystemWrite, policy.write, {.writes = true});
    add(Key::FilesystemHide, policy.hide, {.of_host = false});
  }

  void find() {
    for (const Place& place : places_) {
      if (place.host.empty()) {
        continue;
      }
      warn_of_breadth(place);
      warn_of_shown(place, kSecrets, Caution::SecretPath, "shows",
                    "hide what the program does not need: filesystem.hide = [{}]");
      warn_of_shown(place, kSockets, Caution::ControlSocket, "shows",
                    "a service behind it acts outside of the sandbox");
      if (place.writes) {
        warn_of_shown(place, kRunOutside, Caution::RunsOutside, "makes writable",
                      "what is written there is run outside of any sandbox later");
        warn_of_own_policies(place);
        warn_of_executed(place);
      }
    }
  }

 private:
  std::string expand(std::string_view path) const {
    return path == "~" || path.starts_with("~/")
               ? path::normalise(examined_.facts.home + std::string(path.substr(1)))
               : path::normalise(path);
  }

  // What the entries of one key do.
  struct Manner {
    bool of_host = true;
    bool executes = false;
    bool writes = false;
  };

  void add(Key key, const std::vector<policy::LayeredPath>& entries, const Manner& manner) {
    for (const auto& [entry, layer] : entries) {
      const std::string host = expand(entry.path);
      places_.push_back({manner.of_host ? host : "", entry.at.empty() ? host : expand(entry.at),
                         manner.executes, manner.writes, fmt::format("{} = {}", qualified_name(key), quote(entry.path)),
                         entry.origin});
    }
  }

  // The entry that decides what is at a place inside: the deepest, then the last.
  const Place* governing(std::string_view inside) const {
    const Place* found = nullptr;
    for (const Place& place : places_) {
      const bool covers = path::is_below(inside, place.inside);
      if (covers && (found == nullptr || place.inside.size() >= found->inside.size())) {
        found = &place;
      }
    }
    return found;
  }

  // Where a path of the host is inside by this entry; empty if another entry covers the place.
  std::string seen_at(const Place& place, const std::string& host) const {
    if (!path::is_below(host, place.host)) {
      return {};
    }
    const std::string rest = place.host == "/" ? host : host.substr(place.host.size());
    std::string inside = path::normalise(place.inside + "/" + rest);
    return governing(inside) == &place ? inside : std::string();
  }

  bool touches(const Place& place, const std::string& known, bool below) const {
    return !seen_at(place, known).empty() ||
           (below && path::is_below(place.host, known) && !is_harmless(place.host) &&
            governing(place.inside) == &place);
  }

  void warn(Caution caution, const Place& place, std::string_view verb,
            const std::vector<std::string>& what, std::string_view hint) {
    if (!what.empty()) {
      warnings_.push_back({caution, fmt::format("{} {} {}", place.text, verb, shortened(what)),
                           place.origin, fmt::format(fmt::runtime(hint), quote(what.front()))});
    }
  }

  template <std::size_t count>
  void warn_of_shown(const Place& place, const KnownPath (&known)[count], Caution caution,
                     std::string_view verb, std::string_view hint) {
    std::vector<std::string> shown;
    for (const KnownPath& one : known) {
      if (touches(place, expand(one.path), one.below)) {
        shown.emplace_back(one.path);
      }
    }
    warn(caution, place, verb, shown, hint);
  }

  void warn_of_breadth(const Place& place) {
    const auto is_listed = [&](std::string_view path) { return expand(path) == place.host; };
    if (place.writes && std::any_of(kBroadToWrite.begin(), kBroadToWrite.end(), is_listed)) {
      warn(Caution::BroadWrite, place, "makes writable all of", {place.host},
           "name the directories below it that the program writes to");
    } else if (std::any_of(kBroadToRead.begin(), kBroadToRead.end(), is_listed)) {
      warn(Caution::BroadRead, place, "shows all of", {place.host},
           "name the directories below it that the program reads");
    }
  }

  void warn_of_own_policies(const Place& place) {
    // What lies above them may be granted: the launch holds them against it.
    std::vector<std::string> own;
    for (const OwnPath& one : examined_.own) {
      if (path::is_below(place.host, one.path) && governing(place.inside) == &place) {
        own.push_back(one.path);
      }
    }
    warn(Caution::OwnPolicyWritable, place, "makes writable", own,
         "a command could rewrite the policy of its next run, so sbx run refuses this");
  }

  // The same file of the host at two places inside: writable at one, executable at the other.
  void warn_of_executed(const Place& writable) {
    for (const Place& executable : places_) {
      if (!executable.executes) {
        continue;
      }
      const std::string& common = path::is_below(executable.host, writable.host) ? executable.host
                                                                                 : writable.host;
      const std::string written = seen_at(writable, common);
      const std::string executed = seen_at(executable, common);
      if (!written.empty() && !executed.empty()) {
        warnings_.push_back(
            {Caution::WritableExecutable,
             fmt::format("{} is writable as {} and executable as {}", common, written, executed),
             writable.origin,
             fmt::format("the other is {}{}; show it once", executable.text,
                         to_text(executable.origin).empty()
                             ? ""
                             : " [" + to_text(executable.origin) + "]")});
      }
    }
  }

  const Examined& examined_;
  Warnings& warnings_;
  std::vector<Place> places_;
};

}  // namespace

void warn_of_paths(const Examined& examined, Warnings& warnings) {
  PathWarnings(examined, warnings).find();
}

}  // namespace sbx::plan
