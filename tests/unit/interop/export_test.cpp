// SPDX-License-Identifier: Apache-2.0
// What is exported decides as the plan does: read back from its own text, call by call, but for what
// the report says.
#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include <set>

#include "../policy/policy_files.h"
#include "base/text.h"
#include "interop/cubes.h"
#include "interop/format.h"
#include "plan/answer.h"
#include "plan/neutral_host.h"
#include "plan/resolve.h"
#include "policy/merge.h"
#include "seccomp/boundary.h"
#include "seccomp/compile.h"
#include "seccomp/evaluate.h"
#include "seccomp/simulate.h"
#include "seccomp/syscall_table.h"

namespace {

using namespace sbx;
using seccomp::Arch;
using seccomp::Condition;

struct Resolved {
  policy::Policy policy;
  plan::LaunchPlan plan;
};

const std::string kDirectory = std::string(SBX_SOURCE_DIR) + "/policies";

Resolved resolved(const std::string& name) {
  const policy::SearchPath shipped{{}, {kDirectory}};
  const auto files = policy::testing::disk();
  const auto found = policy::find_policy(name, shipped, files);
  REQUIRE(found);
  const auto layers = policy::load_layers(*found, shipped, files);
  REQUIRE(layers);
  auto policy = policy::merge(*layers);
  REQUIRE(policy);
  auto plan = plan::resolve(*policy, {}, plan::neutral_facts(Arch::X86_64), plan::neutral_probes());
  INFO((plan ? "" : to_text(plan.error())));
  REQUIRE(plan);
  return {*std::move(policy), *std::move(plan)};
}

interop::Export exported(const Resolved& from, const std::string& name, const std::string& to) {
  const auto* format = interop::find_format(to);
  REQUIRE(format != nullptr);
  auto written = format->write(interop::ExportRequest{from.policy, from.plan, name, "out.x", "out"});
  INFO((written ? "" : to_text(written.error())));
  REQUIRE(written);
  return *std::move(written);
}

// Calls beside the borders of the plan's own tests.
std::vector<seccomp_data> calls_of(int number, const std::vector<seccomp::Rule>& rules) {
  std::vector<const seccomp::ArgumentTest*> tests;
  for (const seccomp::Rule& rule : rules) {
    seccomp::collect_tests(rule.condition, tests);
  }
  seccomp_data first{};
  first.nr = number;
  first.arch = seccomp::audit_arch(Arch::X86_64);
  std::vector<seccomp_data> calls = {first};
  for (const seccomp::ArgumentTest* test : tests) {
    const std::size_t before = std::min<std::size_t>(calls.size(), 16);
    const seccomp::Boundary boundary = seccomp::boundary_of(*test);
    for (std::size_t i = 0; test->argument < 6 && i < before; ++i) {
      for (std::size_t k = 0; k < boundary.count; ++k) {
        calls.push_back(calls[i]);
        calls.back().args[test->argument] = boundary.values[k];
      }
    }
  }
  return calls;
}

using Effect = std::pair<plan::Answer::Kind, int>;

Effect effect_of(const seccomp::Rule& rule, plan::OnViolation on_violation) {
  const plan::Answer answer = plan::answer_to(rule, on_violation);
  const bool told = answer.kind == plan::Answer::Kind::RunTold || answer.kind == plan::Answer::Kind::Supervised;
  return {told ? plan::Answer::Kind::Run : answer.kind, answer.errno_value};
}

bool is_reported(const interop::Export& written, std::string_view call) {
  return std::any_of(written.lost.begin(), written.lost.end(),
                     [&](const auto& finding) { return finding.what.find(call) != std::string::npos; });
}

bool holds(const interop::Cubes& cubes, const seccomp_data& call) {
  return std::any_of(cubes.begin(), cubes.end(), [&](const interop::Cube& cube) {
    for (std::size_t i = 0; i < cube.arguments.size(); ++i) {
      if ((call.args[i] & cube.arguments[i].mask) != cube.arguments[i].value) {
        return false;
      }
    }
    return true;
  });
}

}  // namespace

TEST_CASE("export: profiles of every shipped policy decide as its plan does") {
  for (const std::string& file : policy::testing::toml_files(kDirectory)) {
    const std::string name = file.substr(0, file.size() - 5);
    const Resolved from = resolved(name);
    const bool is_one_of_three = name == "default" || name == "nginx" || name == "strict";
    for (const std::string format : {"oci", "security-profiles-operator", "bwrap"}) {
      if (format != "oci" && !is_one_of_three) {
        continue;
      }
      const interop::Export written = exported(from, name, format);
      REQUIRE(written.filter);
      for (int number = 0; number <= seccomp::highest_number(Arch::X86_64); ++number) {
        const std::string_view call = seccomp::name_of(Arch::X86_64, number);
        if (call.empty()) {
          continue;
        }
        for (const seccomp_data& one : calls_of(number, seccomp::rules_for(from.plan.filter, number))) {
          if (one.args[5] == plan::kLaunchMark) {
            continue;  // nothing to an engine
          }
          const Effect plans = effect_of(seccomp::evaluate(from.plan.filter, one), from.plan.on_violation);
          const Effect theirs = effect_of(seccomp::evaluate(*written.filter, one), plan::OnViolation::Errno);
          if (plans != theirs && !is_reported(written, call)) {
            FAIL(name << " as " << format << ": " << call << std::hex << " " << one.args[0] << " " << one.args[1]
                      << " " << one.args[2] << " " << one.args[3]);
          }
        }
      }
    }
  }
}

