// SPDX-License-Identifier: Apache-2.0
// setitimer(2): a bound on how long one blocking call of this process may take.
#pragma once

#include <signal.h>

namespace sbx::sys {

// While it lives, SIGALRM comes again and again and a call that waits fails with EINTR after a
// millisecond or a few. Needed where the other side can make a call blocking under our hands: flags
// and timeouts of a shared socket are as good as the sandboxee's next fcntl. SIGALRM must be
// blocked outside; only for single-threaded callers.
class InterruptSoon {
 public:
  InterruptSoon();
  ~InterruptSoon();
  InterruptSoon(const InterruptSoon&) = delete;
  InterruptSoon& operator=(const InterruptSoon&) = delete;

 private:
  sigset_t mask_before_{};
};

}  // namespace sbx::sys
