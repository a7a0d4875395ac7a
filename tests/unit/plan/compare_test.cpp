// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <catch2/catch.hpp>

#include "../policy/policy_files.h"
#include "../seccomp/random_spec.h"
#include "base/text.h"
#include "plan/answer.h"
#include "plan/compare.h"
#include "plan/neutral_host.h"
#include "plan/resolve.h"
#include "policy/merge.h"
#include "policy/toml_reader.h"
#include "seccomp/compile.h"
#include "seccomp/evaluate.h"
#include "seccomp/when.h"

namespace sbx::plan {
namespace {

struct Case {
  policy::Policy policy;
  LaunchPlan plan;
};

Case case_of(const policy::Policy& policy) {
  const auto plan = resolve(policy, {}, neutral_facts(seccomp::Arch::X86_64), neutral_probes());
  INFO((plan ? "" : to_text(plan.error())));
  REQUIRE(plan);
  return {policy, *plan};
}

Case policy_of(const std::string& text) {
  const auto layer = policy::read_toml("schema = 1\n" + text, "a.toml", "a");
  INFO((layer ? "" : to_text(layer.error())));
  REQUIRE(layer);
  const auto merged = policy::merge({*layer});
  REQUIRE(merged);
  return case_of(*merged);
}

Comparison compare_cases(const Case& a, const Case& b) {
  return compare({a.policy, a.plan}, {b.policy, b.plan});
}

// "files /srv: more" and the like.
std::vector<std::string> said(const std::string& a, const std::string& b) {
  std::vector<std::string> texts;
  for (const Difference& difference : compare_cases(policy_of(a), policy_of(b)).differences) {
    texts.push_back(difference.area + " " + difference.subject +
                    (difference.when.empty() ? "" : " when " + difference.when) + ": " +
                    (difference.more && difference.less ? "both"
                     : difference.more                  ? "more"
                     : difference.less                  ? "less"
                                                        : "neither"));
  }
  return texts;
}

using Texts = std::vector<std::string>;

TEST_CASE("diff: system calls, by what they come to") {
  CHECK(said("", "[seccomp]\nallow = [\"getpid\"]\n") == Texts{"system calls getpid: more"});
  CHECK(said("[seccomp]\nallow = [\"getpid\"]\n", "") == Texts{"system calls getpid: less"});
  // Another text of the same meaning is no difference.
  CHECK(said("[seccomp]\nallow = [\"getpid\"]\n",
             "[[seccomp.rule]]\nsyscall = \"getpid\"\naction = \"allow\"\n")
            .empty());
  CHECK(said("[seccomp]\nallow = [\"socket\"]\n[[seccomp.rule]]\nsyscall = \"socket\"\n"
             "when = \"domain == AF_INET or domain == AF_INET6\"\naction = \"deny\"\n",
             "[seccomp]\nallow = [\"socket\"]\n[[seccomp.rule]]\nsyscall = \"socket\"\n"
             "when = \"not (domain != AF_INET and domain != AF_INET6)\"\naction = \"deny\"\n")
            .empty());
  CHECK(said("[seccomp]\nallow = [\"socket\"]\n[[seccomp.rule]]\nsyscall = \"socket\"\n"
             "when = \"domain in {AF_INET, AF_INET6}\"\naction = \"deny\"\n",
             "[seccomp]\nallow = [\"socket\"]\n[[seccomp.rule]]\nsyscall = \"socket\"\n"
             "when = \"domain == AF_INET\"\naction = \"deny\"\n") ==
        Texts{"system calls socket when domain == AF_INET6: more"});
  // Denied in another way.
  CHECK(said("[[seccomp.rule]]\nsyscall = \"getpid\"\naction = \"kill\"\n",
             "[[seccomp.rule]]\nsyscall = \"getpid\"\naction = \"errno(ENOSYS)\"\n") ==
        Texts{"system calls getpid: neither"});
}

TEST_CASE("diff: files, by what is seen at each place") {
  const std::string read = "[filesystem]\nread = [\"/srv\"]\n";
  CHECK(said("", read) == Texts{"files /srv: more"});
  CHECK(said(read, "[filesystem]\nwrite = [\"/srv\"]\n") == Texts{"files /srv: both"});
  CHECK(said(read, "[filesystem]\nread = [\"/srv\"]\nhide = [\"/srv/keys\"]\n") ==
        Texts{"files /srv/keys: less"});
  CHECK(said("[filesystem]\nread = [\"/srv\"]\ntmpfs = [\"/srv/cache\"]\n", read) ==
        Texts{"files /srv/cache: both"});
  CHECK(said("[filesystem]\nread = [{ path = \"/a\", at = \"/x\" }]\n",
             "[filesystem]\nread = [{ path = \"/b\", at = \"/x\" }]\n") == Texts{"files /x: both"});
  // What lies below a place that is shown already.
  CHECK(said(read, "[filesystem]\nread = [\"/srv\", \"/srv/www\"]\n").empty());
  CHECK(said("", "[filesystem]\ncreate = [\"/run/x\"]\n") == Texts{"files /run/x: neither"});
}

TEST_CASE("diff: addresses and ports, by asking about them") {
  // That connect and bind are mediated shows among the calls.
  const auto addresses = [](const std::string& a, const std::string& b) {
    Texts texts = said(a, b);
    std::erase_if(texts, [](const std::string& text) { return !text.starts_with("network "); });
    return texts;
  };
  const auto connect = [](const std::string& list) { return "[network]\nconnect = [" + list + "]\n"; };
  const std::string one = connect("\"10.0.0.1:443\"");
  CHECK(addresses("", one) == Texts{"network connect to 10.0.0.1:443: more"});
  CHECK(addresses(one, "") == Texts{"network connect to 10.0.0.1:443: less"});
  CHECK(addresses(one, connect("\"10.0.0.1/32:443/tcp\"")).empty());
  CHECK(addresses(connect("\"10.0.0.0/25:443\", \"10.0.0.128/25:443\""), connect("\"10.0.0.0/24:443\"")).empty());
  CHECK(addresses(connect("\"10.0.0.0/24:443\", \"10.0.0.0/24:80\""), connect("\"10.0.0.0/24:443\"")) ==
        Texts{"network connect to 10.0.0.0/24:80: less"});
  // The network of the later list is wider by one bit.
  CHECK(addresses(connect("\"10.0.0.0/24:443\""), connect("\"10.0.0.0/23:443\"")) ==
        Texts{"network connect to 10.0.0.0/23:443 when it is 10.0.1.0:443: more"});
  CHECK(addresses(connect("\"*:80-90\""), connect("\"*:80-91\"")) ==
        Texts{"network connect to *:80-91 when it is 203.0.113.7:91: more"});
  // "*" is not the host's own loopback.
  CHECK(addresses(connect("\"*:*\""), connect("\"*:*\", \"127.0.0.1:5432\"")) ==
        Texts{"network connect to 127.0.0.1:5432: more"});
  const std::string unix_socket = connect("\"unix:/run/x.sock\"");
  CHECK(addresses("", unix_socket) == Texts{"network connect to unix:/run/x.sock: more"});
  CHECK(addresses(unix_socket, "") == Texts{"network connect to unix:/run/x.sock: less"});
  const std::string host = "[network]\nmode = \"host\"\n";
  CHECK(addresses(host, host + "connect = [\"*:443\"]\n") ==
        Texts{"network connect to any other by TCP when it is 203.0.113.7:1: less",
              "network connect to any other by UDP: less"});
  CHECK(addresses("", "[network]\nbind = [\"8080\"]\n") ==
        Texts{"network bind any other by TCP when it is 203.0.113.7:1: less",
              "network bind any other by UDP: less"});
}

TEST_CASE("diff: the other areas") {
  CHECK(said("", "[network]\nmode = \"none\"\n") == Texts{"network mode: less"});
  CHECK(said("", "[limits]\nfiles = 64\n") == Texts{"limits files: less"});
  CHECK(said("[limits]\nfiles = 64\n", "[limits]\nfiles = 65\n") == Texts{"limits files: more"});
  CHECK(said("", "[environment]\nkeep = [\"TOKEN\"]\n") == Texts{"environment TOKEN: more"});
  // "safe" passes it already.
  CHECK(said("", "[environment]\nkeep = [\"LANG\"]\n").empty());
  CHECK(said("", "[environment]\nset.TOKEN = \"1\"\n") == Texts{"environment TOKEN: neither"});
  CHECK(said("", "[environment]\npass = \"all\"\n") == Texts{"environment pass: more"});
  CHECK(said("", "[capabilities]\nkeep = [\"CAP_CHOWN\"]\n") ==
        Texts{"capabilities CAP_CHOWN: more"});
  CHECK(said("", "[terminal]\nmode = \"inherit\"\n") == Texts{"terminal mode: more"});
  CHECK(said("", "[terminal]\nmode = \"never\"\n") == Texts{"terminal mode: less"});
  CHECK(said("", "[landlock]\nrequire = 1\n") == Texts{"landlock require: neither"});
  CHECK(said("", "[namespaces]\nipc = false\n") == Texts{"namespaces ipc: more"});
  CHECK(said("", "[identity]\nhostname = \"x\"\n") == Texts{"identity hostname: neither"});
  const Texts logged = said("", "[report]\non-violation = \"log\"\n");
  CHECK(std::find(logged.begin(), logged.end(), "system calls getpid: more") != logged.end());
  CHECK(std::find(logged.begin(), logged.end(), "report on-violation: neither") != logged.end());
}

TEST_CASE("diff: the verdict") {
  const auto verdict = [](const std::string& a, const std::string& b) {
    return std::string(verdict_of(compare_cases(policy_of(a), policy_of(b))));
  };
  const std::string getpid = "[seccomp]\nallow = [\"getpid\"]\n";
  CHECK(verdict(getpid, getpid) == "equal");
  CHECK(verdict("", getpid) == "wider");
  CHECK(verdict(getpid, "") == "narrower");
  CHECK(verdict(getpid, "[seccomp]\nallow = [\"getppid\"]\n") == "different");
  CHECK(verdict(getpid, getpid + "[identity]\nhostname = \"x\"\n") == "different");
}

TEST_CASE("diff: every shipped policy equals itself, and none another of other rights") {
  const std::string source = SBX_SOURCE_DIR;
  const policy::SearchPath shipped{{}, {source + "/policies"}};
  const auto files = policy::testing::disk();
  std::map<std::string, Case> cases;
  for (const policy::PolicyFile& file : policy::list_policies(shipped, files)) {
    INFO(file.name);
    const auto layers = policy::load_layers(file, shipped, files);
    REQUIRE(layers);
    const auto merged = policy::merge(*layers);
    REQUIRE(merged);
    const Case& one = cases.emplace(file.name, case_of(*merged)).first->second;
    const Comparison comparison = compare_cases(one, one);
    CHECK(comparison.differences.empty());
    CHECK(comparison.notes.empty());
  }
  // What reads in the policies' own comments.
  const Comparison network = compare_cases(cases.at("curl"), cases.at("xz"));
  CHECK(network.any_less());
  const Comparison server = compare_cases(cases.at("service"), cases.at("nginx"));
  CHECK(server.any_more());
  const Comparison strict = compare_cases(cases.at("default"), cases.at("strict"));
  CHECK(strict.any_less());
  for (const auto& difference : strict.differences) {
    INFO(difference.area << " " << difference.subject << " " << difference.when);
    CHECK((!difference.more || difference.area != "system calls"));
  }
}

// Calls beside each test's border under both specs, and random ones.
std::vector<seccomp_data> calls_of(const seccomp::FilterSpec& a, const seccomp::FilterSpec& b,
                                   seccomp::testing::Random& random) {
  std::vector<seccomp_data> calls;
  for (const auto* spec : {&a, &b}) {
    for (int i = 0; i < 400; ++i) {
      calls.push_back(seccomp::testing::random_call(random, *spec));
    }
  }
  return calls;
}

bool is_same(const seccomp::FilterSpec& a, const seccomp::FilterSpec& b, const seccomp_data& call) {
  return answer_to(seccomp::evaluate(a, call), OnViolation::Errno) ==
         answer_to(seccomp::evaluate(b, call), OnViolation::Errno);
}

TEST_CASE("diff: random filters are equal only if every call is answered alike") {
  seccomp::testing::Random random(3);
  const Case empty = policy_of("");
  int equal = 0, different = 0;
  for (int round = 0; round < 150; ++round) {
    Case a = empty, b = empty;
    a.plan.filter = seccomp::testing::random_spec(random, seccomp::Arch::X86_64);
    b.plan.filter = a.plan.filter;
    // Every other time one rule is changed, if anything comes of it.
    if (round % 2 == 0 && !b.plan.filter.calls.empty()) {
      auto entry = b.plan.filter.calls.begin();
      std::advance(entry, static_cast<std::ptrdiff_t>(random.below(b.plan.filter.calls.size())));
      entry->second[random.below(entry->second.size())].action = {seccomp::Verdict::Errno, 77};
    }
    Comparison comparison;
    compare_filters({a.policy, a.plan}, {b.policy, b.plan}, comparison);
    const auto calls = calls_of(a.plan.filter, b.plan.filter, random);
    const bool all_same = std::all_of(calls.begin(), calls.end(), [&](const seccomp_data& call) {
      return is_same(a.plan.filter, b.plan.filter, call);
    });
    if (comparison.differences.empty()) {
      CHECK(all_same);
      ++equal;
    } else {
      ++different;
    }
  }
  CHECK(equal > 50);
  CHECK(different > 40);
}

TEST_CASE("diff: every difference that is listed is one, and all calls that differ are listed") {
  seccomp::testing::Random random(11);
  const Case empty = policy_of("");
  const std::string name = "socket";
  constexpr int kSocket = 41;
  int checked = 0;
  for (int round = 0; round < 120; ++round) {
    Case a = empty, b = empty;
    const char* const whens[] = {"domain == AF_UNIX",
                                 "domain in {AF_INET, AF_INET6}",
                                 "type & 0xf == SOCK_RAW",
                                 "type & SOCK_CLOEXEC != 0",
                                 "protocol == IPPROTO_TCP and domain != AF_UNIX",
                                 "not (type & 0xf in {SOCK_STREAM, SOCK_DGRAM})"};
    for (LaunchPlan* plan : {&a.plan, &b.plan}) {
      std::vector<seccomp::Rule> rules;
      for (std::uint64_t i = 0; i <= random.below(3); ++i) {
        seccomp::Rule rule;
        rule.condition = *seccomp::parse_when(whens[random.below(std::size(whens))], name, {});
        rule.action.verdict =
            random.chance(50) ? seccomp::Verdict::Allow : seccomp::Verdict::Notify;
        rules.push_back(std::move(rule));
      }
      rules.push_back({});
      plan->filter.calls[kSocket] = std::move(rules);
    }
    Comparison comparison;
    compare_filters({a.policy, a.plan}, {b.policy, b.plan}, comparison);
    for (int i = 0; i < 60; ++i) {
      seccomp_data call = seccomp::testing::random_call(random, a.plan.filter);
      call.arch = seccomp::audit_arch(seccomp::Arch::X86_64);
      call.nr = kSocket;
      const std::uint64_t domains[] = {1, 2, 10, 17};
      const std::uint64_t types[] = {1, 2, 3, 02000001, 02000003};
      const std::uint64_t protocols[] = {0, 6, 17};
      call.args[0] = domains[random.below(4)];
      call.args[1] = types[random.below(5)];
      call.args[2] = protocols[random.below(3)];
      const bool listed = std::any_of(comparison.differences.begin(), comparison.differences.end(),
                                      [&](const auto& difference) {
                                        if (difference.when.empty()) {
                                          return true;
                                        }
                                        const auto condition =
                                            seccomp::parse_when(difference.when, name, {});
                                        INFO(difference.when);
                                        REQUIRE(condition);
                                        return seccomp::holds(*condition, call);
                                      });
      CHECK(listed == !is_same(a.plan.filter, b.plan.filter, call));
      ++checked;
    }
  }
  CHECK(checked == 7200);
}

}  // namespace
}  // namespace sbx::plan
