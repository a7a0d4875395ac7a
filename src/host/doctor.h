// SPDX-License-Identifier: Apache-2.0
// What this kernel and host allow: each finding says what is so, what follows from it, and what to
// do about it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "host/trial.h"
#include "plan/host_facts.h"

namespace sbx::host {

struct Finding {
  enum class State : std::uint8_t {
    Good,     // there
    Absent,   // not there; sbx runs without it, and says what is lost
    Broken,   // `sbx run` cannot work
    Unknown,  // could not be tried, since something before it is broken
    Note,     // worth knowing
  };
  std::string subject;  // "user namespaces"
  State state = State::Good;
  std::string fact;         // "allowed"; "refused: Operation not permitted (EPERM)"
  std::string consequence;  // what it means for `sbx run`
  std::string remedy;       // a command, mostly; empty if there is nothing to do
};

// What examine() judges: read from the machine by collect(), written as literals by tests.
struct DoctorFacts {
  std::string os_release;
  bool borrowed_privilege = false;  // sbx is setuid, setgid or has file capabilities
  TrialResults trials;
  int landlock_abi = 0;
  bool has_mdwe = false;
  bool has_wait_killable = false;
  std::string policies_error;  // why `default` cannot be loaded; empty: it can
  // Files of procfs as text; empty if they are not there.
  std::string unprivileged_userns_clone;  // Debian's sysctl
  std::string max_user_namespaces;
  std::string apparmor_restrict_userns;  // Ubuntu's sysctl
  std::string unprivileged_port_start;
  std::string ptrace_scope;
  std::string legacy_tiocsti;
  std::string seccomp_mode;  // of sbx itself: 2 under a container's filter
  bool is_chroot = false;    // as far as the mount table tells
  plan::CgroupFacts cgroup;
};

Result<DoctorFacts> collect();
std::vector<Finding> examine(const DoctorFacts& facts);

}  // namespace sbx::host
