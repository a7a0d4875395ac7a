// SPDX-License-Identifier: Apache-2.0
#include <cerrno>

#include <catch2/catch.hpp>

#include "plan/answer.h"

namespace sbx::plan {
namespace {

using seccomp::Mediation;
using seccomp::Purpose;
using seccomp::Rule;
using seccomp::Verdict;

Rule denial(Purpose purpose) {
  Rule rule;
  rule.purpose = purpose;
  return rule;
}

TEST_CASE("an answer is the rule and on-violation taken together") {
  const Rule policy = denial(Purpose::Policy);
  CHECK(answer_to(policy, OnViolation::Errno) == Answer{Answer::Kind::Fail, EPERM, true});
  CHECK(answer_to(policy, OnViolation::Kill) == Answer{Answer::Kind::Kill, 0, true});
  CHECK(answer_to(policy, OnViolation::Log) == Answer{Answer::Kind::RunTold, 0, true});
  // What would open the sandbox for good stays denied even where violations are only logged.
  CHECK(answer_to(denial(Purpose::Namespaces), OnViolation::Log).kind == Answer::Kind::Fail);
  CHECK(answer_to(denial(Purpose::WriteExec), OnViolation::Log).kind == Answer::Kind::Fail);
  // libc asks for calls that are not there: an answer, not a death.
  Rule unknown = denial(Purpose::Unknown);
  unknown.denied_errno = ENOSYS;
  CHECK(answer_to(unknown, OnViolation::Kill) == Answer{Answer::Kind::Fail, ENOSYS, true});
}

TEST_CASE("what the filter answers by itself is told to nobody") {
  Rule rule;
  rule.action = {Verdict::Allow, 0};
  CHECK(answer_to(rule, OnViolation::Kill) == Answer{Answer::Kind::Run, 0, false});
  rule.action = {Verdict::Errno, EACCES};
  CHECK(answer_to(rule, OnViolation::Kill) == Answer{Answer::Kind::Fail, EACCES, false});
  rule.action = {Verdict::Errno, 0};
  CHECK_FALSE(is_granted(answer_to(rule, OnViolation::Log)));  // a pretended success grants nothing
  rule.action = {Verdict::Kill, 0};
  CHECK(answer_to(rule, OnViolation::Log) == Answer{Answer::Kind::Kill, 0, false});
}

TEST_CASE("supervised and logged calls are granted") {
  Rule rule;
  rule.mediation = Mediation::Connect;
  CHECK(answer_to(rule, OnViolation::Kill).kind == Answer::Kind::Supervised);
  rule.mediation = Mediation::Log;
  CHECK(is_granted(answer_to(rule, OnViolation::Kill)));
}

}  // namespace
}  // namespace sbx::plan
