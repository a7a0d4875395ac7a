// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <linux/audit.h>

#include <cerrno>
#include <chrono>

#include <fmt/format.h>

#include "plan/expand.h"
#include "seccomp/compile.h"
#include "seccomp/groups.h"
#include "seccomp/syscall_table.h"

using namespace sbx;
using seccomp::Arch;
using seccomp::Mediation;
using seccomp::Purpose;
using seccomp::Verdict;

namespace {

struct RuleLine {
  std::vector<std::string> calls;
  const char* when;
  const char* action;
  int layer;
};

class PolicyText {
 public:
  PolicyText() {
    policy_.seccomp_default = {"deny", {"built in", 0, 0}};
    policy_.wx = {"deny", {"base.toml", 40, 1}};
    policy_.memfd = {"deny", {"base.toml", 41, 1}};
    policy_.single_uid = {"map", {"built in", 0, 0}};
    policy_.network_mode = {"private", {"built in", 0, 0}};
  }
  PolicyText& allow(const char* name, int layer = 0) {
    policy_.allow.push_back({name, {"p.toml", ++line_, 3}, layer});
    return *this;
  }
  PolicyText& deny(const char* name, int layer = 0) {
    policy_.deny.push_back({name, {"p.toml", ++line_, 3}, layer});
    return *this;
  }
  PolicyText& rule(const RuleLine& line) {
    policy::LayeredRule layered;
    layered.layer = line.layer;
    layered.rule.origin = {"p.toml", ++line_, 1};
    for (const std::string& call : line.calls) {
      layered.rule.syscalls.push_back({call, {"p.toml", line_, 12}});
    }
    layered.rule.when = {line.when, {"p.toml", ++line_, 9}};
    layered.rule.action = {line.action, {"p.toml", ++line_, 10}};
    policy_.rules.push_back(layered);
    return *this;
  }
  PolicyText& publish() {
    policy_.publish.push_back({"127.0.0.1:8080:80", {"p.toml", 99, 3}});
    return *this;
  }
  PolicyText& connect(const char* entry) {
    policy_.connect.push_back({entry, {"p.toml", 97, 3}});
    return *this;
  }
  PolicyText& family(const char* word) {
    policy_.families.push_back({word, {"p.toml", 98, 3}});
    return *this;
  }
  PolicyText& set(policy::Text policy::Policy::*field, const char* value) {
    policy_.*field = {value, {"p.toml", 77, 1}};
    return *this;
  }
  Result<seccomp::FilterSpec> expand(Arch arch = Arch::X86_64) const {
    plan::HostFacts facts;
    facts.arch = arch;
    return plan::expand_filter(policy_, facts);
  }
  seccomp::FilterSpec spec(Arch arch = Arch::X86_64) const {
    auto expanded = expand(arch);
    INFO((expanded ? "" : to_text(expanded.error())));
    REQUIRE(expanded);
    const auto program = seccomp::compile(*expanded);
    REQUIRE(program);
    const auto verified = seccomp::verify(*expanded, *program);
    INFO((verified ? "" : to_text(verified.error())));
    REQUIRE(verified);
    return *std::move(expanded);
  }

 private:
  policy::Policy policy_;
  int line_ = 0;
};

using Args = std::vector<std::uint64_t>;

seccomp_data call_of(const seccomp::FilterSpec& spec, const char* name, const Args& args = {}) {
  seccomp_data call{};
  call.arch = seccomp::audit_arch(spec.arch);
  call.nr = seccomp::number_of(spec.arch, name).value();
  std::copy(args.begin(), args.end(), call.args);
  return call;
}

// What the program answers, and who the meaning says is responsible, in one word.
std::string answer(const seccomp::FilterSpec& spec, const char* name, const Args& args = {}) {
  const seccomp_data call = call_of(spec, name, args);
  const seccomp::Rule& rule = seccomp::evaluate(spec, call);
  const auto program = seccomp::compile(spec);
  CHECK(seccomp::simulate(*program, call) == seccomp::to_return_value(rule.action));
  switch (rule.action.verdict) {
    case Verdict::Allow:
      return "allow";
    case Verdict::Errno:
      return fmt::format("errno {}", rule.action.errno_value);
    case Verdict::Kill:
      return "kill at once";
    case Verdict::Notify:
      break;
  }
  switch (rule.mediation) {
    case Mediation::Deny:
      return rule.kill ? "kill" : fmt::format("deny {}", rule.denied_errno);
    case Mediation::Log:
      return "log";
    case Mediation::Bind:
      return "bind";
    case Mediation::Connect:
      return "connect";
    case Mediation::Listen:
      return "listen";
    case Mediation::Send:
      return "send";
    case Mediation::Observe:
    case Mediation::ObserveLacking:
    case Mediation::ObserveRefused:
      return "observe";
    case Mediation::Watch:
      return "watch";
  }
  return "?";
}

}  // namespace

