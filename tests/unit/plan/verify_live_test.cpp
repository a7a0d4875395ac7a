// SPDX-License-Identifier: Apache-2.0
// A sandbox as it should be, and each promise broken in turn.
#include <catch2/catch.hpp>
#include <sched.h>
#include <sys/resource.h>

#include <functional>

#include "plan/live_sandbox.h"

namespace sbx::plan {
namespace {

LaunchPlan plan_of_a_reader() {
  LaunchPlan plan;
  plan.identity.outside_uid = 1000;
  plan.identity.outside_gid = 1000;
  plan.namespaces.own = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET;
  plan.mounts = {{Bind{"/usr", "/usr", true, false, false, 1, 2}, {"p.toml", 4, 1}},
                 {Tmpfs{"/tmp", 01777, 0, false}, {"p.toml", 5, 1}}};
  plan.limits = {{RLIMIT_NPROC, "processes", 64, {"p.toml", 6, 1}}};
  plan.landlock.abi = 7;
  return plan;
}

LiveProcess confined(int pid, const char* name) {
  LiveProcess process;
  process.pid = pid;
  process.name = name;
  process.uid = process.gid = 1000;
  process.no_new_privs = true;
  process.seccomp_mode = 2;
  process.filters = 1;
  return process;
}

LiveSandbox sandbox_of_a_reader() {
  LiveSandbox sandbox;
  sandbox.namespaces = {{"user", "user:[1]"}, {"mnt", "mnt:[1]"}, {"pid", "pid:[1]"},
                        {"net", "net:[1]"},   {"ipc", "ipc:[1]"}};
  sandbox.supervisor = confined(10, "sbx");
  sandbox.init = confined(11, "sbx-init");
  LiveProcess reader = confined(12, "reader");
  reader.namespaces = {{"user", "user:[2]"}, {"mnt", "mnt:[2]"}, {"pid", "pid:[2]"},
                       {"net", "net:[2]"},   {"ipc", "ipc:[1]"}};
  reader.mounts = {{30, "/", "tmpfs", true, true, true, true},
                   {31, "/usr", "ext4", true, true, true, false},
                   {32, "/tmp", "tmpfs", false, true, true, true}};
  reader.limits = {{"Max processes", {64, 64}}};
  reader.files = {{0, 1, "/dev/null"}, {3, 31, "/usr/share/words"}};
  sandbox.processes = {reader};
  return sandbox;
}

std::vector<std::string> broken(const LiveSandbox& sandbox) {
  std::vector<std::string> texts;
  for (const Promise& promise : verify_live(plan_of_a_reader(), sandbox)) {
    if (promise.state == Promise::State::Broken) {
      texts.push_back(promise.text + ": " + promise.detail);
    }
  }
  return texts;
}

TEST_CASE("a sandbox that is as planned breaks no promise") {
  CHECK(broken(sandbox_of_a_reader()).empty());
}

TEST_CASE("each broken promise is told, and no other") {
  struct Row {
    const char* what;
    std::function<void(LiveSandbox&)> change;
    std::string told;
  };
  const Row rows[] = {
      {"uid", [](LiveSandbox& s) { s.processes[0].uid = 0; },
       "uid 1000 and gid 1000 outside: reader (pid 12): uid 0, gid 1000"},
      {"shared namespace", [](LiveSandbox& s) { s.processes[0].namespaces["net"] = "net:[1]"; },
       "its own net namespace: reader (pid 12): is in the host's"},
      {"own namespace", [](LiveSandbox& s) { s.processes[0].namespaces["ipc"] = "ipc:[9]"; },
       "the host's ipc namespace: reader (pid 12): is in another"},
      {"unseen namespace", [](LiveSandbox& s) { s.processes[0].namespaces.erase("pid"); },
       "its own pid namespace: reader (pid 12): cannot be looked at"},
      {"root", [](LiveSandbox& s) { s.processes[0].mounts[0].read_only = false; },
       "the root is read-only: reader (pid 12): it can be written to"},
      {"writable bind", [](LiveSandbox& s) { s.processes[0].mounts[1].read_only = false; },
       "bind-mount /usr, read-only: is not read-only"},
      {"setuid bind", [](LiveSandbox& s) { s.processes[0].mounts[1].no_suid = false; },
       "bind-mount /usr, read-only: is not nosuid"},
      {"executable tmpfs", [](LiveSandbox& s) { s.processes[0].mounts[2].no_exec = false; },
       "mount a tmpfs on /tmp, mode 1777, noexec: is not noexec"},
      {"lost mount", [](LiveSandbox& s) { s.processes[0].mounts.pop_back(); },
       "mount a tmpfs on /tmp, mode 1777, noexec: is not there"},
      {"another mount",
       [](LiveSandbox& s) { s.processes[0].mounts.push_back({40, "/home", "ext4", false, true, true, true}); },
       "no mount that the plan does not name: reader (pid 12): a ext4 on /home"},
      {"a file from outside", [](LiveSandbox& s) { s.processes[0].files.push_back({4, 1, "/home"}); },
       "no file open from outside but 0, 1, 2 and what --keep-fd names: reader (pid 12): descriptor 4 is /home"},
      {"capability", [](LiveSandbox& s) { s.processes[0].bounding = 0x20; },
       "no capability in any of the five sets: reader (pid 12): has 0x20"},
      {"no_new_privs", [](LiveSandbox& s) { s.processes[0].no_new_privs = false; },
       "no_new_privs: reader (pid 12): not set"},
      {"filter", [](LiveSandbox& s) { s.processes[0].seccomp_mode = 0; s.processes[0].filters = 0; },
       "a system call filter: reader (pid 12): seccomp mode 0, 0 filters"},
      {"limit", [](LiveSandbox& s) { s.processes[0].limits["Max processes"].hard = 65; },
       "limits.processes = 64: reader (pid 12): its limit is higher"},
      {"supervisor", [](LiveSandbox& s) { s.supervisor.seccomp_mode = 0; },
       "the supervisor confines itself: sbx (pid 10): it has no filter of its own"},
      {"init", [](LiveSandbox& s) { s.init.effective = 1; },
       "init has no capability: sbx-init (pid 11): has 0x1"},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    LiveSandbox sandbox = sandbox_of_a_reader();
    row.change(sandbox);
    CHECK(broken(sandbox) == std::vector{row.told});
  }
}

TEST_CASE("the second of two processes counts too") {
  LiveSandbox sandbox = sandbox_of_a_reader();
  sandbox.processes.push_back(sandbox.processes[0]);
  sandbox.processes[1].pid = 13;
  sandbox.processes[1].name = "a\x1b[31mb";
  sandbox.processes[1].no_new_privs = false;
  CHECK(broken(sandbox) == std::vector<std::string>{"no_new_privs: a\\x1b[31mb (pid 13): not set"});
}

TEST_CASE("a mount of the host below a granted directory comes along") {
  LiveSandbox sandbox = sandbox_of_a_reader();
  sandbox.processes[0].mounts.push_back({41, "/usr/local", "ext4", true, true, true, false});
  CHECK(broken(sandbox).empty());
}

TEST_CASE("what the kernel does not show is said to be unseen") {
  std::vector<std::string> unseen;
  for (const Promise& promise : verify_live(plan_of_a_reader(), sandbox_of_a_reader())) {
    if (promise.state == Promise::State::Unseen) {
      unseen.push_back(promise.text);
    }
  }
  CHECK(unseen == std::vector<std::string>{"Landlock"});
}

TEST_CASE("procfs is read as proc(5) describes it") {
  const auto process = parse_live_status(
      "Name:\tsbx-init\nUmask:\t0022\nPid:\t21\nPPid:\t20\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\n"
      "NSpid:\t21\t1\nCapInh:\t0000000000000001\nCapPrm:\t0000000000000002\nCapEff:\t0000000000000004\n"
      "CapBnd:\t000001ffffffffff\nCapAmb:\t0000000000000008\nNoNewPrivs:\t1\nSeccomp:\t2\n"
      "Seccomp_filters:\t3\n");
  REQUIRE(process);
  CHECK(process->name == "sbx-init");
  CHECK(process->pid == 21);
  CHECK(process->pid_inside == 1);
  CHECK(process->uid == 2);
  CHECK(process->gid == 6);
  CHECK(process->bounding == 0x1ffffffffff);
  CHECK(process->filters == 3);
  CHECK_FALSE(parse_live_status("Name:\tx\nPid:\t1\n"));
  CHECK_FALSE(parse_live_status(""));

  const auto mounts = parse_mountinfo("36 35 98:0 / /a\\040b ro,nosuid,noexec - tmpfs none rw\nbroken\n\n");
  REQUIRE(mounts.size() == 1);
  CHECK(mounts[0].place == "/a b");
  CHECK(mounts[0].read_only);
  CHECK(mounts[0].no_exec);
  CHECK_FALSE(mounts[0].no_dev);

  const auto limits = parse_limits(
      "Limit                     Soft Limit           Hard Limit           Units     \n"
      "Max open files            1024                 unlimited            files     \n");
  CHECK(limits.at("Max open files").soft == 1024);
  CHECK(limits.at("Max open files").hard == ~std::uint64_t{0});
}

}  // namespace
}  // namespace sbx::plan
