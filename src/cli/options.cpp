// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <array>

#include "base/text.h"

namespace sbx::cli {
namespace {

constexpr VerbInfo kVerbs[] = {
    {Verb::Run, "run", "[OPTION]… [--] COMMAND [ARGUMENT]…", "run a command under a policy",
     "Runs COMMAND in namespaces of its own, with a minimal file system, without capabilities,\n"
     "and with the system calls that its policy allows. The policy is the one whose name or\n"
     "`programs` fits COMMAND, else \"default\". Options end at COMMAND: what follows is its own.\n"
     "What was denied is told on standard error, with the line that would allow it.\n",
     "sbx run ls /                               # default policy: no home, no network\n"
     "sbx run nginx                              # nginx's own policy; http://127.0.0.1:8080\n"
     "sbx run --rw . -- make -j4                 # may write below this directory\n"
     "sbx run --net host --env TOKEN -- curl https://example.org\n"
     "sbx run --policy strict -- ./decoder       # a policy by name; a path works too\n"
     "sbx run --limit memory=512M --limit time=10m -- ./job\n"
     "sbx run --dry-run nginx                    # show what would be done, do nothing\n"},
    {Verb::Learn, "learn", "[--] COMMAND [ARGUMENT]…", "write a policy from what a command does",
     "Runs COMMAND, watches it, and writes the policy that grants what it did: calls with their\n"
     "arguments, files, addresses, limits, a reason beside each. It is watched under a policy, BASE:\n"
     "that of -p, else that of its name, else default, whose namespaces, W^X, capabilities and\n"
     "refusals hold. It sees the host's files to read; its home and the current directory through\n"
     "overlays, so that changes are gone afterwards; no keys. Ctrl-C ends it, and what was seen until\n"
     "then is written. Then a second run under the new policy proves it, where one can be made.\n"
     "Exit status 0: written, and proven if tried; 1: the proof failed.\n",
     "sbx learn -o ~/.config/sbx/policies/report.toml -- report --all\n"
     "sbx learn -- gcc -c hello.c                # to standard output\n"
     "sbx learn -p nginx -o mine.toml -- nginx   # narrow a policy down to what is used\n"
     "sbx learn --pid 4711 --for 10m -o it.toml  # as root: of a program that runs already\n"
     "sbx learn --rw ~/out --net host -- ./fetch # as for sbx run: really written, really connected\n"},
    {Verb::Minimize, "minimize", "[OPTION]… POLICY [--] COMMAND [ARGUMENT]…",
     "leave out of a policy what a command does not need",
     "Runs COMMAND under POLICY, watches it, and writes the policy less every grant that was not\n"
     "used: sbx learn -p POLICY --view policy, with the proof by a second run where one can be made.\n"
     "sbx diff POLICY FILE then lists what is gone.\n",
     "sbx minimize nginx -o mine.toml -- nginx\n"
     "sbx minimize ./wide.toml -- ./report --all   # to standard output\n"},
    {Verb::Check, "check", "POLICY…", "check policies for errors",
     "Reads each POLICY (a name or a file) with everything it extends, and reports the first\n"
     "error with its file, line and column: unknown keys, system calls and groups, wrong types,\n"
     "expressions that do not parse, contradictions. Then warns of what is legal but unwise, each\n"
     "warning with its name in brackets; policy.accept = [\"NAME: reason\"] says that one is meant.\n"
     "Exit status 1 if there was an error, or with --strict a warning.\n",
     "sbx check nginx                            # a policy by name\n"
     "sbx check ./my.toml other.toml             # files\n"
     "sbx check --strict ./my.toml               # a warning fails\n"
     "sbx check --json nginx                     # for editors and scripts\n"},
    {Verb::Show, "show", "POLICY", "print a policy as it is after merging",
     "Prints POLICY (a name or a file) merged with all that it extends, as TOML. With --origin\n"
     "each value is followed by the file and line that it came from.\n",
     "sbx show nginx\n"
     "sbx show --origin nginx                    # where does each value come from?\n"
     "sbx show --json default\n"},
    {Verb::Explain, "explain", "[OPTION]… POLICY QUESTION", "say what a policy allows, and why",
     "Answers QUESTION about POLICY (a name or a file): a system call, by name or number, with\n"
     "arguments as far as they matter, or a @group of them; a path; an address; a variable, a\n"
     "limit, a capability. Says whether it is allowed, which line decides, what follows for the\n"
     "program, and what would allow it. An argument that is _ or left out may be anything: then\n"
     "the cases are listed. The options that say what may be done are those of sbx run.\n"
     "Exit status 0: allowed, 1: denied, 2: it depends, or not all of it.\n",
     "sbx explain nginx 'socket(AF_PACKET, SOCK_RAW, 0)'\n"
     "sbx explain default 'ioctl(_, TIOCSTI)'    # _ is any value\n"
     "sbx explain default socket                 # the cases, if there are several\n"
     "sbx explain --allow keyctl default keyctl  # with an option of sbx run\n"
     "sbx explain default @debug                 # each member of a group\n"
     "sbx explain default /etc/shadow            # what is seen there, and may be done\n"
     "sbx explain --rw ~/out default write ~/out/result    # also read, exec\n"
     "sbx explain nginx connect 10.0.0.1:443     # also bind, [::1]:80, unix:/run/x.sock\n"
     "sbx explain default env SSH_AUTH_SOCK      # also limit memory, capability NET_RAW\n"},
    {Verb::Diff, "diff", "A B", "say what one policy allows that another does not",
     "Compares two policies (names or files) by what they come to on this host: system calls\n"
     "by trying all that their rules tell apart, every path that either names, network,\n"
     "capabilities, limits, environment. Each difference has the line that decides on either\n"
     "side. Exit status 0: equal, 1: different, 125: an error, as diff(1).\n",
     "sbx diff default strict\n"
     "sbx diff default ./mine.toml\n"
     "sbx diff --only-wider --neutral old.toml new.toml    # a check before a change goes in\n"
     "sbx diff --json nginx apache2\n"},
    {Verb::List, "list", "", "list the policies that can be named",
     "Lists every policy of the search path: $SBX_POLICY_PATH, ~/.config/sbx/policies,\n"
     "/etc/sbx/policies, and those that came with sbx. The first of a name wins.\n",
     "sbx list\n"
     "sbx list --names                           # bare names, for scripts\n"},
    {Verb::Syscall, "syscall", "NAME|NUMBER|@GROUP…", "explain system calls and groups of them",
     "Prints the number of each system call on each architecture, the kernel it came with, its\n"
     "arguments as a rule's `when` may name them, the groups it is in, the calls that do the same,\n"
     "and which of the policies that came with sbx allow it; or the members of a group.\n",
     "sbx syscall socket\n"
     "sbx syscall 41                             # by its number on this machine\n"
     "sbx syscall @network-io                    # the members of a group\n"
     "sbx syscall --dump | grep fchmod            # every call that there is\n"},
    {Verb::Schema, "schema", "", "print a JSON Schema of the policy language",
     "Prints a JSON Schema (draft 2020-12) of policy files, with which editors complete, explain and\n"
     "check them: every key with its description, words and default, every system call and group.\n",
     "sbx schema >sbx.schema.json\n"
     "sed -i '1i #:schema sbx.schema.json' my.toml  # for editors with taplo\n"},
    {Verb::Import, "import", "[OPTION]… FILE…", "make a policy of another tool's file",
     "Reads FILE, whose format is told by its content, and prints the policy that says the same.\n"
     "Each item of FILE is reported on standard error: mapped, mapped with a change, or dropped\n"
     "with the reason. What FILE says about system calls is then evaluated beside the policy, for\n"
     "every call and the values beside each rule's borders; differences are listed. Every verb\n"
     "that takes a policy's file takes such a FILE too. With --outdir several files are imported at\n"
     "once, and of a directory all that have a format's ending.\n",
     "sbx import docker.json -o ~/.config/sbx/policies/app.toml\n"
     "sbx import --strict config.json >app.toml  # status 1 if anything was changed or dropped\n"
     "sbx import /etc/firejail/curl.profile -o curl.toml\n"
     "sbx import --outdir policies /etc/firejail # a whole collection\n"
     "sbx diff docker.json default               # without a file between\n"},
    {Verb::Export, "export", "--to FORMAT [OPTION]… POLICY [COMMAND [ARGUMENT]…]", "write a policy for another tool",
     "Writes what POLICY (a name or a file) comes to on this host in the format of another tool,\n"
     "for COMMAND where the format says what is run.\n"
     "What that format cannot say is reported on standard error, and so is every system call that\n"
     "would be answered differently there, found by evaluating both.\n",
     "sbx export --to oci nginx -o seccomp.json  # for runc, crun, podman\n"
     "sbx export --to docker --strict nginx      # status 1 if anything is lost\n"
     "sbx export --to kubernetes nginx -o nginx.yaml  # and nginx.json beside it\n"
     "sbx export --to bwrap default -o run.sh && ./run.sh ls /\n"},
    {Verb::Unit, "unit", "[OPTION]… POLICY [COMMAND [ARGUMENT]…]", "write a service unit that runs a program under sbx",
     "Writes a unit for systemd that runs COMMAND under POLICY (a name or a file), by default the\n"
     "program that the policy is made for: started anew after a failure, reloaded and stopped by\n"
     "signals that sbx passes on, with what of systemd's own confinement does not keep sbx from its\n"
     "work. It serves the system's service manager and a user's.\n",
     "sbx unit nginx -o /etc/systemd/system/web.service\n"
     "sbx unit ./mine.toml -- ./server --port 8080 >~/.config/systemd/user/mine.service\n"},
    {Verb::Score, "score", "POLICY|PID|UNIT…", "weigh how far something is exposed",
     "Says of a policy (a name or a file, also another tool's), of a process that runs, or of a\n"
     "service unit with its drop-ins, what it could reach or change, and what each such thing is\n"
     "worth, from 0.0 to 10.0. Items and weights are those of systemd-analyze security, with which\n"
     "the result for a unit agrees. What cannot be seen of a process is said, and counts as open.\n"
     "Exit status 1 if something is over --threshold.\n",
     "sbx score nginx                            # a policy\n"
     "sbx score nginx.service ./mine.service     # units, by name or file\n"
     "sbx score 4711                             # a process of any launcher\n"
     "sbx score --neutral --threshold 2.5 ./my.toml    # a check before a change goes in\n"},
    {Verb::Verify, "verify", "PID|NAME…", "compare a running sandbox with its policy",
     "Looks at the processes of a running sandbox, found by its own pid, by that of a process in\n"
     "it, or by the name of its policy or program, and says of each promise whether it holds:\n"
     "ids, namespaces, mounts and their flags, open files, capabilities, no_new_privs, filter,\n"
     "limits. Needs no root for one's own. Exit status 0: all holds, 1: something does not.\n",
     "sbx verify nginx\n"
     "sbx verify 4711                            # a pid, seen from outside\n"
     "sbx verify --json nginx\n"},
    {Verb::Audit, "audit", "[FILE|-]", "say what the kernel recorded of denials and crashes",
     "Reads the kernel's own records of any process, also of services and containers: calls that\n"
     "a seccomp filter killed, refused or logged, crashes, accesses that Landlock denied. Without\n"
     "FILE from auditd's log or the kernel log, which takes root; - is standard input. Calls are\n"
     "named for every ABI, equal records are counted. With --alert-on the exit status is 1 if a\n"
     "record fits, 2 if none does but not all could be read, else 0.\n",
     "sbx audit                                  # this machine's records, as root\n"
     "sbx audit /var/log/audit/audit.log.1       # a log, or: dmesg | sbx audit -\n"
     "sbx audit --follow                         # live, from the audit multicast group\n"
     "sbx audit --match 'call=ptrace and exe=/usr/sbin/*'\n"
     "sbx audit --since 5m --alert-on kill,crash # for monitoring\n"},
    {Verb::Why, "why", "[RUN|PID|NAME|last]", "tell the story of a run: what was denied, and why",
     "Tells what was denied in a run, in order, with the rule behind each denial and what would\n"
     "allow it, and what a crash had to do with it. Without an operand, of the last run in the log\n"
     "that met something; else of the one with this id (or its beginning), with a process of this\n"
     "pid, or the last under a policy or of a program of this NAME. With --fix the lines that would\n"
     "allow it are written to NAME.local.toml.new for review, never into force.\n"
     "Exit status 0: nothing was denied, 1: something was.\n",
     "sbx why                                    # the last run\n"
     "sbx why nginx\n"
     "sbx why 4711                               # a pid, seen from outside\n"
     "sbx why --fix nginx                        # then read the file, and rename it\n"},
    {Verb::Events, "events", "", "list what the log of runs holds",
     "Lists the events of this user's runs, oldest first: denials, crashes, limits. The log is in\n"
     "$XDG_STATE_HOME/sbx, by default ~/.local/state/sbx; report.log says what it keeps.\n",
     "sbx events --since 1h\n"
     "sbx events --follow --policy nginx\n"
     "sbx events --syscall ptrace --json\n"
     "sbx events --since 2026-11-24 --csv >events.csv\n"},
    {Verb::Doctor, "doctor", "", "say what this kernel and host allow",
     "Tries what `sbx run` needs, as an ordinary user, and prints for each item its state,\n"
     "what follows from it, and what to do. Exit status 1 if `sbx run` cannot work here.\n",
     "sbx doctor\n"
     "sbx doctor --json\n"},
    {Verb::Help, "help", "[VERB]", "explain sbx or one of its verbs",
     "Prints what sbx does, or what VERB does.\n", "sbx help run\n"},
    {Verb::Version, "version", "", "print the version", "Prints the version of sbx.\n",
     "sbx version\n"},
};

constexpr OptionInfo kOptions[] = {
    {Option::Policy, "run learn events", "Policy", "--policy", "-p", "NAME|FILE", false, Offer::Policy, "",
     "use this policy: a name from `sbx list`, or a file (with a slash or .toml); events: only its"},

    {Option::ReadOnly, "run learn explain", "Files", "--ro", "", "PATH[=AT]", true, Offer::Path, "",
     "show PATH read-only, at AT if given", policy::Key::FilesystemRead},
    {Option::ReadWrite, "run learn explain", "Files", "--rw", "", "PATH[=AT]", true, Offer::Path, "",
     "show PATH writable, at AT if given; nothing below it can be executed",
     policy::Key::FilesystemWrite},
    {Option::Overlay, "run learn explain", "Files", "--overlay", "", "PATH", true, Offer::Directory, "",
     "show PATH writable, without writing to it: changes stay in memory and are gone afterwards",
     policy::Key::FilesystemOverlay},
    {Option::Exec, "run learn explain", "Files", "--exec", "", "PATH", true, Offer::Path, "",
     "show PATH, and let nothing but what is named so be executed", policy::Key::FilesystemExec},
    {Option::Tmpfs, "run learn explain", "Files", "--tmpfs", "", "PATH", true, Offer::Directory, "",
     "an empty directory in memory at PATH, gone afterwards", policy::Key::FilesystemTmpfs},
    {Option::Hide, "run learn explain", "Files", "--hide", "", "PATH", true, Offer::Path, "",
     "take PATH out of what is shown", policy::Key::FilesystemHide},
    {Option::Workdir, "run learn", "Files", "--workdir", "", "DIR", false, Offer::Directory, "",
     "start COMMAND in DIR", policy::Key::CommandWorkdir},
    {Option::Home, "run learn explain", "Files", "--home", "", "MODE", false, Offer::Words, "",
     "the home directory inside: an empty private one, none, or the real one to read or write",
     policy::Key::FilesystemHome},

    {Option::Net, "run learn explain", "Network", "--net", "", "MODE", false, Offer::Words, "",
     "none: no network at all; private: a loopback of its own; host: the host's network",
     policy::Key::NetworkMode},
    {Option::Publish, "run learn explain", "Network", "--publish", "-P", "[ADDRESS:]PORT:INSIDE", true,
     Offer::Nothing, "",
     "offer the port INSIDE on the host's PORT; without ADDRESS on 127.0.0.1 only",
     policy::Key::NetworkPublish},
    {Option::Connect, "run learn explain", "Network", "--connect", "", "ADDRESS:PORT", true, Offer::Nothing, "",
     "let it connect to ADDRESS outside: 127.0.0.1:5432, 10.0.0.0/8:443, *:443, unix:PATH",
     policy::Key::NetworkConnect},
    {Option::Bind, "run learn explain", "Network", "--bind", "", "[ADDRESS:]PORT", true, Offer::Nothing, "",
     "let it bind no port but those that are named", policy::Key::NetworkBind},
    {Option::Dns, "run learn explain", "Network", "--dns", "", "host|ADDRESS", true, Offer::Nothing, "",
     "let it ask this name server, or those of this host", policy::Key::NetworkDns},

    {Option::Allow, "run learn explain", "System calls", "--allow", "", "NAME[,NAME]…", true,
     Offer::Nothing, "", "allow system calls or @groups of them", policy::Key::SeccompAllow},
    {Option::Deny, "run learn explain", "System calls", "--deny", "", "NAME[,NAME]…", true,
     Offer::Nothing, "", "deny system calls or @groups of them", policy::Key::SeccompDeny},
    {Option::Seccomp, "run", "System calls", "--seccomp", "", "FILE", false, Offer::Path, "",
     "take what the policy says about system calls from a profile of Docker, runc or crun instead"},
    {Option::Compat, "run import", "System calls", "--compat", "", "HOW", false, Offer::Words,
     "runc|strict",
     "a profile's rule that tests one argument twice: any test will do (runc), or all must hold"},
    {Option::OnViolation, "run explain", "System calls", "--on-violation", "", "WHAT", false,
     Offer::Words, "",
     "after a denied call was reported: kill, let it fail with an error number, or let it run",
     policy::Key::ReportOnViolation},

    {Option::Log, "run", "Reports", "--log", "", "WHAT", false, Offer::Words, "",
     "what the log keeps: runs with problems, all runs, or none", policy::Key::ReportLog},
    {Option::Sink, "run", "Reports", "--sink", "", "WHERE", true, Offer::Nothing, "",
     "send events to journald, syslog (or another socket: syslog:PATH) or descriptor fd:N too",
     policy::Key::ReportSinks},
    {Option::NotifyCommand, "run", "Reports", "--notify-command", "", "PROGRAM", false, Offer::Path, "",
     "run PROGRAM, outside, with what was denied or crashed on its standard input, as JSON lines",
     policy::Key::ReportNotifyCommand},

    {Option::Limit, "run learn explain", "Process", "--limit", "", "NAME=VALUE", true, Offer::Words, "",
     "limit a resource: memory=1G, processes=64, time=10m … (sizes K M G T, times s m h d)"},
    {Option::Env, "run learn explain", "Process", "--env", "", "NAME[=VALUE]", true, Offer::Nothing, "",
     "set a variable, or pass it on from your environment"},
    {Option::User, "run learn explain", "Process", "--user", "", "NAME|UID", false, Offer::Nothing, "",
     "who COMMAND believes to be", policy::Key::IdentityUser},
    {Option::KeepFd, "run", "Process", "--keep-fd", "", "N", true, Offer::Nothing, "",
     "leave descriptor N open beside 0, 1 and 2"},

    {Option::Tty, "run learn", "Process", "--tty", "", "WHEN", false, Offer::Words, "",
     "a terminal of COMMAND's own: auto, always or never; inherit: yours, with all it can do to you",
     policy::Key::TerminalMode},

    {Option::Restart, "run", "Running", "--restart", "", "WHEN", false, Offer::Words, "on-crash|never",
     "start COMMAND again after a crash, each time after a longer pause"},
    {Option::AllowDegraded, "run", "Running", "--allow-degraded", "", "NAME", true, Offer::Words,
     "landlock|cgroup|userns|notify", "run although this layer of protection is missing on this host"},
    {Option::DryRun, "run learn", "Running", "--dry-run", "", "", false, Offer::Nothing, "",
     "print what would be done, in order, and do nothing"},
    {Option::Explain, "run", "Running", "--explain", "", "", false, Offer::Nothing, "",
     "watch file, exec and network calls too, and tell which fail because of the policy (slower)"},
    {Option::SelfTest, "run", "Running", "--self-test", "", "", false, Offer::Nothing, "",
     "do not run COMMAND: try in its place what the policy forbids, and report"},
    {Option::TraceLaunch, "run", "Running", "--trace-launch", "", "", false, Offer::Nothing, "",
     "print the microseconds of each step of the launch"},
    {Option::Report, "run learn", "Running", "--report", "", "FILE", false, Offer::Path, "",
     "write every event to FILE, one JSON object a line; FILE is replaced at the end"},
    {Option::Quiet, "run learn minimize import export", "Running", "--quiet", "-q", "", false, Offer::Nothing, "",
     "print no events and no report, only errors"},

    {Option::Exact, "learn", "Learning", "--exact", "", "", false, Offer::Nothing, "",
     "watch every call, slowly, and grant none unseen"},
    {Option::Engine, "learn", "Learning", "--engine", "", "WHICH", false, Offer::Words, "auto|notify|ebpf",
     "who watches: programs in the kernel (root), or the supervisor; auto: the first that can"},
    {Option::Pid, "learn", "Learning", "--pid", "", "PID", false, Offer::Nothing, "",
     "watch a process that runs already, its threads and children (root)"},
    {Option::Unit, "learn", "Learning", "--unit", "", "UNIT", false, Offer::Nothing, "",
     "watch a systemd unit that runs, or the cgroup of that path (root)"},
    {Option::For, "learn", "Learning", "--for", "", "TIME", false, Offer::Nothing, "",
     "with --pid and --unit: for so long, as 30s, 10m, 2h; else until it ends or Ctrl-C"},
    {Option::View, "learn", "Learning", "--view", "", "WHAT", false, Offer::Words, "host|policy",
     "which files are there: the host's, or those that BASE shows"},
    {Option::Merge, "learn", "Learning", "--merge", "", "", false, Offer::Nothing, "",
     "unite with what earlier runs did, kept in FILE.seen beside the policy"},
    {Option::CheckPolicy, "learn", "Learning", "--check", "", "POLICY", false, Offer::Policy, "",
     "write nothing: exit with status 1 if the run needs what POLICY lacks, and list it"},
    {Option::Junit, "learn", "Learning", "--junit", "", "FILE", false, Offer::Path, "",
     "with --check: write the result to FILE as JUnit's XML"},
    {Option::Verify, "learn minimize", "Learning", "--verify", "", "WHEN", false, Offer::Words,
     "auto|always|never", "run COMMAND again under the policy; auto: where that changes nothing"},

    {Option::Origin, "show", "Output", "--origin", "", "", false, Offer::Nothing, "",
     "print where each value came from"},
    {Option::Neutral, "diff score", "Comparison", "--neutral", "", "", false, Offer::Nothing, "",
     "assume a host on which every path exists, so that the result is the same everywhere"},
    {Option::Threshold, "score", "Comparison", "--threshold", "", "N", false, Offer::Nothing, "",
     "exit with status 1 if the exposure is over N, from 0.0 to 10.0"},
    {Option::OnlyWider, "diff", "Comparison", "--only-wider", "", "", false, Offer::Nothing, "",
     "exit with status 1 only if B allows something that A does not"},
    {Option::From, "import", "Format", "--from", "", "FORMAT", false, Offer::Words, "oci|docker|firejail|systemd",
     "the format of FILE, where its content does not tell"},
    {Option::To, "export", "Format", "--to", "", "FORMAT", false, Offer::Words,
     "oci|docker|kubernetes|security-profiles-operator|bwrap|systemd",
     "the format to write"},
    {Option::Output, "learn minimize import export unit", "Output", "--output", "-o", "FILE", false, Offer::Path, "",
     "write to FILE, which is replaced as a whole"},
    {Option::OutputDirectory, "import", "Output", "--outdir", "", "DIR", false, Offer::Directory, "",
     "write a policy for each FILE to DIR, which is made if need be, and report on all of them"},
    {Option::Names, "list", "Output", "--names", "", "", false, Offer::Nothing, "",
     "print bare names, one a line"},
    {Option::Strict, "learn check import export", "Output", "--strict", "", "", false, Offer::Nothing, "",
     "exit with status 1 for warnings too, for anything that was changed or dropped, or for unused grants"},
    {Option::Follow, "audit events", "Records", "--follow", "-f", "", false, Offer::Nothing, "",
     "print each record as it comes, until a signal ends it; with --since also those before"},
    {Option::Since, "audit events", "Records", "--since", "", "TIME", false, Offer::Nothing, "",
     "leave out what was before TIME: 10m, 2h, 1d ago, or 2026-11-24T09:12 in UTC"},
    {Option::Match, "audit", "Records", "--match", "", "CONDITION", false, Offer::Nothing, "",
     "only records that fit: kill, crash, denied, logged, seccomp, landlock, or a field, as "
     "call=ptrace (see man sbx)"},
    {Option::AlertOn, "audit", "Records", "--alert-on", "", "CONDITION", false, Offer::Nothing, "",
     "mark the records that fit, and exit with status 1 if there was one"},
    {Option::Syscall, "events", "Records", "--syscall", "", "NAME", false, Offer::Nothing, "",
     "denials of this system call"},
    {Option::Exe, "events", "Records", "--exe", "", "PATH|NAME", false, Offer::Nothing, "",
     "what this program did: its path, or its base name"},
    {Option::Csv, "events", "Output", "--csv", "", "", false, Offer::Nothing, "",
     "print comma-separated values (RFC 4180), with a line of names first"},
    {Option::Fix, "why", "Output", "--fix", "", "", false, Offer::Nothing, "",
     "write the lines that would allow it to NAME.local.toml.new beside your policies, for review"},
    {Option::Dump, "syscall", "Output", "--dump", "", "", false, Offer::Nothing, "",
     "print every call, one a line, columns separated by tabs"},
    {Option::Json, "run learn check show explain diff list syscall import export score verify audit why events doctor", "Output", "--json", "", "",
     false, Offer::Nothing, "", "print JSON"},
    {Option::Color, "run learn check explain doctor", "Output", "--color", "", "WHEN", false,
     Offer::Words, "auto|always|never", "colour on standard error and in doctor's table"},
    {Option::NoColor, "run learn check explain doctor", "Output", "--no-color", "", "", false,
     Offer::Nothing, "", "the same as --color never; the variable NO_COLOR does it too"},
    {Option::DumpOptions, "help", "Output", "--dump-options", "", "", false, Offer::Nothing, "",
     "print every verb and option, one a line, for tests and tools"},
    {Option::Help, "run learn minimize check show explain diff list syscall schema import export unit score verify audit why events doctor help version", "Output",
     "--help", "-h", "", false, Offer::Nothing, "", "print this text"},
};

// Of words separated by blanks, without an allocation: every launch asks for each option.
bool has_word(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const std::size_t end = words.find(' ');
    if (words.substr(0, end) == word) {
      return true;
    }
    words.remove_prefix(end == std::string_view::npos ? words.size() : end + 1);
  }
  return false;
}

}  // namespace

