// SPDX-License-Identifier: Apache-2.0
#include "interop/firejail_words.h"

#include <algorithm>
#include <array>

#include "interop/layer_draft.h"

namespace sbx::interop {
namespace {

constexpr auto kMapped = Finding::Kind::Mapped;
constexpr auto kChanged = Finding::Kind::Changed;
constexpr auto kDropped = Finding::Kind::Dropped;

constexpr std::string_view kAlways = "always so";
constexpr std::string_view kNoDevice = "no such device is shown";
constexpr std::string_view kOwnNetwork = "the sandbox has no interface but loopback; see network.publish and connect";
constexpr std::string_view kNoBus = "there is no bus inside";

constexpr std::array kWords = {
    // Privilege and processes.
    FirejailWord{"nonewprivs", kMapped, kAlways, ""},
    FirejailWord{"noroot", kMapped, kAlways, ""},
    FirejailWord{"nogroups", kMapped, kAlways, ""},
    FirejailWord{"ipc-namespace", kMapped, kAlways, ""},
    FirejailWord{"deterministic-shutdown", kMapped, kAlways, ""},
    FirejailWord{"deterministic-exit-code", kMapped, kAlways, ""},
    FirejailWord{"shell", kMapped, "no shell is started", ""},
    FirejailWord{"csh", kMapped, "no shell is started", ""},
    FirejailWord{"zsh", kMapped, "no shell is started", ""},
    FirejailWord{"quiet", kMapped, "a launch says nothing; --quiet also keeps denials back", ""},
    FirejailWord{"tracelog", kChanged, "denials are always reported", "to standard error, not to syslog"},
    FirejailWord{"trace", kChanged, "denials are always reported", "what is allowed is not told"},
    FirejailWord{"apparmor", kChanged, "Landlock and the mounts confine",
                 "no AppArmor profile is loaded"},
    FirejailWord{"apparmor-replace", kChanged, "Landlock and the mounts confine", "no AppArmor profile is loaded"},
    FirejailWord{"apparmor-stack", kChanged, "Landlock and the mounts confine", "no AppArmor profile is loaded"},
    FirejailWord{"landlock", kMapped, kAlways, ""},
    FirejailWord{"landlock.enforce", kMapped, kAlways, ""},
    FirejailWord{"landlock.fs.read", kChanged, "the mounts and Landlock's rules follow filesystem.*",
                 "paths are shown by the other lines"},
    FirejailWord{"landlock.fs.write", kChanged, "the mounts and Landlock's rules follow filesystem.*",
                 "paths are shown by the other lines"},
    FirejailWord{"landlock.fs.execute", kChanged, "the mounts and Landlock's rules follow filesystem.*",
                 "paths are shown by the other lines"},
    FirejailWord{"landlock.fs.makedev", kChanged, "nothing", "devices are never made"},
    FirejailWord{"landlock.fs.makeipc", kChanged, "where writing is allowed", "sockets and FIFOs need no leave"},
    FirejailWord{"allow-bwrap", kDropped, "", "namespaces.nested and seccomp.allow say which of bwrap's calls"},
    FirejailWord{"nice", kDropped, "", "use nice(1) before sbx; limits.cpu-weight is for the whole sandbox"},
    FirejailWord{"cpu", kDropped, "", "use taskset(1) before sbx"},
    FirejailWord{"oom", kDropped, "", "use choom(1) before sbx"},
    FirejailWord{"cgroup", kDropped, "", "see limits.cgroup"},
    FirejailWord{"rlimit-sigpending", kDropped, "", "sbx has no such limit"},
    FirejailWord{"join-or-start", kDropped, "", "each run is a sandbox of its own"},
    FirejailWord{"name", kDropped, "", "a sandbox is found by its policy's name or its pid"},
    FirejailWord{"allusers", kDropped, "", "other users' homes are never shown as a whole; grant what is needed"},
    FirejailWord{"keep-fd", kDropped, "", "say it at the call: sbx run --keep-fd N"},
    FirejailWord{"tab", kDropped, "", "completion files are those that the granted directories hold"},
    FirejailWord{"output", kDropped, "", "redirect sbx's standard output"},
    FirejailWord{"output-stderr", kDropped, "", "redirect sbx's standard output and error"},
    FirejailWord{"icmptrace", kDropped, "", kOwnNetwork},
    // Devices and desktop.
    FirejailWord{"private-dev", kMapped, kAlways, ""},
    FirejailWord{"nodvd", kMapped, kNoDevice, ""},
    FirejailWord{"notv", kMapped, kNoDevice, ""},
    FirejailWord{"nou2f", kMapped, kNoDevice, ""},
    FirejailWord{"novideo", kMapped, kNoDevice, ""},
    FirejailWord{"noinput", kMapped, kNoDevice, ""},
    FirejailWord{"noprinters", kMapped, kNoDevice, ""},
    FirejailWord{"notpm", kMapped, kNoDevice, ""},
    FirejailWord{"no3d", kMapped, "desktop.gpu = off", ""},
    FirejailWord{"nosound", kMapped, "desktop.audio = off", ""},
    FirejailWord{"noautopulse", kMapped, "no configuration of PulseAudio is written", ""},
    FirejailWord{"keep-config-pulse", kMapped, "no configuration of PulseAudio is written", ""},
    FirejailWord{"keep-shell-rc", kMapped, "no shell configuration is written", ""},
    FirejailWord{"keep-dev-shm", kChanged, "a private /dev/shm", "the host's is not shared"},
    FirejailWord{"x11", kMapped, "desktop.x11 = off", ""},
    FirejailWord{"xephyr-screen", kDropped, "", "no X server is started"},
    FirejailWord{"nodbus", kMapped, kNoBus, ""},
    FirejailWord{"dbus-user", kMapped, kNoBus, ""},
    FirejailWord{"dbus-system", kMapped, kNoBus, ""},
    FirejailWord{"dbus-user.log", kDropped, "", kNoBus},
    FirejailWord{"dbus-user.talk", kDropped, "", kNoBus},
    FirejailWord{"dbus-user.own", kDropped, "", kNoBus},
    FirejailWord{"dbus-user.see", kDropped, "", kNoBus},
    FirejailWord{"dbus-user.call", kDropped, "", kNoBus},
    FirejailWord{"dbus-user.broadcast", kDropped, "", kNoBus},
    FirejailWord{"dbus-system.log", kDropped, "", kNoBus},
    FirejailWord{"dbus-system.talk", kDropped, "", kNoBus},
    FirejailWord{"dbus-system.own", kDropped, "", kNoBus},
    FirejailWord{"dbus-system.see", kDropped, "", kNoBus},
    FirejailWord{"dbus-system.call", kDropped, "", kNoBus},
    FirejailWord{"dbus-system.broadcast", kDropped, "", kNoBus},
    // Network.
    FirejailWord{"netfilter", kMapped, "nothing: firejail acts on it in a network of its own only, where none "
                                       "of the host's is seen here", ""},
    FirejailWord{"netfilter6", kMapped, "nothing: as netfilter", ""},
    FirejailWord{"netlock", kDropped, "", kOwnNetwork},
    FirejailWord{"netns", kDropped, "", kOwnNetwork},
    FirejailWord{"interface", kDropped, "", kOwnNetwork},
    FirejailWord{"ip", kDropped, "", kOwnNetwork},
    FirejailWord{"ip6", kDropped, "", kOwnNetwork},
    FirejailWord{"iprange", kDropped, "", kOwnNetwork},
    FirejailWord{"mac", kDropped, "", kOwnNetwork},
    FirejailWord{"mtu", kDropped, "", kOwnNetwork},
    FirejailWord{"netmask", kDropped, "", kOwnNetwork},
    FirejailWord{"defaultgw", kDropped, "", kOwnNetwork},
    FirejailWord{"veth-name", kDropped, "", kOwnNetwork},
    FirejailWord{"scan", kDropped, "", kOwnNetwork},
    FirejailWord{"arp-probes", kDropped, "", kOwnNetwork},
    FirejailWord{"bandwidth", kDropped, "", "sbx has no limit of bandwidth"},
    // Files.
    FirejailWord{"private-tmp", kMapped, "filesystem.tmp = private", ""},
    FirejailWord{"private-lib", kChanged, "nothing", "/usr is shown whole, read-only"},
    FirejailWord{"private-cwd", kMapped, "command.workdir", ""},
    FirejailWord{"disable-mnt", kMapped, "/mnt, /media and /run/media are not shown", ""},
    FirejailWord{"writable-run-user", kChanged, "nothing", "$XDG_RUNTIME_DIR is not shown but for what desktop.* grants"},
    FirejailWord{"overlay", kDropped, "", "see filesystem.overlay, for directories"},
    FirejailWord{"overlay-named", kDropped, "", "see filesystem.overlay, for directories"},
    FirejailWord{"overlay-tmpfs", kDropped, "", "see filesystem.overlay, for directories"},
    FirejailWord{"chroot", kDropped, "", "no other root; filesystem.read with `at` shows files of one"},
};

// The calls that firejail denies if a profile says `seccomp` and no more; "-nodebuggers" adds those of
// debuggers (firejail-profile(5), "seccomp").
constexpr std::string_view kDefaultDrop =
    "@clock @cpu-emulation @module @mount @obsolete @raw-io @reboot @swap acct add_key bpf fanotify_init "
    "io_cancel io_destroy io_getevents io_setup io_submit ioprio_set kcmp keyctl mbind migrate_pages "
    "move_pages name_to_handle_at open_by_handle_at perf_event_open personality pidfd_getfd remap_file_pages "
    "request_key set_mempolicy setdomainname sethostname syslog umount2 userfaultfd vhangup vmsplice";
constexpr std::string_view kDebuggers = " lookup_dcookie process_vm_readv process_vm_writev ptrace";

}  // namespace

const FirejailWord* find_firejail_word(std::string_view command) {
  const auto* found = std::find_if(kWords.begin(), kWords.end(),
                                   [&](const FirejailWord& word) { return word.command == command; });
  return found == kWords.end() ? nullptr : found;
}

std::vector<std::string_view> firejail_words() {
  std::vector<std::string_view> all;
  for (const FirejailWord& word : kWords) {
    all.push_back(word.command);
  }
  for (const std::string_view word :
       {"blacklist", "noblacklist", "whitelist", "nowhitelist", "read-only", "read-write", "noexec", "tmpfs",
        "private", "private-bin", "private-etc", "private-opt", "private-srv", "private-cache", "seccomp",
        "seccomp.drop", "seccomp.keep", "protocol", "net", "include", "ignore", "caps.drop", "caps.keep"}) {
    all.push_back(word);
  }
  return all;
}

std::vector<std::string> firejail_group(std::string_view name) {
  if (name == "@default" || name == "@default-nodebuggers") {
    std::string list(kDefaultDrop);
    list += name == "@default-nodebuggers" ? kDebuggers : std::string_view();
    return words(list, " ");
  }
  if (name == "@default-keep") {
    return {"execve", "prctl"};
  }
  return {};
}

std::vector<std::string> firejail_etc_group(std::string_view name) {
  struct Group {
    std::string_view name, files;
  };
  constexpr std::array<Group, 5> kGroups{{
      {"@games", "timidity timidity.cfg openal vulkan glvnd"},
      {"@network", "host.conf hostname protocols services rpc resolv.conf hosts"},
      {"@sound", "alsa asound.conf machine-id pipewire pulse"},
      {"@tls-ca", "ca-certificates crypto-policies gcrypt pki ssl"},
      {"@x11", "ati X11 dconf drirc fonts gconf glvnd gtk-2.0 gtk-3.0 gtk-4.0 kde4rc kde5rc nvidia pango Trolltech.conf "
               "vulkan xdg"},
  }};
  for (const Group& group : kGroups) {
    if (group.name == name) {
      return words(group.files, " ");
    }
  }
  return {};
}

}  // namespace sbx::interop
