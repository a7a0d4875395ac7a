// SPDX-License-Identifier: Apache-2.0
#include "plan/self_test.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/errno_name.h"
#include "plan/view.h"
#include "seccomp/compile.h"
#include "seccomp/syscall_table.h"

namespace sbx::plan {
namespace {

constexpr std::uint64_t kPage = 4096;
// Memory that is written to before the attempt to execute it.
alignas(kPage) char writable_page[kPage];

constexpr std::uint64_t kTiocsti = 0x5412, kTioclinux = 0x541c;
constexpr std::uint64_t kUpperBits = 1ull << 32;
constexpr int kNone = -1;

std::uint64_t address(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }
std::uint64_t number(std::int64_t value) { return static_cast<std::uint64_t>(value); }

struct Row {
  const char* text;
  std::string_view call;
  std::array<std::uint64_t, 6> arguments;
};

// What only the filter stands against, or the filter first.
std::vector<Row> calls() {
  static constexpr char kName[] = "sbx-self-test";
  constexpr std::uint64_t kReadWriteExecute = PROT_READ | PROT_WRITE | PROT_EXEC;
  constexpr std::uint64_t kAnonymous = MAP_PRIVATE | MAP_ANONYMOUS;
  return {
      {"memory that is writable and executable", "mmap", {0, kPage, kReadWriteExecute, kAnonymous, number(kNone), 0}},
      {"shared memory that is executable", "mmap", {0, kPage, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, number(kNone), 0}},
      {"to execute memory that was written", "mprotect", {address(writable_page), kPage, PROT_READ | PROT_EXEC}},
      {"an anonymous file (memfd_create)", "memfd_create", {address(kName), 1}},
      {"memory that reading makes executable (personality)", "personality", {READ_IMPLIES_EXEC}},
      {"page faults handled by itself (userfaultfd)", "userfaultfd", {O_CLOEXEC}},
      {"a user namespace of its own", "unshare", {CLONE_NEWUSER}},
      {"a mount namespace of its own", "unshare", {CLONE_NEWNS}},
      {"to enter another namespace", "setns", {number(kNone), CLONE_NEWNET}},
      {"to mount", "mount", {0, 0, 0, 0, 0}},
      {"to mount, by the newer calls", "fsopen", {address("tmpfs"), 0}},
      {"another root (pivot_root)", "pivot_root", {0, 0}},
      {"to trace init", "ptrace", {PTRACE_ATTACH, 1, 0, 0}},
      {"to read init's memory", "process_vm_readv", {1, 0, 0, 0, 0, 0}},
      {"to take descriptors of another process", "pidfd_getfd", {number(kNone), 0, 0}},
      {"the kernel's keyrings", "keyctl", {0, number(-3), 0}},
      {"to load BPF into the kernel", "bpf", {0, 0, 0}},
      {"performance counters", "perf_event_open", {0, 0, number(kNone), number(kNone), 0}},
      {"io_uring, which works outside of any filter", "io_uring_setup", {1, 0}},
      {"files by handle, past the mounts", "open_by_handle_at", {number(kNone), 0, 0}},
      {"to watch all files (fanotify)", "fanotify_init", {0, 0}},
      {"a module for the kernel", "finit_module", {number(kNone), 0, 0}},
      {"another kernel (kexec)", "kexec_load", {0, 0, 0, 0}},
      {"the kernel's log", "syslog", {10, 0, 0}},
      {"packets as they are on the wire", "socket", {AF_PACKET, SOCK_RAW, 0}},
      {"the kernel's crypto sockets", "socket", {AF_ALG, SOCK_SEQPACKET, 0}},
      {"to type into the terminal (TIOCSTI)", "ioctl", {0, kTiocsti, 0}},
      {"the same with upper bits set", "ioctl", {0, kTiocsti | kUpperBits, 0}},
      {"to paste into the terminal (TIOCLINUX)", "ioctl", {0, kTioclinux, 0}},
  };
}

// What the new root stands against; openat itself may be allowed.
std::vector<Row> openings() {
  const auto opening = [](const char* text, const char* path, std::uint64_t flags) {
    return Row{text, "openat", {number(AT_FDCWD), address(path), flags, 0}};
  };
  return {
      opening("to write to its own memory by a file", "/proc/self/mem", O_RDWR),
      opening("to read init's environment", "/proc/1/environ", O_RDONLY),
      opening("to change a setting of the kernel", "/proc/sys/kernel/core_pattern", O_WRONLY),
      opening("the machine's memory", "/dev/mem", O_RDONLY),
      opening("to change the system's programs", "/usr/bin", O_TMPFILE | O_WRONLY),
      opening("the accounts' passwords", "/etc/shadow", O_RDONLY),
  };
}

SelfTestAttempt attempt(const Row& row, int call_number, bool by_filter) {
  return {row.text, call_number, row.arguments, by_filter, false};
}

const seccomp::Rule& rule_for(const LaunchPlan& plan, const SelfTestAttempt& attempt) {
  seccomp_data call{};
  call.arch = seccomp::audit_arch(plan.filter.arch);
  call.nr = attempt.number;
  std::copy(attempt.arguments.begin(), attempt.arguments.end(), call.args);
  return seccomp::evaluate(plan.filter, call);
}

bool is_refusal(std::int64_t answer, const seccomp::Rule& rule) {
  for (const int value : {EPERM, EACCES, ENOSYS, static_cast<int>(rule.denied_errno),
                          static_cast<int>(rule.action.errno_value)}) {
    if (answer == -value && value != 0) {
      return true;
    }
  }
  return false;
}

}  // namespace

void make_self_test(LaunchPlan& plan) {
  plan.exec_once = false;
  plan.on_violation = plan.on_violation == OnViolation::Log ? OnViolation::Log : OnViolation::Errno;
  for (auto& [ignored, rules] : plan.filter.calls) {
    for (seccomp::Rule& rule : rules) {
      rule.kill = false;
    }
  }
  plan.filter.denied.kill = plan.filter.unknown.kill = plan.filter.foreign.kill = false;

  for (const Row& row : calls()) {
    if (const auto call_number = seccomp::number_of(plan.filter.arch, row.call)) {
      plan.self_test.push_back(attempt(row, *call_number, true));
    }
  }
  const int openat = seccomp::number_of(plan.filter.arch, "openat").value_or(kNone);
  for (const Row& row : openings()) {
    plan.self_test.push_back(attempt(row, openat, false));
  }
  constexpr int kNewerThanAll = 1000;
  plan.self_test.push_back({"a call newer than this sbx", kNewerThanAll, {}, true, false});
  if (plan.filter.arch == seccomp::Arch::X86_64) {
    constexpr int kX32GetPid = 0x4000'0000 | 39, kI386GetPid = 20;
    plan.self_test.push_back({"a call of the x32 ABI", kX32GetPid, {}, true, false});
    plan.self_test.push_back({"a call of the i386 ABI", kI386GetPid, {}, true, true});
  }
  // The kernel would end the process; there is nothing to try.
  std::erase_if(plan.self_test, [&](const SelfTestAttempt& one) {
    const seccomp::Rule& rule = one.is_i386 ? plan.filter.foreign : rule_for(plan, one);
    return rule.action.verdict == seccomp::Verdict::Kill;
  });
}

std::vector<SelfTestResult> judge_self_test(const LaunchPlan& plan,
                                            const std::vector<std::int64_t>& answers) {
  using State = SelfTestResult::State;
  std::vector<SelfTestResult> results;
  for (std::size_t i = 0; i < plan.self_test.size(); ++i) {
    const SelfTestAttempt& one = plan.self_test[i];
    const seccomp::Rule& rule = one.is_i386 ? plan.filter.foreign : rule_for(plan, one);
    const std::int64_t answer = i < answers.size() ? answers[i] : kSelfTestNotReached;
    SelfTestResult result{State::Refused, one.text, {}, {}};
    const bool follows_another = i > 0 && i <= answers.size() && answers[i - 1] != kSelfTestNotReached;
    if (answer == kSelfTestNotReached && one.is_i386 && follows_another) {
      result.detail = "it ends the process";  // SIGSYS, or SIGSEGV of a kernel without that entry
    } else if (answer == kSelfTestNotReached) {
      result = {State::Open, one.text, "it was not tried: an earlier one ended the test", {}};
    } else if (one.by_filter && rule.action.verdict == seccomp::Verdict::Allow) {
      result = {State::Allowed, one.text, rule.text, rule.origin};
    } else if (one.by_filter ? is_refusal(answer, rule) : answer < 0) {
      result.detail = errno_name(static_cast<int>(-answer));
    } else {
      result = {State::Open, one.text,
                answer < 0 ? errno_name(static_cast<int>(-answer)) : "it succeeded", rule.origin};
    }
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace sbx::plan
