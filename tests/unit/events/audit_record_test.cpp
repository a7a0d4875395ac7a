// SPDX-License-Identifier: Apache-2.0
// The texts are what kernel 6.18 and auditd 3.0.9 wrote, with names changed; those of crashes and
// of Landlock follow kernel/auditsc.c, security/landlock/audit.c and security/lsm_audit.c.
#include <catch2/catch.hpp>
#include <linux/audit.h>

#include <string>
#include <tuple>

#include "events/audit_record.h"

using namespace sbx::events;
using Kind = AuditRecord::Kind;
using LineKind = AuditLine::Kind;

namespace {

const std::string kFields =
    "auid=4294967295 uid=1000 gid=1000 ses=4294967295 pid=24434 comm=\"rec\" exe=\"/home/u/rec\" "
    "sig=31 arch=c000003e syscall=39 compat=0 ip=0x7fa67644d829 code=0x80000000";
const std::string kPayload = "audit(1795511533.755:1991): " + kFields;

void check_getpid(const AuditLine& line) {
  REQUIRE(line.kind == LineKind::Record);
  const AuditRecord& record = line.record;
  CHECK(record.kind == Kind::Seccomp);
  CHECK(record.time_us == 1795511533755000);
  CHECK(record.serial == 1991);
  CHECK(record.has_process);
  CHECK(record.pid == 24434);
  CHECK(record.uid == 1000);
  CHECK(record.comm == "rec");
  CHECK(record.exe == "/home/u/rec");
  CHECK(record.signal == 31);
  CHECK(record.arch == AUDIT_ARCH_X86_64);
  CHECK(record.number == 39);
  CHECK(record.address == 0x7fa67644d829);
  CHECK(record.code == 0x80000000);
}

std::string in_log(const std::string& fields) {
  return "type=SECCOMP msg=audit(1795511533.755:1991): " + fields;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

}  // namespace

TEST_CASE("a record is the same in every form of line") {
  const std::string line = GENERATE_COPY(
      as<std::string>{}, in_log(kFields), "type=1326 msg=" + kPayload,
      in_log(kFields) +
          " \x1d"
          "AUID=\"unset\" UID=\"u\" GID=\"u\" ARCH=x86_64 SYSCALL=unknown-syscall(-1)",
      in_log(kFields) +
          "\x1d"
          "ARCH=x86_64 SYSCALL=reboot syscall=169 code=0x0 pid=1",
      in_log(replaced(kFields, " pid", " subj=docker-default (enforce) pid")),
      in_log(replaced(kFields, " pid", " subj=system_u:system_r:init_t:s0 pid")),
      "[13304.581219] audit: type=1326 " + kPayload, "audit: type=1326 " + kPayload,
      "[Tue Nov 24 09:12:13 2026] audit: type=1326 " + kPayload,
      "<5>[13304.581219] audit: type=1326 " + kPayload,
      "kern  :notice: [13304.581219] audit: type=1326 " + kPayload,
      "Nov 24 09:12:13 host kernel: audit: type=1326 " + kPayload,
      "Nov 24 09:12:13 host kernel: [13304.581219] audit: type=1326 " + kPayload,
      "2026-11-24T09:12:13+0000 host kernel: audit: type=1326 " + kPayload,
      "5,3121,13304581219,-;audit: type=1326 " + kPayload);
  INFO(line);
  check_getpid(parse_audit_line(line));
}

TEST_CASE("a netlink message has its type apart") {
  check_getpid(parse_audit_payload(AUDIT_SECCOMP, kPayload));
  CHECK(parse_audit_payload(AUDIT_USER_AVC, kPayload).kind == LineKind::Other);
  CHECK(parse_audit_payload(0, "").kind == LineKind::Unreadable);
}

TEST_CASE("the node of a log that several machines write") {
  const auto line = parse_audit_line("node=web1 " + in_log(kFields));
  check_getpid(line);
  CHECK(line.record.node == "web1");
}

TEST_CASE("names that a program chose are decoded, and cannot be fields") {
  const auto [value, comm] = GENERATE(table<std::string, std::string>({
      {"\"a\"", "a"},
      {"\"\"", ""},
      {"6120620A1B5B33316D", "a b\n\x1b[31m"},
      {"2220636F64653D307830", "\" code=0x0"},
      {"(null)", ""},
  }));
  const auto line = parse_audit_line(in_log(replaced(kFields, "\"rec\"", value)));
  REQUIRE(line.kind == LineKind::Record);
  CHECK(line.record.comm == comm);
  CHECK(line.record.code == 0x80000000);
}

TEST_CASE("what is no exact record is unreadable") {
  const std::string line = GENERATE_COPY(
      as<std::string>{}, "type=SECCOMP", "type=SECCOMP msg=", "type=SECCOMP msg=audit(",
      "node=web1", "type= msg=audit(1.000:1): x", "type=SECCOMP msg=audit(1795511533.755:1991)",
      "type=SECCOMP msg=audit(1795511533.755:1991):",
      "type=SECCOMP msg=audit(17955115x3.755:1991): " + kFields,
      "type=SECCOMP msg=audit(1795511533.75:1991): " + kFields,
      "type=SECCOMP msg=audit(99999999999999999999.755:1): " + kFields,
      "type=SECCOMP msg=audit(11/22/26 07:23:22.400:7) : " + kFields,  // ausearch -i
      in_log(kFields.substr(0, kFields.find(" code"))),
      in_log(kFields.substr(0, kFields.find("xe=\"/ho") + 6)),
      in_log(replaced(kFields, "pid=24434", "pid=x")),
      in_log(replaced(kFields, "pid=24434", "pid=")), in_log(replaced(kFields, "pid=24434 ", "")),
      in_log(replaced(kFields, "code=0x", "code=")),
      in_log(replaced(kFields, "syscall=39", "syscall=getpid")),
      in_log(replaced(kFields, "arch=c000003e", "arch=x86_64")),
      in_log(replaced(kFields, "arch=c000003e", "arch=1c000003e")),
      in_log(replaced(kFields, "\"rec\"", "rec")), in_log(replaced(kFields, "\"rec\"", "\"rec")),
      in_log(replaced(kFields, "\"rec\"", "\"rec\"x")), in_log(replaced(kFields, "\"rec\"", "616")),
      in_log(kFields + " syscall=40"), in_log(kFields + " =1"), in_log(kFields + " garbage"),
      "[1.2] audit: type=1326 audit(1795511533.755:1991): auid=0 uid=0 gi",
      "[1.2] audit: type=13x6 " + kPayload,
      "Nov 24 09:12:13 host audit[24434]: SECCOMP " + kFields);
  INFO(line);
  CHECK(parse_audit_line(line).kind == LineKind::Unreadable);
}

TEST_CASE("what only looks like a record is none") {
  const auto [line, kind] = GENERATE_COPY(table<std::string, LineKind>({
      {"", LineKind::Foreign},
      {"hello", LineKind::Foreign},
      {std::string(5, '\0'), LineKind::Foreign},
      {"[1.2] x: audit: type=1326 " + kPayload, LineKind::Foreign},
      {"[1.2] process 'a] audit: type=1326 " + kPayload, LineKind::Foreign},
      {"Nov 24 09:12:13 host user[7]: a kernel: audit: type=1326 " + kPayload, LineKind::Foreign},
      {"Nov 24 09:12:13 host user[7]: audit: type=1326 " + kPayload, LineKind::Foreign},
      {"Nov 24 09:12:13 host user: x audit[1]: SECCOMP " + kFields, LineKind::Foreign},
      {"12,3121,13304581219,-;audit: type=1326 " + kPayload,
       LineKind::Foreign},  // written by a user
      {" SUBSYSTEM=audit: type=1326 " + kPayload, LineKind::Foreign},
      {"type=USER_LOGIN msg=" + kPayload, LineKind::Other},
      {"type=CONFIG_CHANGE msg=audit(1.000:1): op=set", LineKind::Other},
      {"[1.2] audit: type=1403 audit(1795511533.755:1): lsm=selinux", LineKind::Other},
      {"Nov 24 09:12:13 host audit[1]: USER_AUTH pid=1", LineKind::Foreign},
  }));
  INFO(line);
  CHECK(parse_audit_line(line).kind == kind);
}

TEST_CASE("the kernel log says how many records it left out") {
  const auto line = parse_audit_line("[13304.581213] kauditd_printk_skb: 44 callbacks suppressed");
  CHECK(line.kind == LineKind::Lost);
  CHECK(line.lost == 44);
  CHECK(parse_audit_line("[1.2] kauditd_printk_skb: x callbacks suppressed").kind ==
        LineKind::Foreign);
  CHECK(parse_audit_line("[1.2] other_skb: 44 callbacks suppressed").kind == LineKind::Foreign);
}

TEST_CASE("int 0x80 and x32 keep their architecture and number") {
  const auto i386 = parse_audit_line(in_log(replaced(
      replaced(kFields, "arch=c000003e syscall=39 compat=0", "arch=40000003 syscall=20 compat=1"),
      "code=0x80000000", "code=0x0")));
  REQUIRE(i386.kind == LineKind::Record);
  CHECK(i386.record.arch == AUDIT_ARCH_I386);
  CHECK(i386.record.number == 20);
  CHECK(i386.record.code == 0);
  const auto x32 = parse_audit_line(in_log(replaced(kFields, "syscall=39", "syscall=1073741863")));
  CHECK(x32.record.number == 1073741863);
}

TEST_CASE("a crash") {
  const std::string line = GENERATE(
      "type=ANOM_ABEND msg=audit(1795511533.755:8): auid=1000 uid=1000 gid=1000 ses=2 "
      "subj=unconfined pid=4711 comm=\"nginx\" exe=\"/usr/sbin/nginx\" sig=11 res=1",
      "type=ANOM_ABEND msg=audit(1795511533.755:8): auid=1000 uid=1000 gid=1000 ses=2 pid=4711 "
      "comm=\"nginx\" reason=\"memory violation\" exe=\"/usr/sbin/nginx\" sig=11",
      "[1.2] audit: type=1701 audit(1795511533.755:8): auid=1000 uid=1000 gid=1000 ses=2 pid=4711 "
      "comm=\"nginx\" exe=\"/usr/sbin/nginx\" sig=11 res=1");
  const auto parsed = parse_audit_line(line);
  REQUIRE(parsed.kind == LineKind::Record);
  CHECK(parsed.record.kind == Kind::Crash);
  CHECK(parsed.record.signal == 11);
  CHECK(parsed.record.exe == "/usr/sbin/nginx");
}

TEST_CASE("what Landlock denied") {
  const auto [fields, blockers, object] = GENERATE(table<std::string, std::string, std::string>({
      {"domain=195ba459b blockers=fs.refer path=\"/usr/bin\" dev=\"vda2\" ino=351", "fs.refer",
       "/usr/bin"},
      {"domain=195ba459b blockers=fs.make_reg,fs.refer path=2F746D702F6120620A dev=\"vda2\" "
       "ino=365",
       "fs.make_reg,fs.refer", "/tmp/a b\n"},
      {"domain=195ba459b blockers=net.connect_tcp daddr=127.0.0.1 dest=80", "net.connect_tcp",
       "127.0.0.1:80"},
      {"domain=195ba459b blockers=net.connect_tcp daddr=::1 dest=80", "net.connect_tcp",
       "[::1]:80"},
      {"domain=195ba459b blockers=net.bind_tcp src=1024", "net.bind_tcp", ":1024"},
      {"domain=195ba459b blockers=scope.abstract_unix_socket path=00666F6F",
       "scope.abstract_unix_socket", "@foo"},
      {"domain=195ba459b blockers=scope.signal opid=1 ocomm=\"systemd\"", "scope.signal",
       "pid 1 (systemd)"},
      {"domain=195ba459b blockers=fs.change_topology name=\"/\" dev=\"tmpfs\" ino=1",
       "fs.change_topology", "/"},
  }));
  // auditd 3.0.9 has no name for the type.
  for (const char* type : {"LANDLOCK_ACCESS", "UNKNOWN[1423]", "1423"}) {
    const auto line =
        parse_audit_line("type=" + std::string(type) + " msg=audit(1729738800.268:30): " + fields);
    REQUIRE(line.kind == LineKind::Record);
    CHECK(line.record.kind == Kind::LandlockAccess);
    CHECK(line.record.domain == 0x195ba459b);
    CHECK(line.record.blockers == blockers);
    CHECK(line.record.object == object);
    CHECK_FALSE(line.record.has_process);
  }
}

TEST_CASE("Landlock's domains, and the call of an event") {
  const auto domain = parse_audit_line(
      "type=LANDLOCK_DOMAIN msg=audit(1729738800.268:30): domain=195ba459b status=allocated "
      "mode=enforcing pid=300 uid=7 exe=\"/root/sandboxer\" comm=\"sandboxer\"");
  REQUIRE(domain.kind == LineKind::Record);
  CHECK(domain.record.kind == Kind::LandlockDomain);
  CHECK(domain.record.has_process);
  CHECK(domain.record.exe == "/root/sandboxer");
  const auto gone = parse_audit_line(
      "type=LANDLOCK_DOMAIN msg=audit(1729738800.324:33): domain=195ba459b status=deallocated "
      "denials=3");
  REQUIRE(gone.kind == LineKind::Record);
  CHECK_FALSE(gone.record.has_process);
  const auto call = parse_audit_line(
      "type=SYSCALL msg=audit(1729738800.268:30): arch=c000003e syscall=265 success=no exit=-13 "
      "a0=ffffff9c a1=7ffc a2=0 a3=7ffd items=2 ppid=299 pid=300 auid=0 uid=7 gid=0 euid=0 suid=0 "
      "fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=1 comm=\"ln\" exe=\"/usr/bin/ln\" key=(null)");
  REQUIRE(call.kind == LineKind::Record);
  CHECK(call.record.kind == Kind::Syscall);
  CHECK(call.record.pid == 300);
  CHECK(parse_audit_line("type=EOE msg=audit(1729738800.268:30): ").record.kind == Kind::End);
}

TEST_CASE("every cut of a line is a record only when nothing is missing") {
  const std::string whole = in_log(kFields);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto line = parse_audit_line(std::string_view(whole).substr(0, length));
    // Within the last number a cut cannot be seen: there the missing newline tells.
    const bool in_code = length > whole.find("code=0x") + 7;
    INFO(whole.substr(0, length));
    CHECK((line.kind == LineKind::Record) == in_code);
  }
}

TEST_CASE("actions and signals have their names") {
  CHECK(action_name(0x80000000) == "kill_process");
  CHECK(action_name(0) == "kill_thread");
  CHECK(action_name(0x30000) == "trap");
  CHECK(action_name(0x50000) == "errno");
  CHECK(action_name(0x7fc00000) == "user_notif");
  CHECK(action_name(0x7ff00000) == "trace");
  CHECK(action_name(0x7ffc0000) == "log");
  CHECK(action_name(0x7fff0000) == "allow");
  CHECK(action_name(0x12340000) == "0x12340000");
  CHECK(signal_name(31) == "SIGSYS");
  CHECK(signal_name(11) == "SIGSEGV");
  CHECK(signal_name(99) == "signal 99");
  CHECK(signal_name(-1) == "signal -1");
}
