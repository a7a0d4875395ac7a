// SPDX-License-Identifier: Apache-2.0
// The supervisor's side of a launch: clone, then wait until the command runs or a step has failed.
#include <fmt/format.h>
#include <grp.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>

#include "launch/prepared.h"
#include "launch/report.h"
#include "sys/pidfd.h"
#include "sys/process.h"

namespace sbx::launch {
namespace {

constexpr std::uint64_t kNamespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC |
                                      CLONE_NEWUTS | CLONE_NEWCGROUP;

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
void end(int init) {
  sys::send_signal(init, SIGKILL);
  sys::Ended ignored;
  sys::reap(init, true, ignored);
}

Error died_before_exec(int init) {
  sys::Ended ended;
  sys::reap(init, true, ended);
  const bool killed = ended.code == CLD_KILLED || ended.code == CLD_DUMPED;
  return Error{fmt::format("the sandbox's init died before the command ran ({} {})",
                           killed ? "signal" : "status", ended.status),
               0, {}, "if memory is short the kernel may have killed it: see the kernel log"};
}

// The listener's number is known before it exists (Kind::FilterIsNext): until the filter is
// installed pidfd_getfd answers EBADF.
Result<sys::UniqueFd> wait_for_listener(int init, int status, int descriptor) {
  constexpr timespec kPause{0, 20'000};
  for (;;) {
    const int listener = sys::take_descriptor(init, descriptor);
    if (listener >= 0) {
      return sys::UniqueFd(listener);
    }
    pollfd early{status, POLLIN, 0};
    if (listener != -EBADF || ::poll(&early, 1, 0) != 0) {
      return Error{"cannot take the system call filter's listener", -listener, {},
                   "pidfd_getfd(2) must be permitted: a container's own filter may forbid it"};
    }
    ::nanosleep(&kPause, nullptr);
  }
}

// Lets the launch's own execve by, and nothing else: between the filter and exec the child makes
// no other call that could wait here. Its pointers are the supervisor's own memory's copies, and
// no hostile code has run yet, so "continue" decides on nothing that could change.
Status let_exec_by(int listener, int status) {
  pollfd ready[2] = {{listener, POLLIN, 0}, {status, POLLIN, 0}};
  if (::poll(ready, 2, -1) < 0 || (ready[0].revents & POLLIN) == 0) {
    return {};  // the child has failed; its report says how
  }
  seccomp_notif call{};
  if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) {
    return Error{"cannot receive the command's execve from the filter", errno, {}, ""};
  }
  seccomp_notif_resp answer{};
  answer.id = call.id;
  answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  if (call.data.nr != SYS_execve) {
    answer.flags = 0;
    answer.error = -EPERM;
  }
  if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) != 0) {
    return Error{"cannot let the command's execve by", errno, {}, ""};
  }
  return {};
}

// Reads reports until the command runs. A failure's Error leaves init dead or dying.
Result<sys::UniqueFd> wait_for_start(const PreparedLaunch& prepared, int init) {
  const int status = prepared.status_read.get();
  sys::UniqueFd listener;
  for (;;) {
    ChildReport report;
    if (::read(status, &report, sizeof report) != sizeof report) {
      return died_before_exec(init);
    }
    switch (report.kind) {
      case ChildReport::Kind::Failed:
        return to_error(prepared.plan, report);
      case ChildReport::Kind::FilterIsNext: {
        auto taken = wait_for_listener(init, status, report.item);
        if (!taken) {
          return taken.error();
        }
        listener = std::move(*taken);
        SBX_TRY(let_exec_by(listener.get(), status));
        break;
      }
      case ChildReport::Kind::Started: {
        if (listener) {
          return listener;
        }
        return wait_for_listener(init, status, report.item);
      }
    }
  }
}

// "started" → the table of --trace-launch: each step's share of the way.
std::vector<StepTiming> timings(const Trace& trace) {
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
  add("init", init_sequence());
  add("sandboxee", sandboxee_sequence());
  list.push_back({"supervisor", "take the listener", since(previous, trace.started)});
  return list;
}

Status share_trace(PreparedLaunch& prepared) {
  void* page = ::mmap(nullptr, sizeof(Trace), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) {
    return Error{"cannot share memory for --trace-launch", errno, {}, ""};
  }
  prepared.trace = new (page) Trace{};
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
  if (options.trace) {
    SBX_TRY(share_trace(prepared));
    prepared.trace->before_clone = monotonic_nanoseconds();
  }
  if (prepared.plan.identity.leave_root) {
    SBX_TRY(leave_root(prepared.plan.identity));
  }

  int pidfd = -1;
  const std::uint64_t flags = kNamespaces | (prepared.plan.own_network ? std::uint64_t{CLONE_NEWNET} : 0);
  const int pid = sys::clone_namespaces(flags, &pidfd);
  if (pid == 0) {
    run_init(prepared);
  }
  if (pid < 0) {
    return clone_error(-pid);
  }
  Started started;
  started.init.reset(pidfd);
  prepared.status_write.reset();
  prepared.go_read.reset();

  auto listener = wait_for_start(prepared, pidfd);
  if (!listener) {
    end(pidfd);
    return listener.error();
  }
  started.notify = std::move(*listener);
  constexpr char kGo = 1;
  if (::write(prepared.go_write.get(), &kGo, 1) != 1) {
    end(pidfd);
    return Error{"cannot tell the sandbox's init to go on", errno, {}, ""};
  }
  if (prepared.trace != nullptr) {
    prepared.trace->started = monotonic_nanoseconds();
    started.timings = timings(*prepared.trace);
  }
  started.status = std::move(prepared.status_read);
  return started;
}

}  // namespace sbx::launch