TEST_CASE("export: a profile tests each argument once in a rule, and allows nothing it need not") {
  const Resolved from = resolved("default");
  for (const std::string format : {"oci", "docker"}) {
    const auto document = nlohmann::json::parse(exported(from, "default", format).text);
    CHECK(document["defaultAction"] == "SCMP_ACT_ERRNO");
    CHECK(document.contains("archMap") == (format == "docker"));
    for (const auto& rule : document["syscalls"]) {
      std::set<int> indices;
      for (const auto& argument : rule.value("args", nlohmann::json::array())) {
        CHECK(indices.insert(argument["index"].get<int>()).second);
        CHECK((argument["op"] == "SCMP_CMP_EQ" || argument["op"] == "SCMP_CMP_MASKED_EQ"));
      }
    }
  }
}

TEST_CASE("export: values of the operator's object are signed") {
  const interop::Export written = exported(resolved("nginx"), "nginx", "security-profiles-operator");
  for (const std::string& line : split(written.text, '\n')) {
    if (const std::size_t at = line.find("value"); at != std::string::npos) {
      const auto number = parse_number(line.substr(line.find(": ") + 2));
      REQUIRE(number);
      CHECK(*number <= 0x7fff'ffff'ffff'ffffull);
    }
  }
  CHECK(is_reported(written, "mremap"));
}

TEST_CASE("export: a snippet for Kubernetes names the profile beside it") {
  const interop::Export written = exported(resolved("nginx"), "nginx", "kubernetes");
  CHECK_THAT(written.text, Catch::Contains("localhostProfile: out.json\n") &&
                               Catch::Contains("allowPrivilegeEscalation: false\n") &&
                               Catch::Contains("    drop:\n      - ALL\n"));
  CHECK(written.files.count(".json") == 1);
}

TEST_CASE("export: words of the caller are quoted for the shell") {
  Resolved from = resolved("default");
  from.plan.environment = {"A=it's $(reboot) `x` \"y\"", "B="};
  const interop::Export written = exported(from, "default", "bwrap");
  CHECK_THAT(written.text, Catch::Contains("--setenv A 'it'\\''s $(reboot) `x` \"y\"'") &&
                               Catch::Contains("--setenv B ''") && Catch::Contains("out.bpf"));
}

TEST_CASE("cubes: a condition and its negation, value by value") {
  std::uint64_t state = 1;
  const auto next = [&state](std::uint64_t below) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (state >> 33) % below;
  };
  constexpr std::uint64_t kMost = 1 << 12;
  for (int round = 0; round < 80; ++round) {
    std::vector<Condition> tests;
    for (std::size_t i = 0; i <= next(3); ++i) {
      seccomp::ArgumentTest test;
      test.argument = static_cast<std::uint8_t>(next(2));
      test.width = next(2) == 0 ? 32 : 64;
      test.is_signed = next(3) == 0;
      test.compare = static_cast<seccomp::Compare>(next(6));
      test.mask = next(2) == 0 ? ~0ull : next(1 << 16) << (8 * next(7));
      test.value = (next(4) == 0 ? ~0ull - next(4) : next(1 << 12) << (10 * next(6)));
      if (test.width == 32) {
        test.value &= 0xffff'ffff;
      }
      tests.push_back({.kind = Condition::Kind::Test, .test = test, .operands = {}});
    }
    Condition condition{.kind = next(2) == 0 ? Condition::Kind::And : Condition::Kind::Or,
                        .test = {},
                        .operands = tests};
    if (tests.size() == 1) {
      condition = {.kind = Condition::Kind::Not, .test = {}, .operands = tests};
    }
    const auto yes = interop::cubes_of(condition, false, kMost);
    const auto no = interop::cubes_of(condition, true, kMost);
    REQUIRE((yes && no));
    seccomp::Rule rule;
    rule.condition = condition;
    for (const seccomp_data& call : calls_of(0, {rule})) {
      INFO("round " << round << std::hex << " " << call.args[0] << " " << call.args[1]);
      REQUIRE(holds(*yes, call) == seccomp::holds(condition, call));
      REQUIRE(holds(*no, call) != seccomp::holds(condition, call));
    }
  }
}
