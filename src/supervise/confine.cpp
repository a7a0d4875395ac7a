// SPDX-License-Identifier: Apache-2.0
// The supervisor's own confinement.
//
// To add a call: a row in kCalls, with the narrowest condition that its user can live with, and the
// duty of a plan that needs it, so that other plans do without. A call that is not listed kills the
// supervisor (SIGSYS), and the kernel then everything in the sandbox: never silent, never open.
// tests/unit/supervise/confine_test.cpp tries both sides.
//
// Why there is no Landlock here: a process in a domain may look into others (process_vm_readv,
// pidfd_getfd, most of /proc/PID) only where their domain descends from its own, and the command's
// descends from what the supervisor entered before the clone and from nothing later. A domain with
// file rights, entered so early, would forbid init every mount (hook_sb_mount). One without, for its
// scopes alone, forbids the command to rename and link files across directories: every domain denies
// LANDLOCK_ACCESS_FS_REFER that does not grant it (landlock(7)). Both measured on Linux 6.18. So
// files are left to the filter (opening is for reading only, whatever the path), other processes to
// what the kernel lets this user do.
//
// What is left to a supervisor that was taken over: to read files of its user, to hand descriptors
// of them in, and to write to descriptors that it has. Where a plan mediates sockets, to connect
// with those of the sandbox and with new ones for the internet; to signal and read processes of its
// user. Not: to write, create, rename or run a file, to start a process, to change a mount or a
// limit.
#include "supervise/confine.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "seccomp/compile.h"
#include "seccomp/syscall_table.h"
#include "sys/capabilities.h"
#include "sys/process.h"

