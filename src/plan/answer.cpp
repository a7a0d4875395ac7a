// SPDX-License-Identifier: Apache-2.0
#include "plan/answer.h"

#include <cerrno>

namespace sbx::plan {
namespace {

// Under "log" a denied call runs. Not those that would open the sandbox for good, nor those that
// this sbx knows nothing about: they stay denied.
bool may_run_under_log(seccomp::Purpose purpose) {
  return purpose == seccomp::Purpose::Policy || purpose == seccomp::Purpose::Default ||
         purpose == seccomp::Purpose::Families || purpose == seccomp::Purpose::Address;
}

Answer answer_to_denied(const seccomp::Rule& rule, OnViolation on_violation) {
  // Zero would tell the caller that the call had succeeded.
  const Answer fail{Answer::Kind::Fail, rule.denied_errno == 0 ? EPERM : rule.denied_errno, true};
  const Answer kill{Answer::Kind::Kill, 0, true};
  if (rule.kill) {
    return kill;
  }
  switch (on_violation) {
    case OnViolation::Kill:
      // A number that nobody knows, or clone3, is probed for by libc: ENOSYS is an answer, not a
      // violation.
      return rule.denied_errno == ENOSYS ? fail : kill;
    case OnViolation::Log:
      return may_run_under_log(rule.purpose) ? Answer{Answer::Kind::RunTold, 0, true} : fail;
    case OnViolation::Errno:
      return fail;
  }
  return kill;
}

}  // namespace

Answer answer_to(const seccomp::Rule& rule, OnViolation on_violation) {
  switch (rule.action.verdict) {
    case seccomp::Verdict::Allow:
      return {Answer::Kind::Run, 0, false};
    case seccomp::Verdict::Errno:
      return {Answer::Kind::Fail, rule.action.errno_value, false};
    case seccomp::Verdict::Kill:
      return {Answer::Kind::Kill, 0, false};
    case seccomp::Verdict::Notify:
      break;
  }
  switch (rule.mediation) {
    case seccomp::Mediation::Deny:
      break;
    case seccomp::Mediation::Log:
      return {Answer::Kind::RunTold, 0, true};
    case seccomp::Mediation::Watch:
      return {Answer::Kind::Run, 0, false};
    case seccomp::Mediation::Bind:
    case seccomp::Mediation::Connect:
    case seccomp::Mediation::Listen:
    case seccomp::Mediation::Send:
      return {Answer::Kind::Supervised, 0, false};
    case seccomp::Mediation::Observe:
    case seccomp::Mediation::ObserveLacking:
      return {Answer::Kind::Run, 0, false};
    case seccomp::Mediation::ObserveRefused:
      return {Answer::Kind::Fail, rule.denied_errno, false};
  }
  return answer_to_denied(rule, on_violation);
}

}  // namespace sbx::plan
