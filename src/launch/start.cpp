// SPDX-License-Identifier: Apache-2.0
// The supervisor's side of a launch: clone, then wait until the command runs or a step has failed.
#include <fmt/format.h>
#include <grp.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>

#include "launch/prepared.h"
#include "launch/report.h"
#include "sys/pidfd.h"
#include "sys/process.h"

namespace sbx::launch {
namespace {

// Started by root, sbx becomes the sandboxee's outside uid for the rest of its life: an error of
// the supervisor is then worth no more than the sandboxee's own rights. All three ids, so that
// there is no way back (setresuid(2)); verified.
Status leave_root(const plan::Identity& id) {
  const auto cannot = [&](const char* what) {
    return Error{fmt::format("cannot {} (uid {}, gid {})", what, id.outside_uid, id.outside_gid), errno,
                 id.origin,
                 errno == EINVAL
                     ? "this root's own user namespace has no such id, as in most containers: choose one "
                       "that it has, as --user nobody"
                     : "root needs CAP_SETUID and CAP_SETGID to start a sandbox as another user"};
  };
  if (::setgroups(0, nullptr) != 0) {
    return cannot("drop root's supplementary groups");
  }
  if (::setresgid(id.outside_gid, id.outside_gid, id.outside_gid) != 0 ||
      ::setresuid(id.outside_uid, id.outside_uid, id.outside_uid) != 0) {
    return cannot("become the sandbox's user");
  }
  if (::geteuid() != id.outside_uid || (id.outside_uid != 0 && ::setuid(0) == 0)) {
    errno = EPERM;
    return cannot("give root up for good");
  }
  // A change of ids makes a process undumpable (prctl(2), PR_SET_DUMPABLE): its own /proc/self
  // then belongs to root, and the child could not write its uid_map.
  if (const int answer = sys::set_dumpable(true); answer < 0) {
    errno = -answer;
    return cannot("keep its own /proc/self");
  }
  return {};
}

// Kills and reaps a sandbox that did not come up.
void end(const PreparedLaunch& prepared, int init) {
  sys::send_signal(init, SIGKILL);
  sys::Ended ignored;
  sys::reap(init, true, ignored);
  if (prepared.plan.on_host_tree) {
    sys::end_children(true);
  }
}

Error died_before_exec(int init) {
  sys::Ended ended;
  sys::reap(init, true, ended);
  const bool killed = ended.code == CLD_KILLED || ended.code == CLD_DUMPED;
  return Error{fmt::format("the sandbox's init died before the command ran ({} {})",
                           killed ? "signal" : "status", ended.status),
               0, {}, "if memory is short the kernel may have killed it: see the kernel log"};
}

constexpr const char* kMustTake =
    "pidfd_getfd(2) must be permitted, which a container or another sbx may deny; without reports it is "
    "not needed: --allow-degraded notify";

// The listener's number is known before it exists (Kind::FilterIsNext): until the filter is
// installed pidfd_getfd answers EBADF.
Result<sys::UniqueFd> wait_for_listener(int init, int status, int descriptor) {
  constexpr timespec kPause{0, 20'000};
  for (;;) {
    const int listener = sys::take_descriptor(init, descriptor);
    if (listener >= 0) {
      return sys::UniqueFd(listener);
    }
    if (listener == -ESRCH) {
      return sys::UniqueFd();  // it has ended already; its report says how
    }
    if (listener != -EBADF) {
      return Error{"cannot take the system call filter's listener", -listener, {},
                   kMustTake};
    }
    pollfd early{status, POLLIN, 0};
    const int reported = ::poll(&early, 1, 0);
    if (reported < 0) {
      return Error{"cannot wait for the system call filter's listener", errno, {}, ""};
    }
    if (reported > 0) {
      return sys::UniqueFd();  // the child has failed; its report says how
    }
    ::nanosleep(&kPause, nullptr);
  }
}

// Lets one waiting call of the launch by. Its pointers are the supervisor's own memory's copies, and no
// hostile code has run yet, so "continue" decides on nothing that could change. Another call cannot
// wait here: between the filter and exec the child makes no other.
template <typename Expected>
Status let_by(int listener, int status, const char* what, const Expected& is_expected) {
  pollfd ready[2] = {{listener, POLLIN, 0}, {status, POLLIN, 0}};
  if (::poll(ready, 2, -1) < 0) {
    return Error{fmt::format("cannot wait for the {}", what), errno, {}, ""};
  }
  if ((ready[0].revents & POLLIN) == 0) {
    return {};  // the child has failed; its report says how
  }
  seccomp_notif call{};
  if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) {
    return Error{fmt::format("cannot receive the {} from the filter", what), errno, {}, ""};
  }
  if (!is_expected(call.data)) {
    return Error{fmt::format("cannot let the {} by: call {} came instead", what, call.data.nr), 0, {},
                 "this is a defect of sbx"};
  }
  seccomp_notif_resp answer{};
  answer.id = call.id;
  answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) != 0) {
    return Error{fmt::format("cannot let the {} by", what), errno, {}, ""};
  }
  return {};
}