namespace sbx::supervise {
namespace {

// What a plan gives the supervisor to do beside watching over the command.
enum class Duty : std::uint8_t {
  None,
  Sockets,   // binds and connects for the sandboxee
  Terminal,  // relays between the caller's terminal and the sandbox's own
  Orphans,   // ends what init has left behind, where no pid namespace does
  Listed,    // connects it outside, and listens
  Sends,     // sends its messages
  Abstract,  // connects it to abstract addresses outside
  Observed,  // records what it does (sbx learn)
  Log,       // keeps the log of runs
  Watching,  // looks at what the command names (--explain)
};

struct Row {
  std::string_view calls;
  std::string_view when = {};  // {pid} stands for the supervisor's own
  Duty duty = Duty::None;
};

constexpr std::array kCalls{
    Row{"read readv pread64 write writev lseek close fstat newfstatat statx getdents64"},
    // For reading only. openat2, whose flags lie in memory, is not here.
    Row{"openat", "flags & (O_ACCMODE | O_CREAT | O_TRUNC) == 0"},
    Row{"readlink readlinkat"},
    Row{"shutdown"},  // ends an errand
    Row{"fcntl", "cmd in {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC}"},
    // The loop.
    Row{"epoll_create1 epoll_ctl epoll_wait epoll_pwait poll ppoll timerfd_create timerfd_settime"},
    Row{"signalfd4 rt_sigaction rt_sigprocmask rt_sigreturn restart_syscall"},
    Row{"clock_gettime gettimeofday nanosleep clock_nanosleep"},
    // The sandbox's processes. Signals go by pidfd, .
    Row{"pidfd_open pidfd_getfd pidfd_send_signal waitid process_vm_readv getpid gettid"},
    // Itself: SIGSTOP when the command is stopped, SIGABRT for a failed assertion.
    Row{"kill tkill", "pid == {pid}"},
    Row{"tgkill", "tgid == {pid}"},
    // Denied calls and their answers. TCGETS: whether stderr is a terminal.
    Row{"ioctl",
        "request in {SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND, "
        "SECCOMP_IOCTL_NOTIF_ID_VALID, "
        "SECCOMP_IOCTL_NOTIF_ADDFD, TCGETS}"},
    // PIDFD_GET_INFO in its first size: how a process inside has ended.
    Row{"ioctl", "request == 0xc040ff0b"},
    Row{"seccomp", "op == SECCOMP_GET_NOTIF_SIZES"},
    // Memory, none of it executable.
    Row{"mmap mprotect", "prot & PROT_EXEC == 0"},
    Row{"brk munmap mremap madvise futex getrandom sched_yield exit exit_group"},

    Row{"getsockopt setsockopt getsockname bind connect umask setitimer", "", Duty::Sockets},
    // A published port bound a second time (bind_outside). No AF_UNIX: the user's session bus and
    // agents listen there.
    Row{"socket", "domain in {AF_INET, AF_INET6} and type & 0xf in {SOCK_STREAM, SOCK_DGRAM}",
        Duty::Sockets},

    // Modes, size and foreground of the two terminals. Input cannot be pushed into either (TIOCSTI).
    Row{"ioctl", "request in {TCGETS, TCSETS, TIOCGWINSZ, TIOCSWINSZ, TIOCGPGRP}", Duty::Terminal},
    // Our own group, as the terminal would stop it.
    Row{"kill", "pid == 0 and sig in {SIGTSTP, SIGTTIN, SIGTTOU}", Duty::Terminal},
    Row{"getpgrp getpgid rt_sigtimedwait rt_sigpending setitimer", "", Duty::Terminal},

    Row{"getsid", "", Duty::Orphans},
    Row{"getpeername listen", "", Duty::Listed},
    // A watch is made again under the sandboxee's number (sys::watch_as).
    Row{"dup3", "flags & ~O_CLOEXEC == 0", Duty::Listed},
    // sendmmsg's lengths are told in the caller's memory.
    Row{"sendmsg process_vm_writev", "", Duty::Sends},
    Row{"socket", "domain == AF_UNIX and type & 0xf in {SOCK_STREAM, SOCK_SEQPACKET}",
        Duty::Abstract},

    // SECCOMP_IOCTL_NOTIF_SET_FLAGS, which older headers lack. Of a socket its type is asked.
    Row{"ioctl", "request == 0x40082104", Duty::Observed},
    Row{"getsockopt", "", Duty::Observed},
    // Its two files are opened before, and take turns (event_log.h).
    Row{"flock ftruncate", "", Duty::Log},
    Row{"faccessat faccessat2 getsockopt", "", Duty::Watching},
};

bool mediates(const plan::LaunchPlan& plan, std::string_view call, seccomp::Mediation mediation) {
  const auto number = seccomp::number_of(plan.filter.arch, call);
  const auto rules = number ? plan.filter.calls.find(*number) : plan.filter.calls.end();
  return rules != plan.filter.calls.end() &&
         std::any_of(rules->second.begin(), rules->second.end(),
                     [&](const seccomp::Rule& rule) { return rule.mediation == mediation; });
}

bool has_duty(const plan::LaunchPlan& plan, Duty duty) {
  using seccomp::Mediation;
  switch (duty) {
    case Duty::None:
      return true;
    case Duty::Observed:
      return plan.observed;
    case Duty::Sockets:
      return mediates(plan, "bind", Mediation::Bind) ||
             mediates(plan, "connect", Mediation::Connect);
    case Duty::Terminal:
      return plan.terminal.own;
    case Duty::Orphans:
      return plan.on_host_tree;
    case Duty::Listed:
      return plan.connect.limited || plan.bind.limited;
    case Duty::Sends:
      return mediates(plan, "sendto", Mediation::Send) ||
             mediates(plan, "sendmsg", Mediation::Send) ||
             mediates(plan, "sendmmsg", Mediation::Send);
    case Duty::Watching:
      return plan.watch.on;
    case Duty::Abstract:
      return std::any_of(
          plan.connect.allowed.begin(), plan.connect.allowed.end(),
          [](const plan::AddressRule& rule) { return rule.path.starts_with('@'); });
    case Duty::Log:
      return plan.reporting.log != plan::LogMode::None;
  }
  return false;
}

// Only a published port below 1024, bound again after a restart of the server, needs one.
std::uint64_t needed_capabilities(const plan::LaunchPlan& plan) {
  constexpr std::uint16_t kFirstUnprivilegedPort = 1024;
  for (const plan::Publish& publish : plan.publish) {
    if (publish.outside_port < kFirstUnprivilegedPort) {
      return sys::kNetBindService;
    }
  }
  return 0;
}

Status restrict_calls(const plan::LaunchPlan& plan) {
  const auto spec = seccomp::closed_list(allowed_calls(plan, ::getpid()));
  if (!spec) {
    return spec.error();
  }
  auto program = seccomp::compile(*spec);
  if (!program) {
    return std::move(program).error();
  }
  const sock_fprog loadable{static_cast<unsigned short>(program->size()), program->data()};
  if (const int answer = sys::restrict_calls(loadable); answer < 0) {
    return Error{"cannot restrict the supervisor's own system calls",
                 -answer,
                 {},
                 "seccomp(2) must be permitted: a container's own filter may forbid it"};
  }
  return {};
}

}  // namespace

std::vector<seccomp::ListedCalls> allowed_calls(const plan::LaunchPlan& plan, int own_pid) {
  std::vector<seccomp::ListedCalls> list;
  for (const Row& row : kCalls) {
    if (has_duty(plan, row.duty)) {
      std::string when(row.when);
      if (const std::size_t place = when.find("{pid}"); place != std::string::npos) {
        when.replace(place, 5, std::to_string(own_pid));
      }
      list.push_back({row.calls, std::move(when)});
    }
  }
  return list;
}

Status confine_before_clone() {
  if (const int answer = sys::set_no_new_privs(); answer < 0) {
    return Error{"cannot set no_new_privs on the supervisor", -answer, {}, ""};
  }
  return {};
}

Status confine_after_clone(const plan::LaunchPlan& plan) {
  // A descriptor handed to the command is the command's; the supervisor would keep it open.
  if (const int answer = sys::close_inherited(); answer < 0) {
    return Error{"cannot close the descriptors that the caller left open", -answer, {}, ""};
  }
  if (const int answer = sys::limit_capabilities(needed_capabilities(plan)); answer < 0) {
    return Error{"cannot drop the supervisor's capabilities", -answer, {}, ""};
  }
  // No core dump: it would hold the caller's environment. No process: the filter says it again.
  for (const int resource : {RLIMIT_CORE, RLIMIT_NPROC}) {
    if (const int answer = sys::lower_limit(resource, 0, 0); answer < 0) {
      return Error{"cannot lower the supervisor's own limits", -answer, {}, ""};
    }
  }
  // Other processes of this user can neither trace it nor read its memory (prctl(2)).
  if (const int answer = sys::set_dumpable(false); answer < 0) {
    return Error{"cannot make the supervisor undumpable", -answer, {}, ""};
  }
  return restrict_calls(plan);
}

}  // namespace sbx::supervise
