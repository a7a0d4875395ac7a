// SPDX-License-Identifier: Apache-2.0
// LaunchPlan → PreparedLaunch: every open and every allocation of a launch.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "launch/handed_on.h"
#include "launch/prepared.h"
#include "seccomp/closed_list.h"
#include "seccomp/compile.h"

namespace sbx::launch {
namespace {

Status open_pipe(sys::UniqueFd& read_end, sys::UniqueFd& write_end) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return Error{"cannot open a pipe", errno, {}, "close some descriptors, or raise the limit (ulimit -n)"};
  }
  read_end.reset(ends[0]);
  write_end.reset(ends[1]);
  return {};
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> list;
  list.reserve(strings.size() + 1);
  for (const std::string& text : strings) {
    list.push_back(const_cast<char*>(text.c_str()));  // execve(2) takes char*, and changes nothing
  }
  list.push_back(nullptr);
  return list;
}

// The descriptors 0, 1 and 2 are always handed on. A caller that closed one would otherwise have
// the sandbox's own files appear there.
Status fill_standard_descriptors() {
  for (int descriptor = 0; descriptor <= 2; ++descriptor) {
    struct stat found {};
    if (::fstat(descriptor, &found) == 0) {
      if (S_ISDIR(found.st_mode)) {
        // openat(2) on it would reach the host's files past every mount.
        return Error{fmt::format("descriptor {} is a directory", descriptor), EISDIR, {},
                     "give the program a file, a pipe or a terminal; grant directories with --ro or --rw"};
      }
      continue;
    }
    const int opened = ::open("/dev/null", descriptor == 0 ? O_RDONLY : O_WRONLY);
    if (opened != descriptor) {
      return Error{"cannot open /dev/null for a closed standard descriptor", errno, {}, ""};
    }
  }
  return {};
}

// What init does once the command runs: wait for signals, reap, forward, say how the command ended,
// end. Anything else kills it, and with it all processes inside.
Result<seccomp::FilterProgram> init_filter(int status, const plan::LaunchPlan& plan) {
  std::vector calls{
      seccomp::ListedCalls{"rt_sigtimedwait wait4 kill exit_group restart_syscall"},
      seccomp::ListedCalls{"write", fmt::format("fd == {}", status)},
  };
  if (plan.terminal.own) {
    // Who is in its foreground.
    calls.push_back({"ioctl", "request in {TIOCGPGRP, TIOCSPGRP}"});
    calls.push_back({"getpgrp getpgid"});
  }
  if (plan.on_host_tree) {
    // It ends what is left (sys::end_children), and learns of its supervisor's death.
    calls.push_back({"getppid read close pidfd_open pidfd_send_signal waitid"});
    calls.push_back({"openat", "flags & (O_ACCMODE | O_CREAT | O_TRUNC) == 0"});
  }
  const auto spec = seccomp::closed_list(calls);
  return spec ? seccomp::compile(*spec) : spec.error();
}

Status check_kept(const plan::LaunchPlan& plan) {
  for (const int descriptor : plan.keep_fds) {
    if (::fcntl(descriptor, F_GETFD) < 0) {
      return Error{fmt::format("cannot keep descriptor {}", descriptor), errno,
                   {fmt::format("--keep-fd {}", descriptor)}, "open it before sbx starts"};
    }
    if (sys::is_terminal(descriptor) && !plan.terminal.inherits) {
      return Error{fmt::format("descriptor {} is a terminal", descriptor), 0,
                   {fmt::format("--keep-fd {}", descriptor)},
                   "the command could type and read there as you do: leave it out, or say --tty inherit"};
    }
  }
  return {};
}

// Offsets that set the clocks which count since boot back to 0 (time_namespaces(7)). Whole seconds:
// one that would make a clock negative is refused.
std::string clocks_from_zero() {
  std::string offsets;
  for (const auto& [clock, name] : {std::pair{CLOCK_MONOTONIC, "monotonic"}, std::pair{CLOCK_BOOTTIME, "boottime"}}) {
    timespec now{};
    ::clock_gettime(clock, &now);
    offsets += fmt::format("{} -{} 0\n", name, now.tv_sec);
  }
  return offsets;
}

}  // namespace

void PreparedLaunchDeleter::operator()(PreparedLaunch* prepared) const { delete prepared; }

Result<PreparedLaunchPtr> prepare(const plan::LaunchPlan& plan, const TerminalStart& terminal) {
  SBX_TRY(fill_standard_descriptors());
  SBX_TRY(check_kept(plan));
  PreparedLaunchPtr prepared(new PreparedLaunch(plan, terminal));
  prepared->supervisor = ::getpid();
  SBX_TRY(open_pipe(prepared->status_read, prepared->status_write));

  auto filter = init_filter(prepared->status_write.get(), plan);
  if (!filter) {
    return std::move(filter).error();
  }
  prepared->init_filter = *std::move(filter);

  const plan::Identity& id = plan.identity;
  prepared->uid_map = fmt::format("{} {} 1\n", id.inside_uid, id.outside_uid);
  prepared->gid_map = fmt::format("{} {} 1\n", id.inside_gid, id.outside_gid);
  if ((plan.namespaces.own & CLONE_NEWTIME) != 0) {
    prepared->time_offsets = clocks_from_zero();
  }
  prepared->tmpfs.resize(plan.mounts.size());
  for (std::size_t i = 0; i < plan.mounts.size(); ++i) {
    const auto size = [](std::uint64_t bytes) { return bytes == 0 ? "" : fmt::format("{}", bytes); };
    if (const auto* tmpfs = std::get_if<plan::Tmpfs>(&plan.mounts[i].what)) {
      prepared->tmpfs[i] = {fmt::format("{:04o}", tmpfs->mode), size(tmpfs->size_bytes)};
    } else if (const auto* overlay = std::get_if<plan::OverlayMount>(&plan.mounts[i].what)) {
      prepared->tmpfs[i].size = size(overlay->size_bytes);
    }
  }
  SBX_TRY(narrow_handed_on(plan, *prepared));
  prepared->argv = pointers(plan.argv);
  prepared->environment = pointers(plan.environment);
  prepared->filter.len = static_cast<unsigned short>(plan.filter_program.size());
  prepared->filter.filter = const_cast<sock_filter*>(plan.filter_program.data());
  prepared->stack.resize(kSandboxeeStack);
  return prepared;
}

}  // namespace sbx::launch