TEST_CASE("filter: precedence of the policy's rules", "[filter]") {
  struct Row {
    const char* what;
    PolicyText policy;
    const char* call;
    Args args;
    const char* answer;
  };
  const Row rows[] = {
      {"nothing said", PolicyText(), "read", {}, "deny 1"},
      {"by name", PolicyText().allow("read"), "read", {}, "allow"},
      {"by group", PolicyText().allow("@basic-io"), "read", {}, "allow"},
      {"nested group", PolicyText().allow("@system-service"), "read", {}, "allow"},
      {"group and deny by name", PolicyText().allow("@basic-io").deny("read"), "read", {}, "deny 1"},
      {"deny of a group, allow by name", PolicyText().deny("@basic-io", 5).allow("read", 0), "read", {},
       "allow"},
      {"tie of names", PolicyText().deny("read").allow("read"), "read", {}, "deny 1"},
      {"later layer allows", PolicyText().deny("read", 1).allow("read", 2), "read", {}, "allow"},
      {"later layer denies", PolicyText().allow("read", 1).deny("read", 2), "read", {}, "deny 1"},
      {"tie of groups", PolicyText().allow("@basic-io").deny("@system-service"), "read", {}, "deny 1"},
      {"later group", PolicyText().deny("@system-service", 0).allow("@basic-io", 1), "read", {}, "allow"},
      {"a nested group is not more specific",
       PolicyText().allow("@basic-io", 0).deny("@system-service", 1), "read", {}, "deny 1"},
      {"rule without condition beats group",
       PolicyText().allow("@basic-io", 9).rule({{"read"}, "", "errno(EIO)", 0}), "read", {}, "errno 5"},
      {"rule and allow in one layer: the stricter",
       PolicyText().allow("read").rule({{"read"}, "", "errno(EIO)", 0}), "read", {}, "errno 5"},
      {"kill before deny", PolicyText().deny("read").rule({{"read"}, "", "kill", 0}), "read", {}, "kill"},
      {"log", PolicyText().rule({{"read"}, "", "log", 0}), "read", {}, "log"},
      {"notify is deny", PolicyText().rule({{"read"}, "", "notify", 0}), "read", {}, "deny 1"},
      {"condition before name", PolicyText().allow("read", 9).rule({{"read"}, "fd == 7", "deny", 0}),
       "read", {7}, "deny 1"},
      {"condition that does not hold",
       PolicyText().allow("read", 9).rule({{"read"}, "fd == 7", "deny", 0}), "read", {8}, "allow"},
      {"condition alone: else denied", PolicyText().rule({{"read"}, "fd == 7", "allow", 0}), "read", {8},
       "deny 1"},
      {"later condition first",
       PolicyText().rule({{"read"}, "fd == 7", "deny", 0}).rule({{"read"}, "fd < 9", "allow", 1}), "read",
       {7}, "allow"},
      {"tie of conditions",
       PolicyText().rule({{"read"}, "fd < 9", "allow", 0}).rule({{"read"}, "fd == 7", "deny", 0}), "read",
       {7}, "deny 1"},
      {"a group in a condition",
       PolicyText().allow("@basic-io").rule({{"pread64", "read"}, "fd == 7", "kill", 0}), "pread64", {7},
       "kill"},
      {"other architecture's name", PolicyText().allow("mmap2").allow("read"), "read", {}, "allow"},
      {"default errno", PolicyText().set(&policy::Policy::seccomp_default, "errno(EACCES)"), "read", {},
       "errno 13"},
      {"default kill", PolicyText().set(&policy::Policy::seccomp_default, "kill"), "read", {}, "kill"},
      {"exit cannot be denied", PolicyText().deny("exit_group").deny("rt_sigreturn"), "exit_group", {},
       "allow"},
      {"sigreturn", PolicyText(), "rt_sigreturn", {}, "allow"},
      {"execve is not granted", PolicyText().allow("@floor"), "execve", {}, "deny 1"},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    CHECK(answer(row.policy.spec(), row.call, row.args) == row.answer);
  }
}

