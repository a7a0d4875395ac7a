// SPDX-License-Identifier: Apache-2.0
// The line that an event suggests, put into a policy as it stands: it allows the call that was
// denied, and `sbx diff` sees nothing beyond it.
#include <sys/socket.h>

#include <algorithm>

#include <catch2/catch.hpp>

#include "../policy/policy_files.h"
#include "plan/answer.h"
#include "plan/compare.h"
#include "plan/neutral_host.h"
#include "plan/resolve.h"
#include "policy/merge.h"
#include "seccomp/abi.h"
#include "seccomp/compile.h"
#include "seccomp/remedy.h"
#include "seccomp/syscall_table.h"

namespace sbx::plan {
namespace {

constexpr std::size_t kEach = 5;

struct Case {
  policy::Policy policy;
  LaunchPlan plan;
};

Case case_of(const std::string& name, const std::string& text) {
  const policy::SearchPath search{{}, {std::string(SBX_SOURCE_DIR) + "/policies"}};
  const auto files = policy::testing::disk();
  const auto layers = policy::load_layers({name, name + ".toml", text}, search, files);
  INFO(text << (layers ? "" : to_text(layers.error())));
  REQUIRE(layers);
  const auto merged = policy::merge(*layers);
  REQUIRE(merged);
  const auto plan = resolve(*merged, {}, neutral_facts(seccomp::Arch::X86_64), neutral_probes());
  INFO((plan ? "" : to_text(plan.error())));
  REQUIRE(plan);
  return {*merged, *plan};
}

seccomp_data call_of(std::string_view name, std::initializer_list<std::uint64_t> arguments = {}) {
  seccomp_data call{};
  call.nr = seccomp::number_of(seccomp::Arch::X86_64, name).value_or(-1);
  call.arch = seccomp::audit_arch(seccomp::Arch::X86_64);
  std::copy(arguments.begin(), arguments.end(), std::begin(call.args));
  return call;
}

// Whose refusal depends on arguments first; then all calls, from another place for each policy, so
// that all of them together come to be tried.
std::vector<seccomp_data> candidates(std::size_t start) {
  std::vector<seccomp_data> calls{
      call_of("socket", {AF_VSOCK, SOCK_STREAM, 0}), call_of("socket", {AF_PACKET, SOCK_RAW, 0}),
      call_of("ioctl", {0, 0x5412, 0}), call_of("mprotect", {0, 4096, 4})};
  const auto names = seccomp::all_names(seccomp::Arch::X86_64);
  for (std::size_t i = 0; i < names.size(); ++i) {
    calls.push_back(call_of(names[(start + i * 7) % names.size()]));
  }
  return calls;
}

bool is_about(const Difference& difference, const seccomp_data& call, const seccomp::Remedy& remedy) {
  const std::string_view name = seccomp::name_of(seccomp::Arch::X86_64, call.nr);
  const std::string lines = seccomp::policy_line(remedy);
  if (lines.find("memory.wx") != std::string::npos && difference.subject != name) {  // W^X is one setting: it goes as a whole, and nothing with it
    return difference.a.reason.find("W^X") != std::string::npos || difference.area == "memory" ||
           // /proc/self/mem and its like write past page protections.
           difference.subject == "/proc" || difference.subject.starts_with("/dev/");
  }
  if (remedy.key == "memory.memfd") {
    return difference.area == "memory" || difference.subject.starts_with("memfd");
  }
  if (lines.find("network.families") != std::string::npos) {
    return difference.subject == "families" || difference.subject.starts_with("socket");
  }
  return difference.subject == name;
}

std::string in_short(const Difference& difference) {
  return difference.area + " " + difference.subject + " when " + difference.when + ": " +
         difference.a.text + " (" + difference.a.reason + ") -> " + difference.b.text;
}

}  // namespace

TEST_CASE("each suggested line allows its call and widens nothing else", "[remedy]") {
  const std::string directory = std::string(SBX_SOURCE_DIR) + "/policies";
  std::size_t start = 0;
  for (const std::string& file : policy::testing::toml_files(directory)) {
    const std::string name = file.substr(0, file.size() - 5);
    const Case before = case_of("before", "schema = 1\npolicy.extends = [\"" + name + "\"]\n");
    std::size_t tried = 0;
    start += 13;
    for (const seccomp_data& call : candidates(start)) {
      const seccomp::Rule& rule = seccomp::evaluate(before.plan.filter, call);
      const Answer answer = answer_to(rule, before.plan.on_violation);
      const seccomp::Remedy remedy = seccomp::remedy_for(before.plan.filter, call, rule);
      if (is_granted(answer) || !answer.told || remedy.key.empty() || tried == kEach) {
        continue;
      }
      ++tried;
      const Case after =
          case_of("after", "schema = 1\npolicy.extends = [\"" + name + "\"]\n" + seccomp::policy_lines({&remedy, 1}));
      INFO(name << ": " << seccomp::call_text(call.arch, call.nr) << ": " << seccomp::policy_line(remedy));
      const seccomp::Rule& now = seccomp::evaluate(after.plan.filter, call);
      INFO(now.text.str());
      CHECK(is_granted(answer_to(now, after.plan.on_violation)));
      const Comparison comparison =
          compare({before.policy, before.plan}, {after.policy, after.plan});
      CHECK(!comparison.differences.empty());
      for (const Difference& difference : comparison.differences) {
        INFO(in_short(difference));
        CHECK_FALSE(difference.less);
        CHECK(is_about(difference, call, remedy));
      }
    }
    INFO(name);
    CHECK(tried == kEach);
  }
}

TEST_CASE("lines for several denials are one for each key", "[remedy]") {
  const seccomp::Remedy remedies[] = {{"", "seccomp.allow", "\"getpid\"", true, "", ""},
                                      {"", "memory.wx", "\"allow\"", false, "", ""},
                                      {"", "", "", false, "leave it", ""},
                                      {"", "seccomp.allow", "\"bpf\"", true, "", ""},
                                      {"", "seccomp.allow", "\"getpid\"", true, "", ""},
                                      seccomp::rule_allowing("socket", "domain == AF_VSOCK"),
                                      {"", "memory.wx", "\"allow\"", false, "", ""}};
  CHECK(seccomp::policy_lines(remedies) ==
        "seccomp.allow = [\"getpid\", \"bpf\"]\n"
        "memory.wx = \"allow\"\n"
        "seccomp.rule = [{ syscall = \"socket\", when = \"domain == AF_VSOCK\", action = \"allow\" }]\n");
}

}  // namespace sbx::plan
