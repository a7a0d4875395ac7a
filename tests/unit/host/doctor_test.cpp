// SPDX-License-Identifier: Apache-2.0
#include "host/doctor.h"

#include <cerrno>

#include <catch2/catch.hpp>

using sbx::host::DoctorFacts;
using sbx::host::examine;
using sbx::host::Finding;
using sbx::host::kNotTried;
using sbx::host::kTrials;
using sbx::host::Trial;

namespace {

DoctorFacts good_host() {
  DoctorFacts facts;
  facts.os_release = "6.18.0";
  facts.trials.errno_of.fill(0);
  facts.landlock_abi = 7;
  facts.has_mdwe = facts.has_wait_killable = true;
  facts.max_user_namespaces = "10000";
  facts.unprivileged_port_start = "1024";
  facts.legacy_tiocsti = "0";
  facts.seccomp_mode = "0";
  return facts;
}

void fail(DoctorFacts& facts, Trial trial, int errno_value) {
  facts.trials.errno_of[static_cast<std::size_t>(trial)] = errno_value;
}

int count(const std::vector<Finding>& findings, Finding::State state) {
  int found = 0;
  for (const Finding& finding : findings) {
    found += finding.state == state ? 1 : 0;
  }
  return found;
}

Finding find(const std::vector<Finding>& findings, const std::string& subject) {
  for (const Finding& finding : findings) {
    if (finding.subject == subject) {
      return finding;
    }
  }
  FAIL("no finding about " << subject);
  return {};
}

}  // namespace

TEST_CASE("doctor: a host with everything") {
  const auto findings = examine(good_host());
  CHECK(count(findings, Finding::State::Broken) == 0);
  CHECK(count(findings, Finding::State::Absent) == 0);
}

TEST_CASE("doctor: what is broken says so, with a consequence") {
  for (std::size_t i = 0; i < kTrials; ++i) {
    CAPTURE(i);
    DoctorFacts facts = good_host();
    facts.trials.errno_of[i] = EPERM;
    const auto findings = examine(facts);
    CHECK(count(findings, Finding::State::Broken) == 1);
    for (const Finding& finding : findings) {
      if (finding.state == Finding::State::Broken) {
        CHECK_FALSE(finding.fact.empty());
        CHECK_FALSE(finding.consequence.empty());
      }
    }
  }
}

TEST_CASE("doctor: what could not be tried is not called broken") {
  DoctorFacts facts = good_host();
  facts.trials.errno_of.fill(kNotTried);
  fail(facts, Trial::UserNamespace, ENOSPC);
  const auto findings = examine(facts);
  CHECK(count(findings, Finding::State::Broken) == 1);
  CHECK(count(findings, Finding::State::Unknown) > 10);
}

TEST_CASE("doctor: refused user namespaces are explained by the switch that is off") {
  struct Row {
    const char* clone;
    const char* max;
    const char* apparmor;
    const char* seccomp;
    const char* remedy;  // a part of it
  };
  const auto row = GENERATE(Row{"0", "10000", "", "0", "kernel.unprivileged_userns_clone=1"},
                            Row{"1", "0", "", "0", "user.max_user_namespaces=10000"},
                            Row{"", "10000", "1", "0", "AppArmor profile"},
                            Row{"", "10000", "0", "2", "seccomp=unconfined"},
                            Row{"", "10000", "", "0", "chroot"});
  DoctorFacts facts = good_host();
  fail(facts, Trial::UserNamespace, EPERM);
  facts.unprivileged_userns_clone = row.clone;
  facts.max_user_namespaces = row.max;
  facts.apparmor_restrict_userns = row.apparmor;
  facts.seccomp_mode = row.seccomp;
  const Finding finding = find(examine(facts), "user namespaces");
  CHECK(finding.state == Finding::State::Broken);
  CHECK_THAT(finding.fact, Catch::Contains("EPERM"));
  CHECK_THAT(finding.remedy, Catch::Contains(row.remedy));
}

TEST_CASE("doctor: Ubuntu's rule lets the namespace be made, and refuses what follows") {
  DoctorFacts facts = good_host();
  facts.apparmor_restrict_userns = "1";
  fail(facts, Trial::MountNamespace, EPERM);
  const Finding finding = find(examine(facts), "mount namespaces");
  CHECK(finding.state == Finding::State::Broken);
  CHECK_THAT(finding.remedy, Catch::Contains("AppArmor"));
}

TEST_CASE("doctor: an old kernel, and missing layers") {
  DoctorFacts facts = good_host();
  facts.os_release = "5.10.0";
  facts.has_mdwe = facts.has_wait_killable = false;
  facts.landlock_abi = 0;
  facts.ptrace_scope = "3";
  facts.policies_error = "cannot read default.toml";
  const auto findings = examine(facts);
  CHECK(find(findings, "kernel").state == Finding::State::Broken);
  CHECK(find(findings, "Landlock").state == Finding::State::Broken);
  CHECK(find(findings, "policies").state == Finding::State::Broken);
  CHECK(find(findings, "memory-deny-write-execute").state == Finding::State::Absent);
  CHECK(find(findings, "killable notifications").state == Finding::State::Absent);
  CHECK(find(findings, "ptrace scope").state == Finding::State::Absent);
}

TEST_CASE("doctor: the trials run, and say something about each step") {
  const auto results = sbx::host::try_launch();
  REQUIRE(results);
  // Whatever the host refuses, no_new_privs and a user's own descriptor are always to be had.
  CHECK(results->passed(Trial::NoNewPrivs));
  CHECK((*results)[Trial::UserNamespace] != kNotTried);
}
