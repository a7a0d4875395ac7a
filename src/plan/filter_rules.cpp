// SPDX-License-Identifier: Apache-2.0
#include "plan/filter_rules.h"

#include <linux/sched.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "plan/address_rules.h"
#include "plan/launch_plan.h"
#include "plan/namespaces.h"

namespace sbx::plan {
namespace {

using seccomp::Action;
using seccomp::ArgumentTest;
using seccomp::Compare;
using seccomp::Condition;
using seccomp::Mediation;
using seccomp::Purpose;
using seccomp::Rule;
using seccomp::Verdict;

// Values of the kernel's interface that are the same on every architecture sbx runs on; the headers
// that define them clash with each other.
constexpr std::uint64_t kProtWrite = 2, kProtExec = 4;
constexpr std::uint64_t kMapShared = 0x1, kMapAnonymous = 0x20;
constexpr std::uint64_t kShmExec = 0100000;
constexpr std::uint64_t kOCreat = 0100, kOTmpfileBit = 020000000;
constexpr std::uint64_t kSetIdBits = 06000;
constexpr std::uint64_t kMsgFastopen = 0x2000'0000;
constexpr std::uint64_t kIpprotoMptcp = 262;
constexpr std::uint64_t kCloneNewTime = CLONE_NEWTIME;
constexpr std::uint64_t kCloneNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                           CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
// MMAP_PAGE_ZERO, ADDR_NO_RANDOMIZE, ADDR_COMPAT_LAYOUT, READ_IMPLIES_EXEC.
constexpr std::uint64_t kUnsafePersonality = 0x0074'0000;
constexpr std::uint64_t kPersonalityQuery = 0xffff'ffff;
constexpr std::uint64_t kTiocsti = 0x5412, kTioclinux = 0x541c, kTiocsetd = 0x5423;
// Requests 0x8900 ... 0x89ff belong to sockets and interfaces (linux/sockios.h).
constexpr std::uint64_t kSocketRequests = 0x8900, kSocketRequestMask = 0xffff'ff00;
constexpr std::uint64_t kSiocatmark = 0x8905;

const Origin kBuiltIn{"built in", 0, 0};

Condition test(int argument, int width, std::uint64_t mask, Compare compare, std::uint64_t value) {
  const std::uint64_t width_mask = width == 32 ? 0xffff'ffffull : ~0ull;
  return Condition{.kind = Condition::Kind::Test,
                   .test = ArgumentTest{.argument = static_cast<std::uint8_t>(argument),
                                        .width = static_cast<std::uint8_t>(width),
                                        .is_signed = false,
                                        .compare = compare,
                                        .mask = mask & width_mask,
                                        .value = value},
                   .operands = {}};
}

Condition any_bit(int argument, int width, std::uint64_t bits) {
  return test(argument, width, bits, Compare::NotEqual, 0);
}

Condition all_bits(int argument, int width, std::uint64_t bits) {
  return test(argument, width, bits, Compare::Equal, bits);
}

Condition equals(int argument, int width, std::uint64_t value) {
  return test(argument, width, ~0ull, Compare::Equal, value);
}

Condition combined(Condition::Kind kind, std::vector<Condition> operands) {
  return Condition{.kind = kind, .test = {}, .operands = std::move(operands)};
}

Condition all_of(std::vector<Condition> operands) {
  return combined(Condition::Kind::And, std::move(operands));
}

Condition any_of(std::vector<Condition> operands) {
  return combined(Condition::Kind::Or, std::move(operands));
}

Rule denial(Purpose purpose, const Origin& origin, std::string_view text,
            Condition condition = {}) {
  Rule rule;
  rule.condition = std::move(condition);
  rule.purpose = purpose;
  rule.origin = origin;
  rule.text = text;
  return rule;
}

Rule quiet(Rule rule, int errno_value) {
  rule.action = Action{Verdict::Errno, static_cast<std::uint16_t>(errno_value)};
  return rule;
}

using Rules = std::vector<OverlayRule>;

void add_write_exec(const Origin& origin, Rules& rules) {
  const auto deny = [&](std::string_view call, Condition condition) {
    rules.push_back(
        {call, Overlay::First,
         denial(Purpose::WriteExec, origin, "W^X: memory.wx = deny", std::move(condition))});
  };
  const auto forbid = [&](std::string_view call) {
    rules.push_back(
        {call, Overlay::Forbid, denial(Purpose::WriteExec, origin, "W^X: memory.wx = deny")});
  };
  // Shared anonymous memory that is executable can be had twice, by mremap, and one of the two made
  // writable, past the kernel's own MDWE (measured on 6.18).
  deny("mmap",
       any_of({all_bits(2, 64, kProtWrite | kProtExec),
               all_of({any_bit(2, 64, kProtExec), all_bits(3, 64, kMapShared | kMapAnonymous)})}));
  deny("mprotect", any_bit(2, 64, kProtExec));
  deny("pkey_mprotect", any_bit(2, 64, kProtExec));
  deny("shmat", any_bit(2, 32, kShmExec));
  // A size of 0 asks for a second mapping. The kernel rounds up to whole pages before it looks, so
  // the last sizes of the range are 0 as well; nothing above the middle is a real one.
  deny("mremap", any_of({equals(1, 64, 0), test(1, 64, ~0ull, Compare::Greater, INT64_MAX)}));
  // The query changes nothing and has all bits set.
  deny("personality", all_of({any_bit(0, 32, kUnsafePersonality),
                              test(0, 32, ~0ull, Compare::NotEqual, kPersonalityQuery)}));
  // Writing into code: through page protections (ptrace), of another process, or into pages that a
  // fault handler fills (UFFDIO_COPY asks for no write right of the mapping).
  for (const std::string_view call : {"ptrace", "process_vm_writev", "userfaultfd"}) {
    deny(call, {});
  }
  forbid("remap_file_pages");
  forbid("modify_ldt");
}

void add_memfd(const Origin& origin, Rules& rules) {
  // Memory with a file's name: filled by write, then mapped executable, past every path rule.
  for (const std::string_view call : {"memfd_create", "memfd_secret"}) {
    rules.push_back(
        {call, Overlay::Forbid, denial(Purpose::WriteExec, origin, "W^X: memory.memfd = deny")});
  }
}

void add_namespaces(const std::vector<policy::LayeredName>& kinds, Rules& rules) {
  const auto denied = [&](Condition condition) {
    return kinds.empty()
               ? denial(Purpose::Namespaces, kBuiltIn, "no nested namespaces", std::move(condition))
               : denial(Purpose::Namespaces, kinds.back().origin, "not in namespaces.nested",
                        std::move(condition));
  };
  const std::uint64_t nested = flags_of(kinds);
  const std::uint64_t forbidden = (kCloneNamespaces | kCloneNewTime) & ~nested;
  // CLONE_NEWTIME lies in clone's signal number: only unshare knows it (clone(2)).
  if ((forbidden & kCloneNamespaces) != 0) {
    rules.push_back({"clone", Overlay::First, denied(any_bit(0, 32, forbidden & kCloneNamespaces))});
  }
  if (forbidden != 0) {
    rules.push_back({"unshare", Overlay::First, denied(any_bit(0, 64, forbidden))});
  }
  if (nested == 0) {
    rules.push_back({"setns", Overlay::Forbid, denied({})});
  } else {
    // 0 stands for whatever kind the descriptor is of (setns(2)).
    rules.push_back({"setns", Overlay::First,
                     denied(any_of({equals(1, 32, 0), any_bit(1, 32, ~nested)}))});
  }
  // Its flags are behind a pointer. ENOSYS, and never EPERM: libc then falls back to clone.
  rules.push_back({"clone3", Overlay::Replace, quiet(denied({}), ENOSYS)});
}

void add_terminal(Rules& rules) {
  // A terminal types, pastes or changes discipline for the shell that has it after the command.
  // The kernel reads 32 bits of the request: upper bits must not lead round this.
  rules.push_back({"ioctl", Overlay::First,
                   denial(Purpose::Launch, kBuiltIn, "no input into the caller's terminal",
                          any_of({equals(1, 32, kTiocsti), equals(1, 32, kTioclinux),
                                  equals(1, 32, kTiocsetd)}))});
}

// The vsyscall page is code at one address in every process, which no randomisation moves; the kernel
// emulates it by these calls. Libraries have used the vDSO instead since 2012.
void add_vsyscall(Rules& rules) {
  constexpr std::uint64_t kPage = 0xffff'ffff'ff60'0000, kPageMask = ~std::uint64_t{0xfff};
  for (const std::string_view call : {"time", "gettimeofday", "getcpu"}) {
    rules.push_back({call, Overlay::First,
                     quiet(denial(Purpose::Launch, kBuiltIn, "no calls by the vsyscall page",
                                  test(seccomp::kInstructionPointer, 64, kPageMask, Compare::Equal, kPage)),
                           ENOSYS)});
  }
}

void add_set_id_bits(Rules& rules) {
  struct Mode {
    std::string_view call;
    int argument;
    int flags;  // the argument that says whether a file is made; -1: always
  };
  constexpr Mode kModes[] = {{"chmod", 1, -1},     {"fchmod", 1, -1},  {"fchmodat", 2, -1},
                             {"fchmodat2", 2, -1}, {"mkdir", 1, -1},   {"mkdirat", 2, -1},
                             {"mknod", 1, -1},     {"mknodat", 2, -1}, {"creat", 1, -1},
                             {"open", 2, 1},       {"openat", 3, 2}};
  for (const Mode& mode : kModes) {
    Condition condition = any_bit(mode.argument, 32, kSetIdBits);
    if (mode.flags >= 0) {
      condition = all_of({std::move(condition), any_bit(mode.flags, 32, kOCreat | kOTmpfileBit)});
    }
    rules.push_back(
        {mode.call, Overlay::Default,
         denial(Purpose::Policy, kBuiltIn, "setuid and setgid bits", std::move(condition))});
  }
  // Its mode is behind a pointer. A file with the bit in a directory that was granted for writing
  // outlives the sandbox, and lies on a mount without nosuid there. Who has openat2 has a way
  // without it, for kernels before 5.6.
  rules.push_back({"openat2", Overlay::Replace,
                   quiet(denial(Purpose::Policy, kBuiltIn, "setuid and setgid bits by openat2"), ENOSYS)});
}

// What the rules about sockets are for: a key of the policy.
struct SocketOwner {
  Purpose purpose;
  Origin origin;
  std::string_view text;

