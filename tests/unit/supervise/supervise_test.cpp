// SPDX-License-Identifier: Apache-2.0
#include "supervise/supervise.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include <catch2/catch.hpp>

#include "live_sandbox.h"
#include "sys/pidfd.h"

using sbx::events::Denied;
using sbx::events::Event;
using sbx::seccomp::Mediation;
namespace live = sbx::live;
namespace supervise = sbx::supervise;

extern "C" {
// A system call of its own, so that its place in the program has a name.
__attribute__((noinline)) long sbx_test_getpid() {
#if defined(__x86_64__)
  long result = SYS_getpid;
  __asm__ volatile("syscall" : "+a"(result) : : "rcx", "r11", "memory");
  return result;
#else
  return ::syscall(SYS_getpid) == -1 ? -errno : 0;
#endif
}
}

namespace {

int code_of(const live::Run& run) {
  if (!run.outcome) {
    FAIL(run.outcome.error().action << " " << run.outcome.error().errno_value);
  }
  return supervise::exit_code(*run.outcome);
}

}  // namespace

TEST_CASE("exit codes follow the outcome") {
  const auto [outcome, code] = GENERATE(table<supervise::Outcome, int>({
      {supervise::Exited{0}, 0},
      {supervise::Exited{77}, 77},
      {supervise::Killed{SIGTERM}, 143},
      {supervise::Violation{SIGSYS}, 159},
      {supervise::TimedOut{}, 124},
  }));
  CHECK(supervise::exit_code(outcome) == code);
}

TEST_CASE("supervise returns the command's own status") {
  const auto plan = live::plan_asking({}, Mediation::Deny);
  CHECK(code_of(live::run(plan, [] { return 42; })) == 42);
  CHECK(code_of(live::run(plan, [] { return ::raise(SIGUSR1); })) == 128 + SIGUSR1);
}

TEST_CASE("supervise tells a crash") {
  const auto plan = live::plan_asking({}, Mediation::Deny);
  const auto run = live::run(plan, [] { return ::raise(SIGSEGV); });
  CHECK(code_of(run) == 128 + SIGSEGV);
  REQUIRE(run.events.size() == 1);
  CHECK(std::get<sbx::events::Crashed>(run.events[0].what).signal == SIGSEGV);
}

TEST_CASE("a denied call is answered with the policy's errno and told") {
  auto plan = live::plan_asking({SYS_getpid}, Mediation::Deny);
  plan.filter.calls[SYS_getpid][0].denied_errno = EACCES;
  const auto run = live::run(plan, [] {
    live::shared().numbers[0] = static_cast<int>(sbx_test_getpid());
    return 0;
  });
  CHECK(code_of(run) == 0);
  CHECK(live::shared().numbers[0] == -EACCES);
  REQUIRE(run.events.size() == 1);
  const auto& denied = std::get<Denied>(run.events[0].what);
  CHECK(denied.call == "getpid");
  CHECK(denied.number == SYS_getpid);
  CHECK(denied.actor.pid_inside == 2);
  CHECK(denied.actor.pid_outside > 2);
  CHECK_FALSE(denied.actor.program.empty());
  CHECK(denied.answer == "EACCES");
  CHECK(denied.rule == "not in allow");
  CHECK(denied.remedy.option.find("--allow getpid") != std::string::npos);
  const std::string location = to_text(denied.place);
  INFO(location);
  CHECK(location.find(denied.actor.program + "+0x") == 0);
#if defined(__x86_64__)
  CHECK(location.find(" sbx_test_getpid") != std::string::npos);
#endif
}

TEST_CASE("a violation kills before the call returns, whatever handles SIGSYS") {
  auto plan = live::plan_asking({SYS_getpid}, Mediation::Deny);
  plan.on_violation = sbx::plan::OnViolation::Kill;
  const auto run = live::run(plan, [] {
    ::signal(SIGSYS, [](int) { live::shared().numbers[0] = 1; });
    sigset_t sys;
    sigemptyset(&sys);
    sigaddset(&sys, SIGSYS);
    ::sigprocmask(SIG_BLOCK, &sys, nullptr);
    sbx_test_getpid();
    live::shared().numbers[1] = 1;
    return 0;
  });
  CHECK(code_of(run) == 159);
  CHECK(live::shared().numbers[0] == 0);
  CHECK(live::shared().numbers[1] == 0);
  REQUIRE(run.events.size() == 1);
  CHECK(std::get<Denied>(run.events[0].what).answer == "killed");
}

