// SPDX-License-Identifier: Apache-2.0
// A process forked off before the supervisor confines itself, for the one thing to be done at the
// end that the supervisor's own filter forbids (confine.cpp): to put a report in place, to take a
// cgroup down. It waits at a socket and reads one byte of it, so nothing hostile reaches it; when
// the supervisor is gone, however it ended, it acts too, and ends.
#pragma once

#include <functional>
#include <vector>

#include "base/result.h"
#include "sys/unique_fd.h"

namespace sbx::supervise {

class Errand {
 public:
  Errand() = default;
  Errand(Errand&&) = default;
  Errand& operator=(Errand&&) = default;
  ~Errand();  // lets it act if it has not been asked to, and waits for its end

  // `act` runs there, with all signals blocked and no descriptors but `kept`: asked is true if
  // ask() was called, false if the supervisor has ended without. It returns an errno, or 0. -1 and
  // errno where the process cannot be started.
  static Result<Errand> start(std::vector<int> kept, const std::function<int(bool asked)>& act);

  explicit operator bool() const { return bool(process_); }

  // For a process forked since: it is the parent's to ask and to wait for.
  void leave_to_parent() { process_.reset(); }

  // Its answer: 0 or an errno.
  int ask();

 private:
  sys::UniqueFd process_;  // pidfd
  sys::UniqueFd channel_;
};

}  // namespace sbx::supervise
