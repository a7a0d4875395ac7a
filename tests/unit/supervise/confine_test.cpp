// SPDX-License-Identifier: Apache-2.0
// Each call is tried in a process of its own that has confined itself as the supervisor does.
#include "supervise/confine.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>

#include "seccomp/compile.h"
#include "seccomp/syscall_table.h"

using namespace sbx;

namespace {

constexpr int kNotConfined = 99;

plan::LaunchPlan plain_plan() {
  plan::LaunchPlan plan;
  plan.filter.arch = seccomp::native_arch();
  return plan;
}

plan::LaunchPlan publishing_plan() {
  plan::LaunchPlan plan = plain_plan();
  seccomp::Rule rule;
  rule.action = {seccomp::Verdict::Notify, 0};
  rule.mediation = seccomp::Mediation::Bind;
  plan.filter.calls[*seccomp::number_of(plan.filter.arch, "bind")] = {rule};
  return plan;
}

// The wait status of a process that runs `act` confined.
int wait_status(const plan::LaunchPlan& plan, const std::function<int()>& act) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (!supervise::confine_before_clone() || !supervise::confine_after_clone(plan)) {
      ::_exit(kNotConfined);
    }
    const int answer = act();
    ::syscall(SYS_exit_group, answer);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status;
}

bool dies(const std::function<void()>& act, const plan::LaunchPlan& plan = plain_plan()) {
  const int status = wait_status(plan, [&] {
    act();
    return 0;
  });
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

bool passes(const std::function<int()>& act, const plan::LaunchPlan& plan = plain_plan()) {
  const int status = wait_status(plan, act);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

template <typename... Arguments>
std::function<void()> call(long number, Arguments... arguments) {
  return [=] { ::syscall(number, arguments...); };
}

}  // namespace

TEST_CASE("confine: what a supervisor that was taken over would want kills it", "[confine]") {
  const char* const path = "/tmp/sbx-confine-test";
  const struct {
    const char* what;
    std::function<void()> act;
  } kForbidden[] = {
      {"execve", call(SYS_execve, "/bin/true", nullptr, nullptr)},
      {"execveat", call(SYS_execveat, AT_FDCWD, "/bin/true", nullptr, nullptr, 0)},
      {"fork", call(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr)},
      {"clone3", call(SYS_clone3, nullptr, 0)},
      {"open for writing", call(SYS_openat, AT_FDCWD, "/dev/null", O_WRONLY, 0)},
      {"open for both", call(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR, 0)},
      {"open with the fourth access mode", call(SYS_openat, AT_FDCWD, "/dev/null", O_ACCMODE, 0)},
      {"create", call(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CREAT, 0600)},
      {"truncate by open", call(SYS_openat, AT_FDCWD, path, O_RDONLY | O_TRUNC, 0)},
      {"O_TMPFILE", call(SYS_openat, AT_FDCWD, "/tmp", O_TMPFILE | O_RDWR, 0600)},
      {"flags with upper bits", call(SYS_openat, AT_FDCWD, "/dev/null", 0x1'0000'0001L, 0)},
      {"openat2", call(SYS_openat2, AT_FDCWD, "/dev/null", nullptr, 24)},
      {"unlink", call(SYS_unlinkat, AT_FDCWD, path, 0)},
      {"rename", call(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, path, 0)},
      {"link", call(SYS_linkat, AT_FDCWD, path, AT_FDCWD, path, 0)},
      {"mkdir", call(SYS_mkdirat, AT_FDCWD, path, 0700)},
      {"chmod", call(SYS_fchmodat, AT_FDCWD, path, 0700)},
      {"mount", call(SYS_mount, "none", "/tmp", "tmpfs", 0, nullptr)},
      {"setns", call(SYS_setns, 0, 0)},
      {"unshare", call(SYS_unshare, CLONE_NEWUSER)},
      {"ptrace", call(SYS_ptrace, 0, 0, 0, 0)},
      {"process_vm_writev", call(SYS_process_vm_writev, 1, nullptr, 0, nullptr, 0, 0)},
      {"kill another", call(SYS_kill, 1, 0)},
      {"kill the group", call(SYS_kill, 0, 0)},
      {"kill everything", call(SYS_kill, -1, 0)},
      {"tgkill another", call(SYS_tgkill, 1, 1, 0)},
      {"a second filter", call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, nullptr)},
      {"prctl", call(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0)},
      {"prlimit64", call(SYS_prlimit64, 0, RLIMIT_CORE, nullptr, nullptr)},
      {"setuid", call(SYS_setuid, 0)},
      {"a pushed character", call(SYS_ioctl, 0, TIOCSTI, "x")},
      {"a pushed character with upper bits", call(SYS_ioctl, 0, 0x1'0000'0000L | TIOCSTI, "x")},
      {"executable memory",
       call(SYS_mmap, nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)},
      {"memory made executable", call(SYS_mprotect, nullptr, 4096, PROT_EXEC)},
      {"socket", call(SYS_socket, AF_INET, SOCK_STREAM, 0)},
      {"connect", call(SYS_connect, 0, nullptr, 0)},
      {"io_uring", call(SYS_io_uring_setup, 1, nullptr)},
      {"bpf", call(SYS_bpf, 0, nullptr, 0)},
      {"keyctl", call(SYS_keyctl, 0, 0, 0, 0, 0)},
      {"a number of the future", call(1000)},
  };
  for (const auto& [what, act] : kForbidden) {
    INFO(what);
    CHECK(dies(act));
  }
}

