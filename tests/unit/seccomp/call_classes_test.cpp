// SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "base/text.h"
#include "random_spec.h"
#include "seccomp/assume.h"
#include "seccomp/call_classes.h"
#include "seccomp/compile.h"
#include "seccomp/evaluate.h"
#include "seccomp/syscall_table.h"
#include "seccomp/when.h"

namespace sbx::seccomp {
namespace {

Rule rule_when(const std::string& when, std::string_view syscall, Verdict verdict) {
  const auto condition = parse_when(when, syscall, {});
  INFO(when << (condition ? "" : condition.error().action));
  REQUIRE(condition);
  Rule rule;
  rule.condition = *condition;
  rule.action.verdict = verdict;
  return rule;
}

Rule rule_always(Verdict verdict) {
  Rule rule;
  rule.action.verdict = verdict;
  return rule;
}

// What is said of the calls that `when` holds for.
std::vector<std::string> described(const std::string& syscall,
                                   const std::vector<std::string>& whens) {
  std::vector<Rule> rules;
  for (const std::string& when : whens) {
    rules.push_back(rule_when(when, syscall, Verdict::Allow));
  }
  rules.push_back(rule_always(Verdict::Kill));
  const CallClasses classes(Arch::X86_64, *number_of(Arch::X86_64, syscall), {&rules});
  REQUIRE(classes.is_complete());
  std::vector<bool> chosen;
  for (const seccomp_data& call : classes.calls()) {
    chosen.push_back(first_match(rules, call).action.verdict == Verdict::Allow);
  }
  return classes.describe(chosen, syscall);
}

using Texts = std::vector<std::string>;

TEST_CASE("classes of calls are described in the language of when") {
  CHECK(described("socket", {"domain == AF_INET"}) == Texts{"domain == AF_INET"});
  CHECK(described("socket", {"domain != AF_INET"}) == Texts{"domain != AF_INET"});
  CHECK(described("socket", {"domain == AF_UNIX", "domain == AF_INET"}) ==
        Texts{"domain in {AF_UNIX, AF_INET}"});
  CHECK(described("socket", {"not domain in {AF_UNIX, AF_INET}"}) ==
        Texts{"not (domain in {AF_UNIX, AF_INET})"});
  CHECK(described("socket", {"domain == AF_INET and type & 0xf == SOCK_RAW"}) ==
        Texts{"domain == AF_INET and type & 0xf == SOCK_RAW"});
  CHECK(described("socket", {"domain == AF_INET", "protocol == IPPROTO_TCP"}) ==
        Texts{"protocol == IPPROTO_TCP", "domain == AF_INET"});
  CHECK(described("mprotect", {"prot & PROT_EXEC != 0"}) == Texts{"prot & PROT_EXEC != 0"});
  CHECK(described("fcntl", {"cmd >= 100 and cmd < 200"}) == Texts{"cmd >= 0x64 and cmd < 0xc8"});
  // A test that makes no difference is not mentioned.
  CHECK(described("socket", {"type == 1 and domain == AF_INET",
                             "type != 1 and domain == AF_INET"}) == Texts{"domain == AF_INET"});
  CHECK(described("socket", {"type == 1 or type != 1"}) == Texts{""});
  CHECK(described("socket", {"type == 1 and type == 2"}).empty());
}

// Arguments without a prototype are written, and read back, as 64 bits without a sign.
void widen(Condition& condition) {
  condition.test.width = 64;
  condition.test.is_signed = false;
  for (Condition& operand : condition.operands) {
    widen(operand);
  }
}

TEST_CASE("a description holds for the calls that it is of and no others") {
  testing::Random random(20261124);
  int described_sets = 0;
  for (int round = 0; round < 400; ++round) {
    std::vector<Rule> rules;
    for (std::uint64_t i = 0; i <= random.below(2); ++i) {
      Rule rule = testing::random_rule(random, true);
      rule.condition = testing::random_condition(random, 1);
      widen(rule.condition);
      rules.push_back(std::move(rule));
    }
    rules.push_back(testing::random_rule(random, false));
    const std::string syscall = "syscall_without_prototype";
    const CallClasses classes(Arch::X86_64, 0, {&rules});
    if (!classes.is_complete() || classes.calls().size() > 200) {
      continue;
    }
    std::vector<bool> chosen;
    for (const seccomp_data& call : classes.calls()) {
      chosen.push_back(&first_match(rules, call) == &rules.front());
    }
    const auto texts = classes.describe(chosen, syscall);
    if (std::any_of(texts.begin(), texts.end(),
                    [](const std::string& text) { return text.find("…") != std::string::npos; })) {
      continue;  // shortened
    }
    ++described_sets;
    for (std::size_t i = 0; i < classes.calls().size(); ++i) {
      bool any = false;
      for (const std::string& text : texts) {
        const auto condition =
            text.empty() ? Result<Condition>(Condition{}) : parse_when(text, syscall, {});
        INFO((condition ? "" : condition.error().action));
        REQUIRE(condition);
        any = any || holds(*condition, classes.calls()[i]);
      }
      INFO(join(texts, " | "));
      CHECK(any == chosen[i]);
    }
  }
  CHECK(described_sets > 50);
}

TEST_CASE("every call falls into a class that answers all tests alike") {
  testing::Random random(7);
  for (int round = 0; round < 60; ++round) {
    const FilterSpec spec = testing::random_spec(random, Arch::X86_64);
    for (const auto& [number, rules] : spec.calls) {
      const CallClasses classes(spec.arch, number, {&rules});
      if (!classes.is_complete() || rules.size() == 1) {
        continue;
      }
      std::string text;
      for (const Rule& rule : rules) {
        text += to_text(rule.condition, "") + "; ";
      }
      INFO(text);
      std::vector<const Rule*> reached;
      for (const seccomp_data& call : classes.calls()) {
        reached.push_back(&first_match(rules, call));
      }
      for (int call = 0; call < 50; ++call) {
        seccomp_data random_call = testing::random_call(random, spec);
        random_call.nr = number;
        const Rule* decides = &first_match(rules, random_call);
        CHECK(std::find(reached.begin(), reached.end(), decides) != reached.end());
      }
    }
  }
}

TEST_CASE("known arguments leave of a condition what depends on the others") {
  const auto left = [](const std::string& when, const KnownArguments& known) {
    const auto condition = parse_when(when, "socket", {});
    REQUIRE(condition);
    const Residue residue = assume(*condition, known);
    return residue.kind == Residue::Kind::Always  ? std::string("always")
           : residue.kind == Residue::Kind::Never ? "never"
                                                  : to_text(residue.condition, "socket");
  };
  const KnownArguments inet{AF_INET};
  CHECK(left("domain == AF_INET", inet) == "always");
  CHECK(left("domain == AF_UNIX", inet) == "never");
  CHECK(left("domain == AF_INET and type == SOCK_RAW", inet) == "type == SOCK_RAW");
  CHECK(left("domain == AF_INET or type == SOCK_RAW", inet) == "always");
  CHECK(left("domain == AF_UNIX and type == SOCK_RAW", inet) == "never");
  CHECK(left("not (domain == AF_UNIX or type == SOCK_RAW)", inet) == "not (type == SOCK_RAW)");
  CHECK(left("domain == AF_UNIX or type == SOCK_RAW or protocol == 1", inet) ==
        "type == SOCK_RAW or protocol == IPPROTO_ICMP");
  // At the width the kernel reads.
  CHECK(left("domain == AF_INET", {0x1'0000'0000 + AF_INET}) == "always");
}

TEST_CASE("too many classes to try are said to be so") {
  std::vector<Rule> rules;
  for (int argument = 0; argument < 6; ++argument) {
    for (int value = 0; value < 20; ++value) {
      Rule rule = rule_always(Verdict::Allow);
      rule.condition.kind = Condition::Kind::Test;
      rule.condition.test.argument = static_cast<std::uint8_t>(argument);
      rule.condition.test.value = static_cast<std::uint64_t>(value);
      rules.push_back(std::move(rule));
    }
  }
  rules.push_back(rule_always(Verdict::Kill));
  const CallClasses classes(Arch::X86_64, 0, {&rules});
  CHECK_FALSE(classes.is_complete());
  CHECK(classes.calls().size() > 120);
}

}  // namespace
}  // namespace sbx::seccomp