TEST_CASE("filter: W^X", "[filter]") {
  const auto closed = PolicyText().allow("@system-service").allow("modify_ldt").spec();
  const auto open = PolicyText()
                        .allow("@system-service")
                        .allow("@pkey")
                        .set(&policy::Policy::wx, "allow")
                        .set(&policy::Policy::memfd, "allow")
                        .spec();
  struct Row {
    const char* call;
    Args args;
    const char* answer;
  };
  const Row rows[] = {
      {"mmap", {0, 4096, 1, 0x22}, "allow"},
      {"mmap", {0, 4096, 3, 0x22}, "allow"},
      {"mmap", {0, 4096, 5, 0x2}, "allow"},
      {"mmap", {0, 4096, 6, 0x22}, "deny 1"},
      {"mmap", {0, 4096, 7, 0x2}, "deny 1"},
      {"mmap", {0, 4096, 0xffffffff'00000007, 0x2}, "deny 1"},
      {"mmap", {0, 4096, 5, 0x21}, "deny 1"},  // shared anonymous
      {"mmap", {0, 4096, 5, 0x22}, "allow"},
      {"mmap", {0, 4096, 5, 0x1}, "allow"},
      {"mprotect", {0, 4096, 3}, "allow"},
      {"mprotect", {0, 4096, 4}, "deny 1"},
      {"mprotect", {0, 4096, 5}, "deny 1"},
      {"mprotect", {0, 4096, 0x1'0000'0005}, "deny 1"},
      {"shmat", {0, 0, 0}, "allow"},
      {"shmat", {0, 0, 0100000}, "deny 1"},
      {"mremap", {0, 0, 4096}, "deny 1"},
      {"mremap", {0, ~0ull, 4096}, "deny 1"},  // rounds up to 0
      {"mremap", {0, ~0ull - 4094, 4096}, "deny 1"},
      {"mremap", {0, 1, 4096}, "allow"},
      {"mremap", {0, 1ull << 40, 4096}, "allow"},
      {"personality", {0}, "allow"},
      {"personality", {8}, "allow"},
      {"personality", {0xffffffff}, "allow"},
      {"personality", {~0ull}, "allow"},
      {"personality", {0x0400000}, "deny 1"},
      {"personality", {0x1'0040'0000}, "deny 1"},
      {"personality", {0x0040000}, "deny 1"},
      {"remap_file_pages", {}, "deny 1"},
      {"modify_ldt", {1}, "allow"},  // by name
      {"memfd_create", {}, "deny 1"},
      {"memfd_secret", {}, "deny 1"},
      {"userfaultfd", {}, "deny 1"},
  };
  for (const Row& row : rows) {
    INFO(row.call << fmt::format(" {:#x}", fmt::join(row.args, " ")));
    CHECK(answer(closed, row.call, row.args) == row.answer);
    CHECK(answer(open, row.call, row.args) ==
          (std::string(row.call) == "modify_ldt" ? "deny 1" : "allow"));
    if (row.answer == std::string("deny 1")) {
      CHECK(seccomp::evaluate(closed, call_of(closed, row.call, row.args)).purpose ==
            Purpose::WriteExec);
    }
  }
  const auto group = PolicyText().allow("@cpu-emulation").allow("@pkey").spec();
  CHECK(answer(group, "modify_ldt") == "deny 1");
  CHECK(answer(group, "pkey_mprotect", {0, 4096, 5}) == "deny 1");
  CHECK(answer(group, "pkey_mprotect", {0, 4096, 3}) == "allow");
  // What the policy does not allow at all is told as such.
  const auto& rule = seccomp::evaluate(group, call_of(group, "mmap", {0, 4096, 7}));
  CHECK(rule.purpose == Purpose::Default);
}

TEST_CASE("filter: nested namespaces", "[filter]") {
  const auto spec = PolicyText().allow("@system-service").allow("@mount").spec();
  for (const std::uint64_t flag : {0x20000ull, 0x2000000ull, 0x4000000ull, 0x8000000ull, 0x10000000ull,
                                   0x20000000ull, 0x40000000ull}) {
    CHECK(answer(spec, "clone", {flag | 17}) == "deny 1");
    CHECK(answer(spec, "clone", {flag | 0xabcd'0000'0000'0000}) == "deny 1");
    CHECK(answer(spec, "unshare", {flag}) == "deny 1");
  }
  CHECK(answer(spec, "clone", {0x3d0f00}) == "allow");  // a thread
  CHECK(answer(spec, "clone", {0x1'0000'0011}) == "allow");
  CHECK(answer(spec, "clone", {0x80}) == "allow");  // part of the signal number there
  CHECK(answer(spec, "unshare", {0x80}) == "deny 1");
  CHECK(answer(spec, "unshare", {0x200}) == "allow");
  CHECK(answer(spec, "setns", {3, 0}) == "deny 1");
  CHECK(answer(spec, "clone3", {}) == "errno 38");
  CHECK(answer(PolicyText().spec(), "clone3", {}) == "errno 38");
  CHECK(seccomp::evaluate(spec, call_of(spec, "setns")).purpose == Purpose::Namespaces);
}

TEST_CASE("filter: terminal, and setuid bits", "[filter]") {
  const auto spec = PolicyText().allow("@system-service").spec();
  for (const std::uint64_t request : {0x5412ull, 0x541cull, 0x5423ull}) {
    CHECK(answer(spec, "ioctl", {0, request}) == "deny 1");
    CHECK(answer(spec, "ioctl", {0, request | 0x1'0000'0000}) == "deny 1");
    CHECK(answer(spec, "ioctl", {0, request + 1}) == "allow");
  }
  struct Row {
    const char* call;
    Args args;
    const char* answer;
  };
  const Row rows[] = {{"chmod", {0, 0755}, "allow"},
                      {"chmod", {0, 04755}, "deny 1"},
                      {"chmod", {0, 02755}, "deny 1"},
                      {"fchmod", {0, 06000}, "deny 1"},
                      {"fchmodat", {0, 0, 04000}, "deny 1"},
                      {"fchmodat2", {0, 0, 04000, 0}, "deny 1"},
                      {"mkdir", {0, 02000}, "deny 1"},
                      {"mkdirat", {0, 0, 01777}, "allow"},
                      {"mknodat", {0, 0, 04000 | 0100000}, "deny 1"},
                      {"creat", {0, 04755}, "deny 1"},
                      {"open", {0, 0101, 04755}, "deny 1"},
                      {"open", {0, 0, 04755}, "allow"},  // no file is made: the mode is not read
                      {"openat", {0, 0, 0100, 02755}, "deny 1"},
                      {"openat", {0, 0, 020200000, 02755}, "deny 1"},  // O_TMPFILE
                      {"openat", {0, 0, 0100, 0644}, "allow"},
                      {"openat2", {}, "errno 38"}};
  for (const Row& row : rows) {
    INFO(row.call << fmt::format(" {:#o}", fmt::join(row.args, " ")));
    CHECK(answer(spec, row.call, row.args) == row.answer);
  }
  const auto wanted = PolicyText()
                          .allow("chmod")
                          .rule({{"chmod"}, "mode & S_ISUID == S_ISUID", "allow", 0})
                          .spec();
  CHECK(answer(wanted, "chmod", {0, 04755}) == "allow");
  CHECK(answer(wanted, "chmod", {0, 02755}) == "deny 1");
}

TEST_CASE("filter: published ports", "[filter]") {
  const auto policy =
      PolicyText().allow("@system-service").allow("@network-io").rule({{"connect"}, "fd == 9", "log", 0});
  const auto closed = PolicyText(policy).publish().spec();
  const auto without = policy.spec();
  struct Row {
    const char* call;
    Args args;
    const char* with_publish;
    const char* without_publish;
  };
  const Row rows[] = {{"bind", {3}, "bind", "allow"},
                      {"connect", {3}, "connect", "allow"},
                      {"connect", {9}, "connect", "log"},  // what runs in the kernel could go outside
                      {"listen", {3}, "allow", "allow"},
                      {"sendto", {3, 0, 0, 0x4000}, "allow", "allow"},
                      {"sendto", {3, 0, 0, 0x20000000}, "deny 1", "allow"},
                      {"sendto", {3, 0, 0, 0x1'2000'0000}, "deny 1", "allow"},
                      {"sendmsg", {3, 0, 0x20000000}, "deny 1", "allow"},
                      {"sendmmsg", {3, 0, 1, 0x20000040}, "deny 1", "allow"},
                      {"ioctl", {3, 0x8900}, "deny 1", "allow"},
                      {"ioctl", {3, 0x8905}, "allow", "allow"},
                      {"ioctl", {3, 0x89ff}, "deny 1", "allow"},
                      {"ioctl", {3, 0x88ff}, "allow", "allow"},
                      {"ioctl", {3, 0x8a00}, "allow", "allow"},
                      {"ioctl", {3, 0xdead'0000'8914}, "deny 1", "allow"},
                      {"io_uring_setup", {}, "deny 1", "allow"},
                      {"io_uring_enter", {}, "deny 1", "allow"},
                      {"socket", {2, 1, 262}, "errno 93", "allow"},
                      {"socket", {2, 1, 6}, "allow", "allow"}};
  for (const Row& row : rows) {
    INFO(row.call << fmt::format(" {:#x}", fmt::join(row.args, " ")));
    CHECK(answer(closed, row.call, row.args) == row.with_publish);
    CHECK(answer(without, row.call, row.args) == row.without_publish);
  }
  // Publishing grants nothing, and leaves a quiet answer quiet.
  const auto strict =
      PolicyText().publish().rule({{"io_uring_setup"}, "", "errno(ENOSYS)", 0}).spec();
  CHECK(answer(strict, "connect") == "deny 1");
  CHECK(answer(strict, "bind") == "deny 1");
  CHECK(answer(strict, "io_uring_setup") == "errno 38");
}

TEST_CASE("filter: listed addresses", "[filter]") {
  const auto base = PolicyText().allow("@system-service").allow("@network-io");
  const auto plain = base.spec();
  const auto tcp = PolicyText(base).connect("127.0.0.1:80").spec();
  const auto udp = PolicyText(base).connect("udp:127.0.0.1:53").spec();
  const auto host = PolicyText(base)
                        .connect("127.0.0.1:80")
                        .set(&policy::Policy::network_mode, "host")
                        .spec();
  struct Row {
    const char* call;
    Args args;
    const char* with_tcp;
    const char* with_udp;
    const char* on_host;
  };
  constexpr const char* kDeny = "deny 1";
  const Row rows[] = {
      {"connect", {3}, "connect", "connect", "connect"},
      {"bind", {3}, "bind", "bind", "allow"},
      {"listen", {3}, "listen", "listen", "allow"},
      // A send without an address goes where the socket is connected to.
      {"sendto", {3, 0, 0, 0, 0}, "allow", "allow", "allow"},
      {"sendto", {3, 0, 0, 0, 0x7000}, "allow", "send", "send"},
      {"sendto", {3, 0, 0, 0, 0x1'0000'0000}, "allow", "send", "send"},
      {"sendto", {3, 0, 0, 0x20000000, 0x7000}, kDeny, kDeny, kDeny},
      {"sendmsg", {3}, "allow", "send", "send"},
      {"sendmmsg", {3}, "allow", "send", "send"},
      // Source routes, with rubbish in the upper halves as well; beside them harmless options.
      {"setsockopt", {3, 0, 4}, kDeny, kDeny, kDeny},
      {"setsockopt", {3, 0x1'0000'0000, 0x1'0000'0004}, kDeny, kDeny, kDeny},
      {"setsockopt", {3, 0, 3}, "allow", "allow", "allow"},
      {"setsockopt", {3, 6, 4}, "allow", "allow", "allow"},
      {"setsockopt", {3, 41, 57}, kDeny, kDeny, kDeny},
      {"setsockopt", {3, 41, 5}, kDeny, kDeny, kDeny},
      {"setsockopt", {3, 41, 6}, kDeny, kDeny, kDeny},
      {"setsockopt", {3, 41, 9}, kDeny, kDeny, kDeny},
      {"setsockopt", {3, 41, 32}, kDeny, kDeny, kDeny},
      {"setsockopt", {3, 41, 67}, "allow", "allow", "allow"},
      // Interfaces are the outside's only where a socket is put in.
      {"setsockopt", {3, 1, 25}, kDeny, kDeny, "allow"},
      {"setsockopt", {3, 1, 62}, kDeny, kDeny, "allow"},
      {"setsockopt", {3, 0, 35}, kDeny, kDeny, "allow"},
      {"ioctl", {3, 0x8910}, kDeny, kDeny, "allow"},
      {"io_uring_setup", {}, kDeny, kDeny, kDeny},
      {"socket", {2, 1, 262}, "errno 93", "errno 93", "errno 93"},
      {"socket", {2, 1, 132}, kDeny, kDeny, kDeny},
      {"socket", {10, 5, 0}, kDeny, kDeny, kDeny},
      {"socket", {2, 3, 1}, kDeny, kDeny, kDeny},
      {"socket", {1, 5, 0}, "allow", "allow", "allow"},
      {"socket", {2, 0x80802, 17}, "allow", "allow", "allow"}};
  for (const Row& row : rows) {
    INFO(row.call << fmt::format(" {:#x}", fmt::join(row.args, " ")));
    CHECK(answer(tcp, row.call, row.args) == row.with_tcp);
    CHECK(answer(udp, row.call, row.args) == row.with_udp);
    CHECK(answer(host, row.call, row.args) == row.on_host);
    CHECK(answer(plain, row.call, row.args) == "allow");
  }
  // To list an address grants connect; to list none grants nothing.
  CHECK(answer(PolicyText().connect("127.0.0.1:80").spec(), "connect") == "connect");
  CHECK(answer(PolicyText().connect("127.0.0.1:80").spec(), "socket") == kDeny);
  CHECK(answer(PolicyText().connect("none").spec(), "connect") == kDeny);
  CHECK(answer(PolicyText(base).connect("none").spec(), "connect") == "connect");
}

TEST_CASE("filter: families of sockets", "[filter]") {
  const auto base = PolicyText().allow("@network-io");
  const auto two = PolicyText(base).family("unix").family("inet6").spec();
  const auto none = PolicyText(base).family("none").spec();
  for (const std::uint64_t domain : {0ul, 1ul, 2ul, 9ul, 10ul, 11ul, 16ul, 40ul}) {
    const bool listed = domain == 1 || domain == 10;
    CHECK(answer(two, "socket", {domain}) == (listed ? "allow" : "deny 1"));
    CHECK(answer(two, "socket", {0xdead'0000'0000 | domain}) == (listed ? "allow" : "deny 1"));
    CHECK(answer(none, "socket", {domain}) == "deny 1");
    CHECK(answer(base.spec(), "socket", {domain}) == "allow");
    CHECK(answer(none, "socketpair", {domain}) == "allow");
  }
  // A rule of the policy's own comes first, as a quiet answer for one family.
  const auto quiet =
      PolicyText(base).family("inet").rule({{"socket"}, "domain == AF_UNIX", "errno(EACCES)", 0});
  CHECK(answer(quiet.spec(), "socket", {1}) == "errno 13");
  CHECK(answer(quiet.spec(), "socket", {10}) == "deny 1");
  for (const char* wrong : {"inet4", "AF_INET", "ipv6", "", "unspecial"}) {
    const auto filter = PolicyText(base).family(wrong).expand();
    REQUIRE_FALSE(filter);
    CHECK(filter.error().origin.line == 98);
    CHECK_FALSE(filter.error().hint.empty());
  }
}

TEST_CASE("filter: pretended user ids", "[filter]") {
  const auto mapped = PolicyText().allow("setuid").spec();
  const auto pretended =
      PolicyText().deny("setuid").set(&policy::Policy::single_uid, "pretend").spec();
  for (const char* call : {"setuid", "setgid", "setgroups", "setresuid", "fchownat", "chown"}) {
    CHECK(answer(pretended, call) == "errno 0");
    CHECK(answer(mapped, call) == (std::string(call) == "setuid" ? "allow" : "deny 1"));
  }
  CHECK(seccomp::evaluate(pretended, call_of(pretended, "setuid")).purpose == Purpose::PretendUid);
}

TEST_CASE("filter: unknown numbers and foreign entries", "[filter]") {
  const auto spec = PolicyText().allow("@known").spec();
  seccomp_data call = call_of(spec, "read");
  for (const int number : {400, 470, 471, 600, 0x3fffffff}) {
    call.nr = number;
    CHECK(seccomp::evaluate(spec, call).action == seccomp::Action{Verdict::Errno, ENOSYS});
    CHECK(seccomp::evaluate(spec, call).purpose == Purpose::Unknown);
  }
  call.nr = 0x4000'0000;
  CHECK(seccomp::evaluate(spec, call).denied_errno == ENOSYS);
  CHECK(seccomp::evaluate(spec, call).action.verdict == Verdict::Notify);
  call.nr = 20;
  call.arch = AUDIT_ARCH_I386;
  CHECK(&seccomp::evaluate(spec, call) == &spec.foreign);
}

TEST_CASE("filter: rules lead to their lines", "[filter]") {
  const auto policy = PolicyText()
                          .allow("@basic-io")                            // line 1
                          .deny("write")                                 // line 2
                          .rule({{"dup"}, "fd == 3", "deny", 0})         // lines 3-5
                          .rule({{"dup2"}, "", "errno(EBADF)", 0});      // lines 6-8
  const auto spec = policy.spec();
  const auto decides = [&](const char* name, const Args& args = {}) {
    return seccomp::evaluate(spec, call_of(spec, name, args));
  };
  CHECK(decides("read").text == "seccomp.allow = @basic-io");
  CHECK(decides("read").origin.line == 1);
  CHECK(decides("write").text == "seccomp.deny = write");
  CHECK(decides("write").origin.line == 2);
  CHECK(decides("dup", {3}).text == "seccomp.rule: deny when fd == 3");
  CHECK(decides("dup", {3}).origin.line == 3);
  CHECK(decides("dup2").text == "seccomp.rule: errno(EBADF) = dup2");
  CHECK(decides("dup2").origin.line == 6);
  CHECK(decides("socket").text == "not in allow");
  CHECK(decides("socket").origin.line == 1);
  CHECK(decides("socket").purpose == Purpose::Default);
}

TEST_CASE("filter: errors", "[filter]") {
  struct Row {
    PolicyText policy;
    const char* part;
    const char* hint;
    int line;
  };
  const Row rows[] = {
      {PolicyText().allow("read").allow("opne"), "unknown system call \"opne\"", "did you mean open?", 2},
      {PolicyText().deny("@basic-oi"), "unknown group of system calls", "did you mean @basic-io?", 1},
      {PolicyText().rule({{"raed"}, "", "deny", 0}), "unknown system call", "did you mean read?", 1},
      {PolicyText().rule({{"read"}, "", "alow", 0}), "unknown action \"alow\"", "allow, deny", 3},
      {PolicyText().rule({{"read"}, "", "errno(EFOO)", 0}), "unknown errno \"EFOO\"", "errno(3)", 3},
      {PolicyText().rule({{"read"}, "", "errno(5)", 0}), "unknown errno", "errno(3)", 3},
      {PolicyText().rule({{"read"}, "fdd == 3", "deny", 0}), "no argument \"fdd\"", "did you mean fd?", 2},
      {PolicyText().rule({{"@basic-io"}, "whence == 3", "deny", 0}), "no argument", "", 2},
  };
  for (const Row& row : rows) {
    const auto spec = row.policy.expand();
    REQUIRE_FALSE(spec);
    const Error& error = spec.error();
    INFO(to_text(error));
    CHECK(error.action.find(row.part) != std::string::npos);
    CHECK(error.hint.find(row.hint) != std::string::npos);
    CHECK(error.origin.line == row.line);
  }
}

TEST_CASE("filter: the same policy on aarch64", "[filter]") {
  const auto spec = PolicyText()
                        .allow("@system-service")
                        .publish()
                        .rule({{"open", "openat"}, "flags & O_CREAT == O_CREAT", "deny", 0})
                        .spec(Arch::Aarch64);
  CHECK(spec.arch == Arch::Aarch64);
  CHECK(answer(spec, "read") == "allow");
  CHECK(answer(spec, "openat", {0, 0, 0100}) == "deny 1");
  CHECK(answer(spec, "openat", {0, 0, 0}) == "allow");
  CHECK(answer(spec, "clone3") == "errno 38");
  CHECK(answer(spec, "clone", {0x10000000}) == "deny 1");
  CHECK(answer(spec, "mmap", {0, 1, 6, 2}) == "deny 1");
  CHECK(answer(spec, "bind") == "bind");
  seccomp_data call = call_of(spec, "read");
  call.arch = AUDIT_ARCH_X86_64;
  CHECK(&seccomp::evaluate(spec, call) == &spec.foreign);
}
