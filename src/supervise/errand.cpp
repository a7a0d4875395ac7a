// SPDX-License-Identifier: Apache-2.0
#include "supervise/errand.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "sys/pidfd.h"
#include "sys/process.h"

namespace sbx::supervise {
namespace {

[[noreturn]] void run(std::vector<int> kept, int socket, const std::function<int(bool)>& act) {
  // Ctrl-C reaches the whole foreground group, and must not cost the errand.
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_BLOCK, &all, nullptr);
  kept.push_back(socket);
  // Who reads sbx's output waits for the last holder of its descriptors to be gone.
  sys::close_all_but(std::move(kept));
  char go = 0;
  const bool asked = ::read(socket, &go, 1) == 1;
  const int answer = act(asked);
  if (asked) {
    [[maybe_unused]] const ssize_t told = ::write(socket, &answer, sizeof answer);
  }
  ::_exit(0);
}

}  // namespace

Errand::~Errand() {
  if (process_) {
    // Heard although a process forked since may hold a copy of this end.
    ::shutdown(channel_.get(), SHUT_RDWR);
    sys::Ended ignored;
    sys::reap(process_.get(), true, ignored);
  }
}

Result<Errand> Errand::start(std::vector<int> kept, const std::function<int(bool)>& act) {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error{"cannot open a socket pair", errno};
  }
  Errand errand;
  errand.channel_.reset(ends[0]);
  const sys::UniqueFd other_end(ends[1]);
  int pidfd = -1;
  const int process = sys::clone_namespaces(0, &pidfd);
  if (process == 0) {
    run(std::move(kept), ends[1], act);
  }
  if (process < 0) {
    return Error{"cannot start a process", -process, {}, "the limit of processes may be reached"};
  }
  errand.process_.reset(pidfd);
  return errand;
}

int Errand::ask() {
  constexpr char kGo = 1;
  int answer = 0;
  if (::write(channel_.get(), &kGo, 1) != 1 ||
      ::read(channel_.get(), &answer, sizeof answer) != static_cast<ssize_t>(sizeof answer)) {
    return EPIPE;  // somebody has killed it
  }
  return answer;
}

}  // namespace sbx::supervise
