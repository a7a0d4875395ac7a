// SPDX-License-Identifier: Apache-2.0
// capabilities(7), prctl(2), seccomp(2): what the command cannot take off again.
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>

#include "launch/prepared.h"
#include "launch/report.h"
#include "launch/steps.h"
#include "plan/namespaces.h"
#include "sys/capabilities.h"
#include "sys/process.h"

namespace sbx::launch {
namespace {

// The lowest free descriptor, or a negative errno: the number that the next open gets, since nobody else uses the
// table while init sleeps.
int next_descriptor() {
  const int next = ::fcntl(0, F_DUPFD_CLOEXEC, 0);
  return next < 0 || ::close(next) != 0 ? -errno : next;
}

}  // namespace

StepResult forbid_namespaces(const PreparedLaunch& prepared, ChildState&) noexcept {
  const std::uint64_t nested = prepared.plan.namespaces.nested;
  for (const plan::NamespaceKind& kind : plan::namespace_kinds()) {
    // Without user namespaces nobody inside has the capability that the other kinds need.
    if ((nested == 0 && kind.flag != CLONE_NEWUSER) || (nested & kind.flag) != 0) {
      continue;
    }
    constexpr char kNone[] = "0";
    if (const int answer = sys::write_file(kind.limit, kNone, 1); answer < 0) {
      return result_of(answer);
    }
    // ENOSPC is what a limit of 0 answers (unshare(2)); anything else means that another reason
    // stood in the way, or that the limit does not work.
    if (::unshare(static_cast<int>(kind.flag)) == 0) {
      return {EEXIST, 1};
    }
    if (errno != ENOSPC) {
      return {errno, 1};
    }
  }
  return {};
}

StepResult drop_capabilities(const PreparedLaunch& prepared, ChildState&) noexcept {
  if (const int answer = sys::keep_capabilities(prepared.plan.capabilities); answer < 0) {
    return result_of(answer);
  }
  return result_of(sys::verify_capabilities(prepared.plan.capabilities));
}

// Without a user namespace of one's own there is no CAP_SETPCAP: the bounding set stays, and
// no_new_privs keeps any exec from drawing on it.
StepResult drop_own_capabilities(const PreparedLaunch&, ChildState&) noexcept {
  return result_of(sys::drop_own_capabilities());
}

StepResult set_no_new_privs(const PreparedLaunch&, ChildState&) noexcept {
  return result_of(sys::set_no_new_privs());
}

StepResult refuse_exec_gain(const PreparedLaunch& prepared, ChildState&) noexcept {
  if (!prepared.plan.mdwe) {
    return {};
  }
  return result_of(sys::refuse_exec_gain());
}

StepResult install_filter(const PreparedLaunch& prepared, ChildState& state) noexcept {
  // The call that follows waits for the supervisor, so it must have the listener by then; and after
  // the filter this process may not be able to tell it anything.
  if (!prepared.plan.listens) {
    return result_of(sys::restrict_calls(prepared.filter));
  }
  const int next = next_descriptor();
  if (next < 0) {
    return {-next, 0};
  }
  const ChildReport report{ChildReport::Kind::FilterIsNext, 0, 0, next};
  if (::write(prepared.status_write.get(), &report, sizeof report) != sizeof report) {
    return {errno, 0};
  }
  const int listener = sys::install_filter(prepared.filter, prepared.plan.wait_killable);
  if (listener < 0) {
    return {-listener, 0};
  }
  state.listener = listener;
  return {};
}

StepResult await_supervisor(const PreparedLaunch& prepared, ChildState&) noexcept {
  // Without a listener there is no wait, and an outer sbx would take the mark for a forgery.
  return result_of(prepared.plan.listens ? sys::hide_memory(plan::kLaunchMark) : sys::set_dumpable(false));
}

}  // namespace sbx::launch