std::span<const VerbInfo> verbs() {
  return kVerbs;
}

const VerbInfo& info(Verb verb) {
  return kVerbs[static_cast<std::size_t>(verb)];
}

std::optional<Verb> find_verb(std::string_view name) {
  for (const VerbInfo& verb : kVerbs) {
    if (verb.name == name) {
      return verb.verb;
    }
  }
  return std::nullopt;
}

std::span<const OptionInfo> options() {
  return kOptions;
}

const OptionInfo& info(Option option) {
  for (const OptionInfo& one : kOptions) {
    if (one.option == option) {
      return one;
    }
  }
  return kOptions[0];
}

std::vector<const OptionInfo*> options_of(Verb verb) {
  std::vector<const OptionInfo*> found;
  found.reserve(std::size(kOptions));
  for (const OptionInfo& option : kOptions) {
    if (has_word(option.verbs, info(verb).name)) {
      found.push_back(&option);
    }
  }
  return found;
}

std::vector<std::string> words_of(const OptionInfo& option) {
  if (option.offer != Offer::Words) {
    return {};
  }
  if (!option.words.empty()) {
    return split(option.words, '|');
  }
  if (option.key) {
    return split(policy::info(*option.key).choices, '|');
  }
  std::vector<std::string> limits;
  for (const policy::KeyInfo& key : policy::keys()) {
    if (key.table == "limits") {
      limits.push_back(std::string(key.name) + "=");
    }
  }
  return limits;
}

}  // namespace sbx::cli
