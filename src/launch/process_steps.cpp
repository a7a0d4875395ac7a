// SPDX-License-Identifier: Apache-2.0
// fork_sandboxee in init; session, limits, directory, descriptors, signals and exec in the sandboxee.
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "launch/prepared.h"
#include "launch/steps.h"
#include "sys/process.h"

namespace sbx::launch {
namespace {

// By the i386 ABI's entry, where there is one; the arguments do not matter to its caller.
std::int64_t call_by_i386(int number) {
#ifdef __x86_64__
  std::int64_t answer = number;
  asm volatile("int $0x80" : "+a"(answer) : : "memory", "r8", "r9", "r10", "r11");
  return static_cast<std::int32_t>(answer);  // EAX
#else
  static_cast<void>(number);
  return -ENOSYS;
#endif
}

// In place of the command (plan/self_test.h). The answers lie in memory shared with the supervisor,
// since the filter may refuse every way to tell them.
[[noreturn]] void make_attempts(const PreparedLaunch& prepared) noexcept {
  for (std::size_t i = 0; i < prepared.plan.self_test.size(); ++i) {
    const plan::SelfTestAttempt& attempt = prepared.plan.self_test[i];
    const auto& [a, b, c, d, e, f] = attempt.arguments;
    std::int64_t answer = attempt.is_i386 ? call_by_i386(attempt.number)
                                          : ::syscall(attempt.number, a, b, c, d, e, f);
    if (!attempt.is_i386 && answer < 0) {
      answer = -errno;
    }
    prepared.self_test[i] = answer;
  }
  ::_exit(0);
}

}  // namespace

namespace {

// setrlimit(2): at the hard limit of processor time comes SIGKILL, at the soft one SIGXCPU, which says
// why, and lets a program end in order.
constexpr std::uint64_t mercy(int resource) { return resource == RLIMIT_CPU ? 1 : 0; }

}  // namespace

StepResult fork_sandboxee(const PreparedLaunch& prepared, ChildState& state) noexcept {
  SandboxeeStart start{&prepared, &state};
  auto* stack_top = const_cast<std::byte*>(prepared.stack.data()) + prepared.stack.size();
  const int pid = sys::clone_sharing_memory(run_sandboxee, &start, stack_top);
  state.sandboxee = pid;
  return result_of(pid);
}

int run_sandboxee(void* sandboxee_start) {
  const auto* start = static_cast<SandboxeeStart*>(sandboxee_start);
  ChildState& state = *start->state;
  state.failure =
      run_steps(sandboxee_sequence(start->prepared->plan), *start->prepared, state, &state.failed_step);
  // Not by the pipe: the filter may refuse write(2). init reads the memory that both share.
  ::_exit(static_cast<int>(ExitCode::SbxFailed));
}

StepResult join_cgroup(const PreparedLaunch& prepared, ChildState&) noexcept {
  if (prepared.cgroup_processes < 0) {
    return {};
  }
  if (::write(prepared.cgroup_processes, "0", 1) != 1) {
    return {errno, 0};
  }
  const bool own = (prepared.plan.namespaces.own & CLONE_NEWCGROUP) != 0;
  return {own && ::unshare(CLONE_NEWCGROUP) != 0 ? errno : 0, 0};
}

StepResult own_session(const PreparedLaunch&, ChildState&) noexcept {
  return {::setsid() < 0 ? errno : 0, 0};
}

StepResult own_process_group(const PreparedLaunch&, ChildState&) noexcept {
  return {::setpgid(0, 0) != 0 ? errno : 0, 0};
}

StepResult set_limits(const PreparedLaunch& prepared, ChildState&) noexcept {
  for (std::size_t i = 0; i < prepared.plan.limits.size(); ++i) {
    const plan::ResourceLimit& limit = prepared.plan.limits[i];
    if (const int answer = sys::lower_limit(limit.resource, limit.value,
                                              limit.value + mercy(limit.resource));
        answer < 0) {
      return {-answer, static_cast<std::int32_t>(i)};
    }
  }
  ::umask(prepared.plan.umask);
  return {};
}

StepResult change_directory(const PreparedLaunch& prepared, ChildState&) noexcept {
  return {::chdir(prepared.plan.cwd.c_str()) != 0 ? errno : 0, 0};
}

StepResult close_descriptors(const PreparedLaunch& prepared, ChildState&) noexcept {
  constexpr unsigned kFirstAfterStderr = 3;
  if (const int answer = sys::close_on_exec_from(kFirstAfterStderr); answer < 0) {
    return result_of(answer);
  }
  for (const int kept : prepared.plan.keep_fds) {
    if (const int answer = sys::keep_over_exec(kept); answer < 0) {
      return {-answer, kept};
    }
  }
  return {};
}

StepResult reset_signals(const PreparedLaunch& prepared, ChildState&) noexcept {
  // Dispositions that were ignored outside stay ignored over exec; nohup(1) relies on it.
  return {::sigprocmask(SIG_SETMASK, &prepared.signals_outside, nullptr) != 0 ? errno : 0, 0};
}

StepResult execute(const PreparedLaunch& prepared, ChildState&) noexcept {
  if (prepared.self_test != nullptr) {
    make_attempts(prepared);
  }
  ::execve(prepared.plan.program.c_str(), prepared.argv.data(), prepared.environment.data());
  return {errno, 0};
}

}  // namespace sbx::launch
