// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <linux/audit.h>

#include <string>
#include <vector>

#include "events/audit_join.h"
#include "events/audit_match.h"
#include "events/audit_tally.h"
#include "events/cgroup_unit.h"

using namespace sbx::events;
using Kind = AuditRecord::Kind;

namespace {

AuditRecord denied(std::int64_t number, std::uint64_t time_us = 1) {
  AuditRecord record;
  record.time_us = time_us;
  record.has_process = true;
  record.pid = 7;
  record.uid = 33;
  record.comm = "nginx";
  record.exe = "/usr/sbin/nginx";
  record.signal = 31;
  record.arch = AUDIT_ARCH_X86_64;
  record.number = number;
  record.code = 0x80000000;
  return record;
}

AuditRecord of_kind(Kind kind, std::uint64_t serial) {
  AuditRecord record;
  record.kind = kind;
  record.serial = serial;
  record.domain = 5;
  record.blockers = kind == Kind::LandlockAccess ? "fs.read_file,fs.refer" : "";
  record.object = kind == Kind::LandlockAccess ? "/etc/shadow" : "";
  return record;
}

bool fits(const std::string& text, const AuditRecord& record, const std::string& unit = "") {
  const auto match = parse_audit_match(text, "--match");
  INFO(text);
  REQUIRE(match);
  return matches(*match, record, unit);
}

}  // namespace

TEST_CASE("equal records are counted") {
  AuditTally tally;
  CHECK(tally.add(denied(39, 20), "") == 0);
  CHECK(tally.add(denied(39, 10), "") == 0);
  CHECK(tally.add(denied(40, 30), "") == 1);
  CHECK(tally.add(denied(39, 40), "a.service") == 2);
  const auto groups = tally.sorted();
  REQUIRE(groups.size() == 3);
  CHECK(groups[0].count == 2);
  CHECK(groups[0].first_us == 10);
  CHECK(groups[0].last_us == 20);
  CHECK(groups[0].what == "getpid");
  CHECK(groups[0].action == "kill_process");
  CHECK(groups[1].what == "sendfile");
  CHECK(groups[2].unit == "a.service");
}

TEST_CASE("more kinds than are kept are counted too") {
  AuditTally tally;
  for (std::int64_t i = 0; i < 5000; ++i) {
    tally.add(denied(i), "");
  }
  CHECK(tally.groups().size() == AuditTally::kMostGroups);
  CHECK(tally.records() == 5000);
  CHECK(tally.beyond() == 5000 - AuditTally::kMostGroups);
  CHECK(tally.add(denied(3), "").has_value());
}

TEST_CASE("a line has no bytes that move a cursor") {
  AuditRecord record = denied(39, 1795511533755000);
  record.comm = "a\n\x1b[31m";
  record.exe = "/x\r";
  CHECK(to_line(record, "u\x07") ==
        "2026-11-24T09:12:13.755Z kill_process SIGSYS getpid [39] at 0x0 by a\\n\\x1b[31m (pid 7, "
        "uid 33) /x\\x0d in u\\x07");
}

TEST_CASE("conditions") {
  const AuditRecord ptrace = denied(101);
  AuditRecord logged = denied(39);
  logged.code = 0x7ffc0000;
  logged.signal = 0;
  AuditRecord crash = denied(0);
  crash.kind = Kind::Crash;
  crash.signal = 11;
  const AuditRecord landlock = of_kind(Kind::LandlockAccess, 1);
  AuditRecord i386 = denied(20);
  i386.arch = AUDIT_ARCH_I386;

  CHECK(fits("any", crash));
  CHECK(fits("kill", ptrace));
  CHECK_FALSE(fits("kill", logged));
  CHECK_FALSE(fits("kill", crash));
  CHECK(fits("kill,crash", crash));
  CHECK(fits("crash", crash));
  CHECK(fits("denied", ptrace));
  CHECK(fits("denied", landlock));
  CHECK_FALSE(fits("denied", logged));
  CHECK(fits("logged", logged));
  CHECK(fits("landlock", landlock));
  CHECK_FALSE(fits("seccomp", landlock));
  CHECK(fits("call=ptrace", ptrace));
  CHECK(fits("call=101", ptrace));
  CHECK(fits("call=ptr*", ptrace));
  CHECK(fits("call=@debug", ptrace));
  CHECK_FALSE(fits("call=@debug", logged));
  CHECK_FALSE(fits("call=ptrace", crash));
  CHECK(fits("call=getpid and abi=i386", i386));
  CHECK_FALSE(fits("call=getpid and abi=x86-64", i386));
  CHECK(fits("action=kill_*", ptrace));
  CHECK(fits("signal=SIGSEGV", crash));
  CHECK(fits("exe=/usr/*", ptrace));
  CHECK_FALSE(fits("exe!=/usr/*", ptrace));
  CHECK(fits("comm=nginx and uid=33 and pid=7", ptrace));
  CHECK_FALSE(fits("comm=nginx and uid=0", ptrace));
  CHECK(fits("uid=0,uid=33", ptrace));
  CHECK(fits("unit=docker *", ptrace, "docker 0123456789ab"));
  CHECK(fits("path=/etc/*", landlock));
  CHECK(fits("blocker=fs.refer", landlock));
  CHECK_FALSE(fits("blocker=net.*", landlock));
}