TEST_CASE("a violation of another process kills that one alone") {
  auto plan = live::plan_asking({SYS_getpid}, Mediation::Deny);
  plan.on_violation = sbx::plan::OnViolation::Kill;
  const auto run = live::run(plan, [] {
    const pid_t worker = ::fork();
    if (worker == 0) {
      sbx_test_getpid();
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(worker, &status, 0);
    live::shared().numbers[0] = status;
    return 5;
  });
  CHECK(code_of(run) == 5);
  CHECK(WIFSIGNALED(live::shared().numbers[0]));
}

TEST_CASE("an unknown call is answered ENOSYS even where violations kill") {
  auto plan = live::plan_asking({SYS_getpid}, Mediation::Deny);
  plan.on_violation = sbx::plan::OnViolation::Kill;
  plan.filter.calls[SYS_getpid][0].denied_errno = ENOSYS;
  const auto run = live::run(plan, [] { return sbx_test_getpid() == -ENOSYS ? 0 : 1; });
  CHECK(code_of(run) == 0);
}

TEST_CASE("on-violation = log lets a call run, but never what opens the sandbox") {
  using sbx::seccomp::Purpose;
  const auto [purpose, runs] = GENERATE(table<Purpose, bool>({
      {Purpose::Policy, true},
      {Purpose::Default, true},
      {Purpose::WriteExec, false},
      {Purpose::Namespaces, false},
      {Purpose::Publish, false},
      {Purpose::Unknown, false},
  }));
  auto plan = live::plan_asking({SYS_getpid}, Mediation::Deny);
  plan.on_violation = sbx::plan::OnViolation::Log;
  plan.filter.calls[SYS_getpid][0].purpose = purpose;
  const auto run = live::run(plan, [] { return sbx_test_getpid() == 2 ? 0 : 1; });
  CHECK(code_of(run) == (runs ? 0 : 1));
  REQUIRE(run.events.size() == 1);
  CHECK((std::get<Denied>(run.events[0].what).answer == "allowed (log)") == runs);
}

TEST_CASE("a flood of denials is told twice") {
  const auto plan = live::plan_asking({SYS_getpid}, Mediation::Deny);
  const auto run = live::run(plan, [] {
    for (int i = 0; i < 5000; ++i) {
      sbx_test_getpid();
    }
    return 0;
  });
  CHECK(code_of(run) == 0);
  REQUIRE(run.events.size() == 2);
  CHECK(std::get<Denied>(run.events[0].what).count == 1);
  CHECK(std::get<Denied>(run.events[1].what).count == 5000);
}

TEST_CASE("a denial by a thread names its process") {
  const auto plan = live::plan_asking({SYS_getppid}, Mediation::Deny);
  const auto run = live::run(plan, [] {
    std::array<char, 4096 * 16> stack{};
    std::atomic<bool> answered = false;
    // A bare thread: no library of ours is needed for one system call.
    const int thread = ::clone(
        [](void* flag) -> int {
          ::syscall(SYS_getppid);
          *static_cast<std::atomic<bool>*>(flag) = true;
          ::syscall(SYS_exit, 0);
          return 0;
        },
        stack.data() + stack.size(),
        CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD, &answered);
    for (int i = 0; i < 20000 && !answered; ++i) {
      ::usleep(1000);
    }
    return thread > 0 ? 0 : 1;
  });
  CHECK(code_of(run) == 0);
  REQUIRE(run.events.size() == 1);
  CHECK(std::get<Denied>(run.events[0].what).actor.pid_inside == 2);
}

TEST_CASE("signals to the supervisor reach the command") {
  const auto plan = live::plan_asking({SYS_getppid}, Mediation::Deny);
  const int signal = GENERATE(SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGWINCH, SIGQUIT);
  live::Options options;
  // The denied call says that the handler is in place.
  options.on_event = [&](const Event&, int) { ::kill(::getpid(), signal); };
  const auto run = live::run(
      plan,
      [signal] {
        ::signal(signal, [](int number) { ::_exit(number); });
        ::syscall(SYS_getppid);
        ::pause();
        return 0;
      },
      std::move(options));
  CHECK(code_of(run) == signal);
}

TEST_CASE("init's sudden death is the command's") {
  const auto plan = live::plan_asking({SYS_getppid}, Mediation::Deny);
  live::Options options;
  options.on_event = [](const Event&, int init) { sbx::sys::send_signal(init, SIGKILL); };
  const auto run = live::run(
      plan,
      [] {
        ::syscall(SYS_getppid);
        ::pause();
        return 0;
      },
      std::move(options));
  CHECK(code_of(run) == 128 + SIGKILL);
}

TEST_CASE("the time limit ends a command that ends when asked") {
  auto plan = live::plan_asking({}, Mediation::Deny);
  plan.time_limit_seconds = 1;
  plan.time_limit_origin = {"--limit time=1", 0, 0};
  const auto run = live::run(plan, [] {
    ::raise(SIGSTOP);  // even a stopped one
    ::pause();
    return 0;
  });
  CHECK(code_of(run) == 124);
  REQUIRE(run.events.size() == 1);
  CHECK(std::get<sbx::events::LimitHit>(run.events[0].what).origin.source == "--limit time=1");
}