TEST_CASE("confine: a plan that mediates sockets has internet sockets and no others", "[confine]") {
  const plan::LaunchPlan plan = publishing_plan();
  CHECK(passes(
      [] {
        const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address);
      },
      plan));
  CHECK(dies(call(SYS_socket, AF_UNIX, SOCK_STREAM, 0), plan));
  CHECK(dies(call(SYS_socket, AF_NETLINK, SOCK_RAW, 0), plan));
  CHECK(dies(call(SYS_socket, AF_INET, SOCK_RAW, 1), plan));
  CHECK(dies(call(SYS_listen, 0, 1), plan));
  CHECK(dies(call(SYS_execve, "/bin/true", nullptr, nullptr), plan));
}

TEST_CASE("confine: what the supervisor does still works", "[confine]") {
  CHECK(passes([] { return ::open("/proc/self/status", O_RDONLY | O_CLOEXEC) < 0 ? 1 : 0; }));
  CHECK(passes([] { return ::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC) < 0 ? 1 : 0; }));
  CHECK(passes([] {  // a link of its own /proc, although it is undumpable
    const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    const std::string link = "/proc/self/fd/" + std::to_string(file);
    return ::open(link.c_str(), O_RDONLY | O_CLOEXEC) < 0 ? 1 : 0;
  }));
  const int status = wait_status(plain_plan(), [] { return ::kill(::getpid(), SIGKILL); });
  CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
}

TEST_CASE("confine: the compiled filter says what the rows say", "[confine]") {
  for (const plan::LaunchPlan& plan : {plain_plan(), publishing_plan()}) {
    const auto spec = seccomp::closed_list(supervise::allowed_calls(plan, 4711));
    REQUIRE(spec);
    const auto program = seccomp::compile(*spec);
    REQUIRE(program);
    CHECK(seccomp::verify(*spec, *program));
  }
}

TEST_CASE("confine: a terminal is set and asked, never typed into", "[confine]") {
  plan::LaunchPlan plan = plain_plan();
  CHECK(dies(call(SYS_ioctl, 0, TIOCSWINSZ, nullptr), plan));
  CHECK(dies(call(SYS_getpgid, 0), plan));
  plan.terminal.own = true;
  for (const int request : {TCGETS, TCSETS, TIOCGWINSZ, TIOCSWINSZ, TIOCGPGRP}) {
    CHECK_FALSE(dies(call(SYS_ioctl, -1, request, nullptr), plan));
  }
  for (const int request : {TIOCSTI, TIOCSPGRP, TIOCSCTTY, TIOCSETD, TIOCLINUX}) {
    CHECK(dies(call(SYS_ioctl, -1, request, nullptr), plan));
  }
  CHECK(dies(call(SYS_kill, 0, SIGKILL), plan));
  CHECK(dies(call(SYS_kill, 1, SIGTSTP), plan));
}
