// SPDX-License-Identifier: Apache-2.0
#include "policy/keys.h"

#include <algorithm>
#include <array>

namespace sbx::policy {
namespace {

// In the order of the enumeration: info() indexes it, and a static_assert below holds the order.
constexpr std::array kKeys = {
    KeyInfo{Key::PolicyDescription, "policy", "description", KeyType::Text, "", "",
            "What the policy is for, in one line; `sbx list` shows it."},
    KeyInfo{
        Key::PolicyExtends, "policy", "extends", KeyType::Names, "", "",
        "Names of the policies that this one adds to. They are merged first, in this order, each "
        "once; base comes before all of them without being named."},
    KeyInfo{
        Key::PolicyPrograms, "policy", "programs", KeyType::Names, "", "",
        "Further program names that choose this policy, beside the name of its own file. Looked "
        "up in the user's and the administrator's policy directories; a policy that ships with "
        "sbx has a file for each name instead, so that a launch need not read them all."},
    KeyInfo{Key::PolicyAccept, "policy", "accept", KeyType::Names, "", "",
            "Warnings of `sbx check` that this policy means, each with its reason: \"NAME: reason\". "
            "They hold for this file and what it extends, not for files that extend it."},
    KeyInfo{Key::CommandArgs, "command", "args", KeyType::Names, "", "",
            "Arguments for the program when the command line gives none. A later layer's list "
            "replaces an earlier one as a whole."},
    KeyInfo{Key::CommandWorkdir, "command", "workdir", KeyType::Text, "", "",
            "Directory to start in, as seen inside. Without it the caller's, if it is visible "
            "inside, else the home directory, else /."},
    KeyInfo{
        Key::IdentityUser, "identity", "user", KeyType::Text, "", "",
        "User name or number that the command has inside. It is a name only: uid 0 inside holds "
        "no capability and is the caller outside. Without it, the caller's own."},
    KeyInfo{Key::IdentityGroup, "identity", "group", KeyType::Text, "", "",
            "Group name or number inside. Without it, the number of identity.user, or the caller's "
            "own group."},
    KeyInfo{Key::IdentitySingleUid, "identity", "single-uid", KeyType::Choice, "map|pretend", "map",
            "Only one uid exists inside. map: calls that change to another one fail as the kernel "
            "says. pretend: setuid, setgid, setgroups and chown do nothing and report success, for "
            "daemons that insist on changing to their own user."},
    KeyInfo{Key::IdentityHostname, "identity", "hostname", KeyType::Text, "", "localhost",
            "Host name inside."},
    KeyInfo{Key::IdentityMachineId, "identity", "machine-id", KeyType::Text, "", "none",
            "What /etc/machine-id and /var/lib/dbus/machine-id say inside. none: nothing, unless "
            "the file itself is granted. random: another one for every run. Or 32 hexadecimal digits."},
    KeyInfo{Key::NamespacesUser, "namespaces", "user", KeyType::Flag, "", "true",
            "An own user namespace. Always true: everything else needs it."},
    KeyInfo{Key::NamespacesMount, "namespaces", "mount", KeyType::Flag, "", "true",
            "An own mount namespace. Always true: the minimal root is built in it."},
    KeyInfo{Key::NamespacesPid, "namespaces", "pid", KeyType::Flag, "", "true",
            "An own pid namespace. Always true: its end is the end of every process inside."},
    KeyInfo{Key::NamespacesNet, "namespaces", "net", KeyType::Flag, "", "",
            "An own network namespace. It follows network.mode, which false can only confirm: "
            "network.mode = \"host\" is what shares the host's network."},
    KeyInfo{Key::NamespacesIpc, "namespaces", "ipc", KeyType::Flag, "", "true",
            "An own namespace of System V and POSIX message queues, semaphores and shared memory. "
            "false: the user's other programs can be reached by theirs."},
    KeyInfo{Key::NamespacesUts, "namespaces", "uts", KeyType::Flag, "", "true",
            "An own host name. false: the host's is seen, and identity.hostname must not be set."},
    KeyInfo{Key::NamespacesCgroup, "namespaces", "cgroup", KeyType::Flag, "", "true",
            "An own root of the cgroup tree. false: /proc/self/cgroup tells the place in the "
            "host's."},
    KeyInfo{Key::NamespacesTime, "namespaces", "time", KeyType::Flag, "", "false",
            "Clocks of its own: CLOCK_MONOTONIC, CLOCK_BOOTTIME and /proc/uptime start near 0, so "
            "that they do not tell how long the host has been up. The time of day stays the "
            "host's."},
    KeyInfo{Key::NamespacesNested, "namespaces", "nested", KeyType::Names, "", "",
            "Kinds of namespaces that the command may make itself: user, mount, pid, net, ipc, "
            "uts, cgroup, time. For browsers, and for programs that build sandboxes of their own. "
            "Without user none can be made, and memory.wx must be \"allow\". mount takes "
            "Landlock's rules on paths away, which forbid every mount. Calls such as mount still "
            "need seccomp.allow."},
    KeyInfo{
        Key::FilesystemSystem, "filesystem", "system", KeyType::Choice, "usr|none|host", "usr",
        "How much of the installed system is shown, read-only. usr: what system-usr lists. host: "
        "what system-usr and system-host list. none: nothing but what a policy names."},
    KeyInfo{Key::FilesystemSystemUsr, "filesystem", "system-usr", KeyType::Paths, "", "",
            "Programs, libraries and what these look up; base fills the list."},
    KeyInfo{
        Key::FilesystemSystemHost, "filesystem", "system-host", KeyType::Paths, "", "",
        "What else administrators and package managers install; base fills the list. No users' "
        "files (/home, /root, /srv, /mnt), no services' data (/run, /tmp, most of /var)."},
    KeyInfo{
        Key::FilesystemHome, "filesystem", "home", KeyType::Choice, "private|none|read|write",
        "none",
        "The home directory inside. private: an empty one in memory, gone afterwards. none: not "
        "there. read, write: the caller's own."},
    KeyInfo{Key::FilesystemCwd, "filesystem", "cwd", KeyType::Choice, "none|read|write", "none",
            "The directory in which sbx is called. none: not shown for that reason alone. The home "
            "directory, and what lies above it, is never granted so."},
    KeyInfo{
        Key::FilesystemRead, "filesystem", "read", KeyType::Paths, "", "",
        "Files and directories of the host to show read-only; programs in them can be executed. "
        "An entry is a path, or { path = …, at = …, optional = true }; ~ is the caller's home."},
    KeyInfo{
        Key::FilesystemWrite, "filesystem", "write", KeyType::Paths, "", "",
        "Files and directories of the host to show writable. Nothing in them can be executed or "
        "mapped executable."},
    KeyInfo{
        Key::FilesystemExec, "filesystem", "exec", KeyType::Paths, "", "",
        "Programs, and directories of them, that may be executed; they are shown read-only. With "
        "this key set nothing else can be: execve is refused by Landlock, and all that is no "
        "library directory is mounted noexec, so that the ELF loader cannot map it either. What "
        "starts them (ELF interpreter, #! line) is added. Libraries stay mappable."},
    KeyInfo{
        Key::FilesystemOverlay, "filesystem", "overlay", KeyType::Paths, "", "",
        "Directories of the host to show writable without being written to: changes stay in "
        "memory, at most limits.scratch of them, and are gone afterwards. Nothing in them can be "
        "executed. File systems mounted below such a directory are not shown in it."},
    KeyInfo{
        Key::FilesystemTmp, "filesystem", "tmp", KeyType::Choice, "private|none|host", "private",
        "/tmp inside. private: an empty one in memory, gone afterwards. none: not there. host: "
        "the host's, writable, with what other programs have put there, but for the sockets of "
        "X11 and ICE, which are covered."},
    KeyInfo{Key::FilesystemTmpfs, "filesystem", "tmpfs", KeyType::Paths, "", "",
            "Directories that are empty, writable and in memory, gone afterwards. Nothing in them "
            "can be executed."},
    KeyInfo{Key::FilesystemHide, "filesystem", "hide", KeyType::Paths, "", "",
            "Paths to cover inside what read or write shows: an empty read-only directory or file "
            "stands there."},
    KeyInfo{Key::FilesystemCreate, "filesystem", "create", KeyType::Paths, "", "",
            "Empty read-only directories to make, for programs that ask whether one exists."},
    KeyInfo{Key::FilesystemDev, "filesystem", "dev", KeyType::Paths, "", "",
            "Devices of the host to add to /dev, or directories of them: /dev/kvm, /dev/dri, "
            "/dev/fuse. Each is a way into a driver, with all requests (ioctl) it takes."},
    KeyInfo{Key::FilesystemProc, "filesystem", "proc", KeyType::Choice, "private|pids|none", "private",
            "/proc inside, always of the own processes alone. private: with the kernel's public "
            "files, less those that tell addresses, modules and keys. pids: processes and nothing "
            "else. none: not there; /dev/stdin and its like then lead nowhere."},
    KeyInfo{Key::NetworkMode, "network", "mode", KeyType::Choice, "none|private|host", "private",
            "none: no network, not even loopback. private: a loopback interface of its own, which "
            "reaches nothing outside. host: the host's network, unconfined."},
    KeyInfo{Key::NetworkPublish, "network", "publish", KeyType::Names, "", "",
            "Ports to open outside for a server inside: \"[ADDRESS:]OUTSIDE:INSIDE\", address "
            "127.0.0.1 if not given. A later layer's entry for the same inside port replaces the "
            "earlier layer's."},
    KeyInfo{
        Key::NetworkConnect, "network", "connect", KeyType::Names, "", "",
        "Addresses to which the command may connect, beside what is inside: \"127.0.0.1:5432\", "
        "\"10.0.0.0/8:443\", \"[2001:db8::/32]:443\", \"*:443\", \"udp:9.9.9.9:53\", "
        "\"unix:/run/postgresql/.s.PGSQL.5432\"; ports are a number, a range or *. * is every "
        "address but the host's own loopback. Under network.mode host, which without this key "
        "reaches everything, only they. \"none\" alone: nothing."},
    KeyInfo{
        Key::NetworkBind, "network", "bind", KeyType::Names, "", "",
        "Ports that the command may bind: \"8080\", \"8000-8100\", \"127.0.0.1:8080\", "
        "\"[::]:53/udp\". Without this key any; \"none\" alone: none. Port 0, which lets the kernel "
        "choose, is free inside; under network.mode host such a socket cannot listen."},
    KeyInfo{
        Key::NetworkFamilies, "network", "families", KeyType::Names, "", "",
        "Families of sockets that may be made at all: unix, inet, inet6, netlink, and more of "
        "address_families(7) by the same words. A later layer's list replaces an earlier one as a "
        "whole. Pairs of local sockets (socketpair) lead nowhere else and stay."},
    KeyInfo{
        Key::NetworkDns, "network", "dns", KeyType::Names, "", "",
        "Name servers that the command may ask: \"host\" for those of this host's "
        "/etc/resolv.conf, numeric addresses, or \"none\". They become /etc/resolv.conf inside, and "
        "port 53 of each is in network.connect. A later layer's list replaces an earlier one."},
    KeyInfo{Key::SeccompInherit, "seccomp", "inherit", KeyType::Flag, "", "true",
            "false: what earlier layers say about system calls (default, allow, deny, rule) is left "
            "out, base's too. For a list that is complete in itself, as imported profiles are."},
    KeyInfo{Key::SeccompDefault, "seccomp", "default", KeyType::Choice, "deny|errno(NAME)|kill",
            "deny",
            "What happens to a system call that no rule names. deny: report it and answer as "
            "report.on-violation says. errno(NAME): answer NAME without a report. kill: kill."},
    KeyInfo{Key::SeccompAllow, "seccomp", "allow", KeyType::Names, "", "",
            "System calls, or @groups of them, that the command may make. `sbx syscall @GROUP` "
            "lists a group."},
    KeyInfo{Key::SeccompDeny, "seccomp", "deny", KeyType::Names, "", "",
            "System calls or @groups to deny although a group or an earlier layer allows them. A "
            "name beats a group; then the later layer wins; then deny."},
    KeyInfo{Key::SeccompRules, "seccomp", "rule", KeyType::Rules, "", "",
            "Rules with a condition: [[seccomp.rule]] syscalls = [\"socket\"], when = \"domain == "
            "AF_PACKET\", action = allow, deny, errno(NAME), pretend (answer that it was done), kill, log "
            "or notify. They come before allow and deny. `sbx syscall NAME` lists a call's arguments."},
    KeyInfo{Key::MemoryWx, "memory", "wx", KeyType::Choice, "deny|allow", "deny",
            "Memory that is writable and executable, at once or one after the other. allow: for "
            "programs that compile to memory (JIT)."},
    KeyInfo{Key::MemoryMemfd, "memory", "memfd", KeyType::Choice, "deny|allow", "deny",
            "Anonymous files (memfd_create), which can be mapped executable whatever else is "
            "forbidden."},
    KeyInfo{Key::CapabilitiesKeep, "capabilities", "keep", KeyType::Names, "", "",
            "Capabilities that the command keeps, as \"CAP_NET_BIND_SERVICE\". They count in its "
            "own namespaces only; those that could undo the confinement are refused. The calls "
            "that use them need seccomp.allow."},
    KeyInfo{Key::LandlockRequire, "landlock", "require", KeyType::Count, "", "",
            "Lowest Landlock ABI of the kernel with which the command may start. Without it, any "
            "will do."},
    KeyInfo{
        Key::LandlockReads, "landlock", "reads", KeyType::Choice, "mounts|rules", "mounts",
        "What limits reading. mounts: what is not mounted is not there. rules: Landlock too, as "
        "for writing and executing; each open of a file then costs a quarter to two fifths more."},
    KeyInfo{Key::LimitsTime, "limits", "time", KeyType::Seconds, "", "",
            "Wall-clock time, in seconds or as \"10m\"; then everything inside is killed."},
    KeyInfo{Key::LimitsMemory, "limits", "memory", KeyType::Size, "", "",
            "Memory of all processes inside together, in bytes or as \"512M\", where sbx can have a "
            "cgroup; else the address space of each process."},
    KeyInfo{Key::LimitsProcesses, "limits", "processes", KeyType::Count, "", "",
            "Processes and threads inside, all together."},
    KeyInfo{Key::LimitsCpu, "limits", "cpu", KeyType::Seconds, "", "",
            "Processor time of each process, in seconds or as \"10m\"."},
    KeyInfo{Key::LimitsFiles, "limits", "files", KeyType::Count, "", "",
            "Open file descriptors of each process."},
    KeyInfo{Key::LimitsFileSize, "limits", "file-size", KeyType::Size, "", "",
            "Size of a file that a process may write, in bytes or as \"1G\"."},
    KeyInfo{Key::LimitsScratch, "limits", "scratch", KeyType::Size, "", "",
            "Size of each directory in memory (filesystem.tmpfs, a private home), in bytes or as "
            "\"64M\"."},
    KeyInfo{Key::LimitsCore, "limits", "core", KeyType::Size, "", "",
            "Size of a core dump; 0 for none."},
    KeyInfo{Key::LimitsCpuPercent, "limits", "cpu-percent", KeyType::Count, "", "",
            "Processor time of all processes inside together, in hundredths of one processor: 150 "
            "is one and a half. Needs a cgroup."},
    KeyInfo{Key::LimitsCpuWeight, "limits", "cpu-weight", KeyType::Count, "", "",
            "Share of busy processors, from 1 to 10000; others have 100. Needs a cgroup."},
    KeyInfo{Key::LimitsCgroup, "limits", "cgroup", KeyType::Choice, "auto|require|never", "auto",
            "A cgroup for the whole sandbox. auto: for limits that need one or are better with one. "
            "require: refuse to start without. never: resource limits of processes only."},
    KeyInfo{Key::EnvironmentKeep, "environment", "keep", KeyType::Names, "", "",
            "Environment variables to pass on, beside those that environment.pass does."},
    KeyInfo{Key::EnvironmentSet, "environment", "set", KeyType::Pairs, "", "",
            "Environment variables to set: set.NAME = \"value\"."},
    KeyInfo{Key::EnvironmentUnset, "environment", "unset", KeyType::Names, "", "",
            "Environment variables to leave out."},
    KeyInfo{Key::EnvironmentPass, "environment", "pass", KeyType::Choice, "none|safe|all", "safe",
            "none: pass on only what keep names. safe: also variables that carry neither secrets "
            "nor the addresses of other programs (PATH, LANG, TERM …). all: everything."},
    KeyInfo{
        Key::TerminalMode, "terminal", "mode", KeyType::Choice, "auto|always|never|inherit", "auto",
        "auto: where standard input, output or error is a terminal, the command gets one of its "
        "own instead, which sbx relays. always: also where none is. never: a terminal is an error. "
        "inherit: the caller's own is handed on, which the command can then read, write and set."},
    KeyInfo{
        Key::DesktopX11, "desktop", "x11", KeyType::Choice, "off|on|optional", "off",
        "The socket of the X11 display that DISPLAY names, its cookies (XAUTHORITY), and the host's "
        "name for them. A client of it sees every key and every window, and can type into them. on: "
        "an error if there is none. optional: without it then."},
    KeyInfo{Key::DesktopWayland, "desktop", "wayland", KeyType::Choice, "off|on|optional", "off",
            "The socket of the Wayland compositor, WAYLAND_DISPLAY in XDG_RUNTIME_DIR. on, optional: "
            "as for desktop.x11."},
    KeyInfo{Key::DesktopAudio, "desktop", "audio", KeyType::Choice, "off|on|optional", "off",
            "The sockets of PipeWire and PulseAudio in XDG_RUNTIME_DIR: sound, the microphone too, "
            "and what else the user's PipeWire offers. on, optional: as for desktop.x11."},
    KeyInfo{Key::DesktopGpu, "desktop", "gpu", KeyType::Choice, "off|on|optional", "off",
            "The graphics devices (/dev/dri and its like), and what Mesa reads of /sys. on, optional: "
            "as for desktop.x11."},
    KeyInfo{
        Key::ReportOnViolation, "report", "on-violation", KeyType::Choice, "kill|errno|log",
        "errno",
        "What follows the report of a denied call. kill: the process is killed. errno: the call "
        "fails. log: the call is let through, to try a policy out; it confines nothing."},
    KeyInfo{Key::ReportLog, "report", "log", KeyType::Choice, "none|problems|all", "problems",
            "What the user's log (~/.local/state/sbx) keeps, for sbx events and sbx why. problems: "
            "runs in which something was denied, crashed or met a limit. all: every run."},
    KeyInfo{Key::ReportSinks, "report", "sinks", KeyType::Names, "", "",
            "Where events go beside: \"journald\", \"syslog\" (also journald:PATH and syslog:PATH, "
            "another socket), \"fd:N\" (JSON lines to a descriptor that sbx was started with)."},
    KeyInfo{Key::ReportNotifyCommand, "report", "notify-command", KeyType::Names, "", "",
            "A command outside, with its arguments, that is given what was denied or crashed as JSON "
            "lines on its standard input: at once, then at most every 5 seconds."},
};

constexpr bool is_in_order() {
  for (std::size_t i = 0; i < kKeys.size(); ++i) {
    if (static_cast<std::size_t>(kKeys[i].key) != i) {
      return false;
    }
  }
  return kKeys.size() == static_cast<std::size_t>(Key::ReportNotifyCommand) + 1;
}
static_assert(is_in_order(), "kKeys follows the enumeration");

struct Unsupported {
  std::string_view table;
  std::string_view name;  // empty: the whole table
  std::string_view reason;
};

// Words that a reader of other tools' policies would try. Accepting one without enforcing it would
// be a promise that nobody keeps.
constexpr std::array kUnsupported = {
    Unsupported{"desktop", "dbus",
                "a message bus starts programs outside; sbx offers none until it can filter one"},
    Unsupported{"seccomp", "syscall-table", "unknown numbers are always answered with ENOSYS"},
};

}  // namespace

std::span<const KeyInfo> keys() {
  return kKeys;
}

const KeyInfo& info(Key key) {
  return kKeys[static_cast<std::size_t>(key)];
}

std::optional<Key> find_key(std::string_view table, std::string_view name) {
  const auto* found = std::find_if(kKeys.begin(), kKeys.end(), [&](const KeyInfo& key) {
    return key.table == table && key.name == name;
  });
  return found != kKeys.end() ? std::optional<Key>(found->key) : std::nullopt;
}

std::string qualified_name(Key key) {
  const KeyInfo& entry = info(key);
  return std::string(entry.table) + "." + std::string(entry.name);
}

std::string_view why_unsupported(std::string_view table, std::string_view name) {
  for (const Unsupported& entry : kUnsupported) {
    if (entry.table == table && (entry.name.empty() || entry.name == name)) {
      return entry.reason;
    }
  }
  return {};
}

}  // namespace sbx::policy