// The next report of init, which has not failed.
Result<ChildReport> next_report(const plan::LaunchPlan& plan, int status, int init) {
  ChildReport report;
  const ssize_t length = ::read(status, &report, sizeof report);
  if (length < 0) {
    return Error{"cannot read how the launch goes on inside", errno, {}, ""};
  }
  if (length != sizeof report) {
    return died_before_exec(init);
  }
  if (report.kind == ChildReport::Kind::Failed) {
    return to_error(plan, report);
  }
  return report;
}

// Until the command waits for its release. A failure's Error leaves init dead or dying.
Result<sys::UniqueFd> wait_until_held(const PreparedLaunch& prepared, int init, Started& started) {
  const int status = started.status.get();
  for (;;) {
    const auto report = next_report(prepared.plan, status, init);
    if (!report) {
      return report.error();
    }
    if (report->kind == ChildReport::Kind::TerminalOpened) {
      const int terminal = sys::take_descriptor(init, report->item);
      if (terminal < 0) {
        return Error{"cannot take the sandbox's terminal", -terminal, {}, kMustTake};
      }
      started.terminal.reset(terminal);
      continue;
    }
    auto listener = wait_for_listener(init, status, report->item);
    if (!listener || *listener) {
      return listener;
    }
  }
}

// "started" → the table of --trace-launch: each step's share of the way.
std::vector<StepTiming> timings(const plan::LaunchPlan& plan, const Trace& trace) {
  std::vector<StepTiming> list;
  const auto since = [](std::uint64_t from, std::uint64_t to) {
    return static_cast<double>(to - from) / 1000.0;
  };
  list.push_back({"supervisor", "clone the namespaces", since(trace.before_clone, trace.in_init)});
  std::uint64_t previous = trace.in_init;
  const auto add = [&](std::string_view process, std::span<const ChildStep> steps) {
    for (const ChildStep& step : steps) {
      const std::uint64_t end = trace.end[static_cast<std::size_t>(step.step)];
      // fork_sandboxee ends only when the sandboxee has exec'ed: its stamp lies after theirs.
      if (step.step != Step::ForkSandboxee) {
        list.push_back({process, step.name, since(previous, end)});
        previous = end;
      }
    }
  };
  add("init", init_sequence(plan));
  add("sandboxee", sandboxee_sequence(plan));
  list.push_back({"supervisor", "hear that the command runs", since(previous, trace.started)});
  return list;
}

Result<void*> share_memory(std::size_t bytes, const char* what) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    return Error{fmt::format("cannot share memory for {}", what), errno, {}, ""};
  }
  return memory;
}

Status share_trace(PreparedLaunch& prepared) {
  const auto page = share_memory(sizeof(Trace), "--trace-launch");
  if (!page) {
    return page.error();
  }
  prepared.trace = new (*page) Trace{};
  return {};
}

