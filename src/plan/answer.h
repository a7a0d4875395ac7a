// SPDX-License-Identifier: Apache-2.0
// What becomes of a call: the filter's rule and report.on-violation taken together. The supervisor
// acts on it; `explain` and `diff` foretell it by the same function.
#pragma once

#include "plan/launch_plan.h"

namespace sbx::plan {

struct Answer {
  enum class Kind : std::uint8_t {
    Run,         // at the kernel's own speed, nobody is told
    RunTold,     // let through by the supervisor, which tells of it
    Supervised,  // bind, connect, listen, send: done by the supervisor in the caller's place, if it agrees
    Fail,        // with errno_value; 0: pretended to have succeeded
    Kill,
  };
  Kind kind = Kind::Kill;
  int errno_value = 0;
  bool told = false;  // becomes an event

  friend bool operator==(const Answer&, const Answer&) = default;
};

Answer answer_to(const seccomp::Rule& rule, OnViolation on_violation);

inline bool is_granted(const Answer& answer) {
  return answer.kind != Answer::Kind::Fail && answer.kind != Answer::Kind::Kill;
}

}  // namespace sbx::plan
