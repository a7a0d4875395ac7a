// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "plan/explain.h"
#include "plan/neutral_host.h"
#include "plan/resolve.h"
#include "policy/merge.h"
#include "policy/toml_reader.h"

namespace sbx::plan {
namespace {

struct Case {
  policy::Policy policy;
  LaunchPlan plan;
};

// A policy of these files, first layer first: "a.toml", "b.toml" …
Case policy_of(const std::vector<std::string>& files) {
  std::vector<policy::PolicyLayer> layers;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string name(1, static_cast<char>('a' + i));
    auto layer = policy::read_toml("schema = 1\n" + files[i], name + ".toml", name);
    INFO((layer ? "" : to_text(layer.error())));
    REQUIRE(layer);
    layers.push_back(*layer);
  }
  const auto merged = policy::merge(layers);
  REQUIRE(merged);
  const auto plan = resolve(*merged, {}, neutral_facts(seccomp::Arch::X86_64), neutral_probes());
  REQUIRE(plan);
  return {*merged, *plan};
}

Explanation ask(const Case& policy, const std::string& text) {
  const auto question = parse_question(text, seccomp::Arch::X86_64);
  INFO(text << (question ? "" : ": " + question.error().action));
  REQUIRE(question);
  if (const auto* group = std::get_if<GroupQuestion>(&*question)) {
    return explain_group(policy.policy, policy.plan, *group);
  }
  return explain_call(policy.policy, policy.plan, std::get<CallQuestion>(*question));
}

TEST_CASE("explain: a rule without condition decides every call of a name") {
  const Case policy = policy_of({"[seccomp]\nallow = [\"getpid\"]\n"});
  const Explanation allowed = ask(policy, "getpid");
  CHECK(allowed.ruling == Ruling::Allowed);
  CHECK(allowed.question == "getpid [39]");
  REQUIRE(allowed.findings.size() == 1);
  CHECK(allowed.findings[0].reason == "seccomp.allow = getpid");
  CHECK(to_text(allowed.findings[0].origin) == "a.toml:3");

  const Explanation denied = ask(policy, "getppid()");
  CHECK(denied.ruling == Ruling::Denied);
  REQUIRE(denied.findings.size() == 1);
  CHECK(denied.findings[0].reason == "not in allow");
  CHECK(denied.findings[0].effect == "fails with EPERM, and sbx tells of it");
  CHECK(denied.findings[0].remedy.find("--allow getppid") != std::string::npos);
  CHECK(ask(policy, "39").question == "getpid [39]");
}

TEST_CASE("explain: what an argument decides is decided, what is not said is listed") {
  const Case policy = policy_of({R"toml([seccomp]
allow = ["socket"]
[[seccomp.rule]]
syscall = "socket"
when = "domain == AF_PACKET"
action = "kill"
[[seccomp.rule]]
syscall = "socket"
when = "domain == AF_INET and type & 0xf == SOCK_RAW"
action = "errno(EACCES)"
)toml"});
  CHECK(ask(policy, "socket(AF_UNIX)").ruling == Ruling::Allowed);
  CHECK(ask(policy, "socket(AF_PACKET)").ruling == Ruling::Denied);
  CHECK(ask(policy, "socket(AF_PACKET)").findings[0].effect ==
        "the process is killed, and sbx tells of it");
  CHECK(ask(policy, "socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC)").ruling == Ruling::Allowed);
  CHECK(ask(policy, "socket(AF_INET, SOCK_RAW)").findings[0].effect ==
        "fails with EACCES, silently");

  const Explanation open = ask(policy, "socket(AF_INET)");
  CHECK(open.ruling == Ruling::Depends);
  REQUIRE(open.findings.size() == 2);
  CHECK(open.findings[0].subject == "when type & 0xf == SOCK_RAW");
  CHECK(open.findings[0].ruling == Ruling::Denied);
  CHECK(open.findings[1].subject == "otherwise");
  CHECK(open.findings[1].ruling == Ruling::Allowed);
  CHECK(ask(policy, "socket").findings.size() == 3);
}

TEST_CASE("explain: a rule that nothing can reach is not listed") {
  const Case policy = policy_of({R"toml([seccomp]
allow = ["socket"]
[[seccomp.rule]]
syscall = "socket"
when = "domain == AF_INET"
action = "allow"
)toml",
                                 R"toml([[seccomp.rule]]
syscall = "socket"
when = "domain in {AF_INET, AF_INET6}"
action = "allow"
)toml"});
  const Explanation open = ask(policy, "socket");
  CHECK(open.ruling == Ruling::Allowed);
  REQUIRE(open.findings.size() == 2);
  CHECK(to_text(open.findings[0].origin) == "b.toml:2");
}

TEST_CASE("explain: what lost, and why") {
  const auto why = [](const std::vector<std::string>& files, const std::string& question) {
    const Explanation answer = ask(policy_of(files), question);
    REQUIRE(answer.findings.size() == 1);
    std::string text(word(answer.ruling));
    for (const Beaten& beaten : answer.findings[0].beaten) {
      text += "; " + beaten.text + " [" + to_text(beaten.origin) + "]: " + beaten.why;
    }
    return text;
  };
  CHECK(why({"[seccomp]\ndeny = [\"ptrace\"]\n", "[seccomp]\nallow = [\"@debug\"]\n"}, "ptrace") ==
        "denied; seccomp.allow = @debug [b.toml:3]: the call's own name beats a group");
  CHECK(why({"[seccomp]\ndeny = [\"kcmp\"]\n", "[seccomp]\nallow = [\"kcmp\"]\n"}, "kcmp") ==
        "allowed; seccomp.deny = kcmp [a.toml:3]: the later layer wins");
  CHECK(
      why({"[seccomp]\nallow = [\"ptrace\", \"mprotect\"]\n"}, "mprotect(_, _, PROT_EXEC)") ==
      "denied; seccomp.allow = mprotect [a.toml:3]: what sbx itself needs comes before the policy");
  CHECK(why({"[seccomp]\nallow = [\"@network-io\"]\n[[seccomp.rule]]\nsyscall = \"socket\"\n"
             "when = \"domain == AF_PACKET\"\naction = \"deny\"\n"},
            "socket(AF_PACKET)") ==
        "denied; seccomp.allow = @network-io [a.toml:3]: a rule with a condition that holds comes "
        "first");
}

TEST_CASE("explain: on-violation is part of the answer") {
  CHECK(ask(policy_of({"[report]\non-violation = \"kill\"\n"}), "getpid").findings[0].effect ==
        "the process is killed, and sbx tells of it");
  const Explanation logged = ask(policy_of({"[report]\non-violation = \"log\"\n"}), "getpid");
  CHECK(logged.ruling == Ruling::Allowed);
  CHECK(logged.findings[0].effect == "let through, and sbx tells of it");
  CHECK(
      ask(policy_of({"[identity]\nsingle-uid = \"pretend\"\n"}), "setuid(0)").findings[0].effect ==
      "does nothing and reports success");
}

TEST_CASE("explain: a group is sorted by what becomes of its members") {
  const Case policy = policy_of({"[seccomp]\nallow = [\"getpid\", \"clone\"]\n"});
  const Explanation answer = ask(policy, "@process");
  CHECK(answer.ruling == Ruling::Depends);
  bool found = false;
  for (const Finding& finding : answer.findings) {
    found = found || (finding.ruling == Ruling::Depends && finding.subject == "clone");
  }
  CHECK(found);
}

}  // namespace
}  // namespace sbx::plan