Status share_answers(PreparedLaunch& prepared) {
  const std::size_t count = prepared.plan.self_test.size();
  const auto memory = share_memory(count * sizeof(std::int64_t), "--self-test");
  if (!memory) {
    return memory.error();
  }
  prepared.self_test = static_cast<std::int64_t*>(*memory);
  std::fill_n(prepared.self_test, count, plan::kSelfTestNotReached);
  return {};
}

}  // namespace

std::uint64_t monotonic_nanoseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

Result<Started> start(PreparedLaunch& prepared, const StartOptions& options) {
  sigset_t all;
  ::sigfillset(&all);
  if (::sigprocmask(SIG_BLOCK, &all, &prepared.signals_outside) != 0) {
    return Error{"cannot block signals", errno, {}, ""};
  }
  if (!prepared.plan.self_test.empty()) {
    SBX_TRY(share_answers(prepared));
  }
  if (options.trace) {
    SBX_TRY(share_trace(prepared));
    prepared.trace->before_clone = monotonic_nanoseconds();
  }
  if (prepared.plan.identity.leave_root) {
    SBX_TRY(leave_root(prepared.plan.identity));
  }

  // What init leaves behind, were it killed, becomes this process's: supervise() ends it.
  if (prepared.plan.on_host_tree) {
    if (const int answer = sys::adopt_orphans(); answer < 0) {
      return Error{"cannot adopt the command's orphans", -answer, {}, ""};
    }
  }

  int pidfd = -1;
  prepared.cgroup_processes = options.cgroup_processes;
  // clone(2) has no room for CLONE_NEWTIME: init unshares that one itself, and the cgroup namespace
  // where it first joins a cgroup.
  const std::uint64_t later = std::uint64_t{CLONE_NEWTIME} |
                              (options.cgroup_processes >= 0 ? std::uint64_t{CLONE_NEWCGROUP} : 0);
  const int pid = sys::clone_namespaces(prepared.plan.namespaces.own & ~later, &pidfd);
  if (pid == 0) {
    run_init(prepared);
  }
  if (pid < 0) {
    return clone_error(-pid);
  }
  Started started;
  started.init.reset(pidfd);
  prepared.status_write.reset();

  if (Status confined = options.after_clone ? options.after_clone() : Status(); !confined) {
    end(prepared, pidfd);
    return std::move(confined).error();
  }
  started.status = std::move(prepared.status_read);
  if (!prepared.plan.listens) {
    return started;  // nothing holds the command: release only hears how it went
  }
  auto listener = wait_until_held(prepared, pidfd, started);
  if (!listener) {
    end(prepared, pidfd);
    return listener.error();
  }
  started.notify = std::move(*listener);
  return started;
}

std::vector<std::int64_t> self_test_answers(const PreparedLaunch& prepared) {
  return {prepared.self_test, prepared.self_test + prepared.plan.self_test.size()};
}

Result<std::vector<StepTiming>> release(const PreparedLaunch& prepared, int init, int status,
                                        int listener) {
  if (prepared.plan.listens) {
    SBX_TRY(let_by(listener, status, "launch's last step", [](const seccomp_data& call) {
      return call.nr == SYS_prctl && call.args[5] == plan::kLaunchMark;
    }));
  }
  if (prepared.self_test != nullptr) {
    return std::vector<StepTiming>{};  // init sleeps until the attempts are over; they want answers
  }
  if (prepared.plan.exec_once) {
    SBX_TRY(let_by(listener, status, "command's execve",
                   [](const seccomp_data& call) { return call.nr == SYS_execve; }));
  }
  const auto report = next_report(prepared.plan, status, init);
  if (!report) {
    return report.error();
  }
  if (prepared.trace == nullptr) {
    return std::vector<StepTiming>{};
  }
  prepared.trace->started = monotonic_nanoseconds();
  return timings(prepared.plan, *prepared.trace);
}

}  // namespace sbx::launch
