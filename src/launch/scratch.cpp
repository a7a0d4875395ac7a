// SPDX-License-Identifier: Apache-2.0
#include "launch/scratch.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>

#include "sys/pidfd.h"
#include "sys/process.h"
#include "sys/remove_tree.h"

namespace sbx::launch {
namespace {

// What is in the directory belongs to the sandboxee, so root does not touch it.
bool leave_root(const plan::Identity& id) {
  return !id.leave_root || (::setgroups(0, nullptr) == 0 &&
                            ::setresgid(id.outside_gid, id.outside_gid, id.outside_gid) == 0 &&
                            ::setresuid(id.outside_uid, id.outside_uid, id.outside_uid) == 0);
}

[[noreturn]] void keep(const plan::LaunchPlan& plan, int supervisor) {
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_BLOCK, &all, nullptr);
  if (sys::close_all_but(supervisor) < 0 || !leave_root(plan.identity)) {
    ::_exit(1);
  }
  char nothing = 0;
  while (::read(supervisor, &nothing, 1) < 0 && errno == EINTR) {
  }
  // Were the supervisor killed, init is about to kill the rest, which may still write.
  constexpr int kTries = 100;
  constexpr timespec kPause{0, 20'000'000};
  for (int i = 0; i < kTries && sys::remove_tree(plan.scratch.c_str()) < 0; ++i) {
    ::nanosleep(&kPause, nullptr);
  }
  ::_exit(0);
}

Error cannot_make(const plan::LaunchPlan& plan, int errno_value) {
  return Error{"cannot make the command's private directory " + plan.scratch, errno_value, {},
               "it stands for HOME and /tmp where there are no namespaces"};
}

}  // namespace

Result<Scratch> Scratch::make(const plan::LaunchPlan& plan) {
  Scratch scratch;
  if (plan.scratch.empty()) {
    return scratch;
  }
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return cannot_make(plan, errno);
  }
  const sys::UniqueFd supervisor(ends[0]);
  scratch.alive_.reset(ends[1]);
  // In /tmp, where others may write: mkdir(2) makes it or fails, whoever was there first.
  const plan::Identity& id = plan.identity;
  if (::mkdir(plan.scratch.c_str(), 0700) != 0) {
    return cannot_make(plan, errno);
  }
  if (id.leave_root && ::lchown(plan.scratch.c_str(), id.outside_uid, id.outside_gid) != 0) {
    const int errno_value = errno;
    ::rmdir(plan.scratch.c_str());
    return cannot_make(plan, errno_value);
  }
  int keeper = -1;
  const int pid = sys::clone_namespaces(0, &keeper);
  if (pid == 0) {
    keep(plan, supervisor.get());
  }
  if (pid < 0) {
    ::rmdir(plan.scratch.c_str());
    return cannot_make(plan, -pid);
  }
  scratch.keeper_.reset(keeper);
  return scratch;
}

Scratch::~Scratch() {
  alive_.reset();
  if (keeper_) {
    sys::Ended ignored;
    sys::reap(keeper_.get(), true, ignored);
  }
}

}  // namespace sbx::launch