TEST_CASE("a condition that could never hold is an error, with what was meant") {
  const auto [text, hint] = GENERATE(table<std::string, std::string>({
      {"kil", "did you mean kill?"},
      {"call=ptrase", "did you mean ptrace?"},
      {"cal=ptrace", "did you mean call?"},
      {"call=@nothing", "see man sbx, or sbx syscall @debug"},
      {"call=", "write call=VALUE"},
      {"pid=x", "write it as pid=4711"},
      {"abi=mips", "it is x86-64, i386, x32, aarch64 or arm"},
      {"kill,", "write conditions as kill,call=ptrace and uid=0"},
      {"kill and ", "write conditions as kill,call=ptrace and uid=0"},
      {"", "write conditions as kill,call=ptrace and uid=0"},
  }));
  const auto match = parse_audit_match(text, "--alert-on");
  INFO(text);
  REQUIRE_FALSE(match);
  CHECK(match.error().action.starts_with("--alert-on: "));
  CHECK(match.error().hint == hint);
}

TEST_CASE("who made an access that Landlock denied") {
  std::vector<AuditRecord> out;
  AuditJoin join([&](AuditRecord record) { out.push_back(std::move(record)); });
  AuditRecord domain = denied(0);
  domain.kind = Kind::LandlockDomain;
  domain.serial = 1;
  domain.time_us = 0;
  domain.domain = 5;
  AuditRecord call = denied(0);
  call.kind = Kind::Syscall;
  call.serial = 2;
  call.time_us = 0;
  call.comm = "worker";

  SECTION("the call of the same event says it first") {
    call.serial = 1;
    join.add(of_kind(Kind::LandlockAccess, 1));
    join.add(of_kind(Kind::LandlockAccess, 1));
    join.add(domain);
    join.add(call);
    CHECK(out.empty());
    join.add(of_kind(Kind::End, 1));
    REQUIRE(out.size() == 2);
    CHECK(out[0].comm == "worker");
    CHECK(out[1].comm == "worker");
  }
  SECTION("else the domain, also in a later event") {
    join.add(of_kind(Kind::LandlockAccess, 1));
    join.add(domain);
    join.add(of_kind(Kind::LandlockAccess, 3));
    REQUIRE(out.size() == 1);
    CHECK(out[0].comm == "nginx");
    join.flush();
    REQUIRE(out.size() == 2);
    CHECK(out[1].comm == "nginx");
  }
  SECTION("else nobody does") {
    join.add(of_kind(Kind::LandlockAccess, 1));
    join.add(call);
    REQUIRE(out.size() == 1);
    CHECK_FALSE(out[0].has_process);
  }
  SECTION("however many come, few are kept") {
    for (int i = 0; i < 1000; ++i) {
      join.add(of_kind(Kind::LandlockAccess, 1));
    }
    CHECK(out.size() >= 900);
    join.flush();
    CHECK(out.size() == 1000);
  }
}

TEST_CASE("the unit or container of a cgroup") {
  const std::string id = "0123456789ab4ce8f1a2b3c4d5e6f708192a3b4c5d6e7f80912a3b4c5d6e7f80";
  const auto [text, unit] = GENERATE_COPY(table<std::string, std::string>({
      {"0::/system.slice/nginx.service\n", "nginx.service"},
      {"0::/system.slice/docker-" + id + ".scope\n", "docker 0123456789ab"},
      {"12:pids:/docker/" + id + "\n0::/\n", "docker 0123456789ab"},
      {"0::/machine.slice/libpod-" + id + ".scope/container\n", "podman 0123456789ab"},
      {"0::/kubepods.slice/kubepods-pod7.slice/cri-containerd-" + id + ".scope\n",
       "containerd 0123456789ab"},
      {"0::/kubepods/burstable/pod7/" + id + "\n", "container 0123456789ab"},
      {"0::/lxc.payload.web/init.scope\n", "lxc web"},
      {"4:cpu:/lxc/web\n", "lxc web"},
      {"0::/machine.slice/machine-web.scope\n", "machine web"},
      {"0::/user.slice/user-1000.slice/user@1000.service/app.slice/vte-spawn-7.scope\n",
       "vte-spawn-7.scope"},
      {"1:name=systemd:/system.slice/cron.service\n0::/system.slice/cron.service\n",
       "cron.service"},
      {"0::/\n", ""},
      {"0::/docker/0123\n", ""},
      {"", ""},
      {"garbage", ""},
  }));
  INFO(text);
  CHECK(unit_of_cgroup(text) == unit);
}