  Rule denied(Condition condition) const {
    return denial(purpose, origin, text, std::move(condition));
  }
  Rule mediated(Mediation mediation, Condition condition = {}) const {
    Rule rule = denied(std::move(condition));
    rule.mediation = mediation;
    return rule;
  }
};

Condition option(std::uint64_t level, std::uint64_t name) {
  return all_of({equals(1, 32, level), equals(2, 32, name)});
}

// Options by which packets go to another place than the address that connect was asked about:
// source routes, and routing headers in the many ways to set them. Not every kernel asks for a
// privilege (6.18 does for a source route).
Condition redirecting_options() {
  constexpr std::uint64_t kIp = 0, kIpv6 = 41;
  constexpr std::uint64_t kIpOptions = 4;
  constexpr std::uint64_t k2292Rthdr = 5, k2292PktOptions = 6, kNextHop = 9, kFlowLabelMgr = 32,
                          kRthdr = 57;
  return any_of({option(kIp, kIpOptions), option(kIpv6, k2292Rthdr), option(kIpv6, k2292PktOptions),
                 option(kIpv6, kNextHop), option(kIpv6, kFlowLabelMgr), option(kIpv6, kRthdr)});
}

// Options that choose an interface of the network outside, or join groups there.
Condition interface_options() {
  constexpr std::uint64_t kSocket = 1, kIp = 0, kIpv6 = 41;
  constexpr std::uint64_t kBindToDevice = 25, kBindToIfindex = 62;
  constexpr std::uint64_t kUnicastIf = 50, kMulticastIf = 32, kAddMembership = 35,
                          kAddSourceMembership = 39, kJoinGroup = 42, kJoinSourceGroup = 46;
  constexpr std::uint64_t kIpv6MulticastIf = 17, kIpv6Join = 20, kJoinAnycast = 27, kPktinfo = 50,
                          kIpv6UnicastIf = 76;
  return any_of({option(kSocket, kBindToDevice), option(kSocket, kBindToIfindex),
                 option(kIp, kUnicastIf), option(kIp, kMulticastIf), option(kIp, kAddMembership),
                 option(kIp, kAddSourceMembership), option(kIp, kJoinGroup),
                 option(kIp, kJoinSourceGroup), option(kIpv6, kIpv6MulticastIf),
                 option(kIpv6, kIpv6Join), option(kIpv6, kJoinAnycast), option(kIpv6, kPktinfo),
                 option(kIpv6, kIpv6UnicastIf), option(kIpv6, kJoinGroup),
                 option(kIpv6, kJoinSourceGroup)});
}

// A socket of the internet that is neither TCP nor UDP.
Condition other_transports() {
  constexpr std::uint64_t kInet = 2, kInet6 = 10, kStream = 1, kDatagram = 2, kTypes = 0xf;
  constexpr std::uint64_t kTcp = 6, kUdp = 17;
  const auto type_is = [](Compare compare, std::uint64_t type) {
    return test(1, 32, kTypes, compare, type);
  };
  const auto protocol_is_not = [](std::uint64_t protocol) {
    return test(2, 32, ~0ull, Compare::NotEqual, protocol);
  };
  return all_of(
      {any_of({equals(0, 32, kInet), equals(0, 32, kInet6)}),
       any_of({all_of({type_is(Compare::NotEqual, kStream), type_is(Compare::NotEqual, kDatagram)}),
               all_of({protocol_is_not(0), protocol_is_not(kTcp), protocol_is_not(kUdp)})})});
}

// Whatever connects without connect.
void add_side_doors(const SocketOwner& owner, Rules& rules) {
  // TCP Fast Open.
  rules.push_back({"sendto", Overlay::First, owner.denied(any_bit(3, 32, kMsgFastopen))});
  rules.push_back({"sendmsg", Overlay::First, owner.denied(any_bit(2, 32, kMsgFastopen))});
  rules.push_back({"sendmmsg", Overlay::First, owner.denied(any_bit(3, 32, kMsgFastopen))});
  rules.push_back({"setsockopt", Overlay::First, owner.denied(redirecting_options())});
  // Its operations pass by the filter, connect and send among them.
  for (const std::string_view call : {"io_uring_setup", "io_uring_enter", "io_uring_register"}) {
    rules.push_back({call, Overlay::Forbid, owner.denied({})});
  }
  // Transports that connect by options or messages of their own (SCTP, DCCP).
  rules.push_back({"socket", Overlay::First, owner.denied(other_transports())});
  // Multipath TCP opens further connections by itself. Programs take this answer and use TCP.
  rules.push_back({"socket", Overlay::First,
                   quiet(owner.denied(equals(2, 32, kIpprotoMptcp)), EPROTONOSUPPORT)});
}

// An injected socket belongs to the network outside. Nothing may make a client of another place of
// it, nor a listener on another port, behind the supervisor's back.
void add_injected(const SocketOwner& owner, Rules& rules) {
  rules.push_back({"bind", Overlay::Mediate, owner.mediated(Mediation::Bind)});
  // Interface requests act on the network of the socket.
  rules.push_back(
      {"ioctl", Overlay::First,
       owner.denied(all_of({test(1, 32, kSocketRequestMask, Compare::Equal, kSocketRequests),
                            test(1, 32, ~0ull, Compare::NotEqual, kSiocatmark)}))});
  rules.push_back({"setsockopt", Overlay::First, owner.denied(interface_options())});
}

void add_sends(const SocketOwner& owner, Rules& rules) {
  rules.push_back({"sendto", Overlay::Mediate,
                   owner.mediated(Mediation::Send, test(4, 64, ~0ull, Compare::NotEqual, 0))});
  // Whether they name an address, only memory says.
  rules.push_back({"sendmsg", Overlay::Mediate, owner.mediated(Mediation::Send)});
  rules.push_back({"sendmmsg", Overlay::Mediate, owner.mediated(Mediation::Send)});
}

bool names_servers(const policy::Policy& policy) {
  return !policy.dns.empty() && policy.dns.front().value != "none";
}

void add_sockets(const policy::Policy& policy, Rules& rules) {
  const bool private_network = policy.network_mode.value == "private";
  const bool has_dns = private_network && names_servers(policy);
  const bool connects = !policy.connect.empty() || has_dns, binds = !policy.bind.empty();
  const bool injects = (private_network && connects) || !policy.publish.empty();
  const SocketOwner publish{
      Purpose::Publish, policy.publish.empty() ? kBuiltIn : policy.publish.front().origin,
      "network.publish"};
  const SocketOwner connect{Purpose::Network,
                            !policy.connect.empty() ? policy.connect.front().origin
                            : has_dns               ? policy.dns.front().origin
                                                    : kBuiltIn,
                            "network.connect"};
  const SocketOwner bind{Purpose::Network, binds ? policy.bind.front().origin : kBuiltIn,
                         "network.bind"};
  const SocketOwner& owner = connects ? connect : publish;
  if (injects || connects) {
    // Who lists an address means the call too, whatever group or rule refuses it.
    const bool grants =
        names_servers(policy) ||
        std::any_of(policy.connect.begin(), policy.connect.end(),
                    [](const policy::Text& entry) { return entry.value != "none"; });
    rules.push_back({"connect", grants ? Overlay::Replace : Overlay::Mediate,
                     owner.mediated(Mediation::Connect)});
    add_side_doors(owner, rules);
  }
  if (injects) {
    add_injected(owner, rules);
  }
  if (binds) {
    rules.push_back({"bind", Overlay::Mediate, bind.mediated(Mediation::Bind)});
  }
  // A client's socket that has let go of its connection would listen on a port of the host's own
  // choice. A published one keeps the port that it was bound to.
  if ((private_network && connects) || binds) {
    const SocketOwner& listener = binds ? bind : connect;
    rules.push_back({"listen", Overlay::Mediate, listener.mediated(Mediation::Listen)});
  }
  if (mediates_sends(policy)) {
    add_sends(connect, rules);
  }
}

void add_pretended_ids(const Origin& origin, Rules& rules) {
  for (const std::string_view call :
       {"setuid", "setgid", "setgroups", "setreuid", "setregid", "setresuid", "setresgid",
        "setfsuid", "setfsgid", "chown", "fchown", "lchown", "fchownat"}) {
    rules.push_back(
        {call, Overlay::Replace,
         quiet(denial(Purpose::PretendUid, origin, "identity.single-uid = pretend"), 0)});
  }
}

// The launch's own last but one call waits for the supervisor here, whatever the policy says of
// prctl. Whoever sends the mark later is denied: by then nobody waits for it.
void add_launch_gate(const HostFacts& facts, Rules& rules) {
  constexpr int kUnusedArgument = 5;
  if (!facts.has_listener) {
    // Nobody could let it by: this one call is allowed, which takes something away from the caller.
    constexpr std::uint64_t kSetDumpable = 4;
    Rule allowed = denial(Purpose::Launch, kBuiltIn, "the launch hides its memory",
                          all_of({equals(0, 32, kSetDumpable), equals(1, 64, 0)}));
    allowed.action.verdict = Verdict::Allow;
    rules.push_back({"prctl", Overlay::Before, std::move(allowed)});
    return;
  }
  rules.push_back({"prctl", Overlay::Before,
                   denial(Purpose::Launch, kBuiltIn, "the launch waits for its supervisor",
                          equals(kUnusedArgument, 64, kLaunchMark))});
}

// --allow-degraded userns: what a mount, ipc, pid or network namespace would have kept apart, and
// Landlock does not hold, is closed by number. On the host's own tree any file of the user's may be
// named: Landlock has no right for its mode, owner, times and attributes, nor for sockets in it.
void add_lost_namespaces(const policy::Policy& policy, Rules& rules) {
  const auto deny = [&](std::string_view call, const char* text, Condition condition) {
    rules.push_back({call, Overlay::First, denial(Purpose::Launch, kBuiltIn, text, std::move(condition))});
  };
  const auto forbid = [&](std::initializer_list<std::string_view> calls, const char* text) {
    for (const std::string_view call : calls) {
      rules.push_back({call, Overlay::Forbid, denial(Purpose::Launch, kBuiltIn, text)});
    }
  };
  forbid({"chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat", "utime",
          "utimes", "futimesat", "setxattr", "lsetxattr", "fsetxattr", "setxattrat",
          "removexattr", "lremovexattr", "fremovexattr", "removexattrat", "file_setattr",
          "inotify_add_watch"},
         "without a mount namespace: the host's files");
  // Without a path it acts on a file that is open, as touch(1) does.
  deny("utimensat", "without a mount namespace: the host's files", test(1, 64, ~0ull, Compare::NotEqual, 0));
  constexpr std::uint64_t kFsIocSetFlags = 0x4008'6602, kFsIocFsSetXattr = 0x401c'5820;
  deny("ioctl", "without a mount namespace: the host's files",
       any_of({equals(1, 32, kFsIocSetFlags), equals(1, 32, kFsIocFsSetXattr)}));
  forbid({"shmget", "shmat", "shmctl", "msgget", "msgsnd", "msgrcv", "msgctl", "semget", "semop",
          "semtimedop", "semctl", "mq_open", "mq_unlink"},
         "without an ipc namespace: the host's queues and shared memory");
  // 0 is the caller itself.
  constexpr const char* kProcesses = "without a pid namespace: other processes of the user";
  for (const std::string_view call : {"prlimit64", "sched_setaffinity", "sched_setscheduler",
                                      "sched_setparam", "sched_setattr"}) {
    deny(call, kProcesses, test(0, 32, ~0ull, Compare::NotEqual, 0));
  }
  for (const std::string_view call : {"setpriority", "ioprio_set"}) {
    const std::uint64_t one_process = call == "setpriority" ? 0 : 1;  // PRIO_PROCESS, IOPRIO_WHO_PROCESS
    deny(call, kProcesses, any_of({test(0, 32, ~0ull, Compare::NotEqual, one_process),
                                   test(1, 32, ~0ull, Compare::NotEqual, 0)}));
  }
  if (policy.network_mode.value == "host") {
    return;
  }
  constexpr const char* kNetwork = "without a network namespace: the host's network and sockets";
  constexpr std::uint64_t kTypeMask = 0xf, kStream = 1, kSeqpacket = 5;
  forbid({"socket", "connect", "bind"}, kNetwork);
  // Every look-up of a user's name tries the name service's socket: no report.
  constexpr std::uint64_t kAfUnix = 1;
  rules.push_back({"socket", Overlay::Before,
                   quiet(denial(Purpose::Launch, kBuiltIn, kNetwork, equals(0, 32, kAfUnix)), EAFNOSUPPORT)});
  // A pair of datagram sockets, which AF_UNIX also makes of SOCK_RAW, can send to any address.
  deny("socketpair", kNetwork,
       all_of({test(1, 32, kTypeMask, Compare::NotEqual, kStream),
               test(1, 32, kTypeMask, Compare::NotEqual, kSeqpacket)}));
  deny("sendto", kNetwork, test(4, 64, ~0ull, Compare::NotEqual, 0));
}

// Without these no program can return from a signal handler, or end.
void add_ends(Rules& rules) {
  for (const std::string_view call : {"rt_sigreturn", "restart_syscall", "exit", "exit_group"}) {
    Rule rule = denial(Purpose::Launch, kBuiltIn, "every program needs it");
    rule.action.verdict = Verdict::Allow;
    rules.push_back({call, Overlay::Replace, std::move(rule)});
  }
}

}  // namespace

bool mediates_sends(const policy::Policy& policy) {
  if (policy.network_mode.value == "host") {
    return !policy.connect.empty();
  }
  return names_servers(policy) || std::any_of(policy.connect.begin(), policy.connect.end(), [](const policy::Text& entry) {
    const auto rule = parse_connect(entry.value, entry.origin);
    return rule && rule->kind != AddressRule::Kind::Unix && rule->transport == Transport::Udp;
  });
}

std::vector<OverlayRule> overlay_rules(const policy::Policy& policy, const HostFacts& facts) {
  Rules rules;
  rules.reserve(64);
  add_set_id_bits(rules);
  add_sockets(policy, rules);
  add_terminal(rules);
  add_vsyscall(rules);
  if (policy.wx.value != "allow") {
    add_write_exec(policy.wx.origin, rules);
  }
  if (policy.memfd.value != "allow") {
    add_memfd(policy.memfd.origin, rules);
  }
  add_namespaces(policy.nested, rules);
  if (!facts.has_namespaces) {
    add_lost_namespaces(policy, rules);
  }
  if (policy.single_uid.value == "pretend") {
    add_pretended_ids(policy.single_uid.origin, rules);
  }
  add_ends(rules);
  add_launch_gate(facts, rules);
  return rules;
}

}  // namespace sbx::plan
