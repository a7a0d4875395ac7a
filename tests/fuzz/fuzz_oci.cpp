// SPDX-License-Identifier: Apache-2.0
// Any bytes as a seccomp profile. What can be read becomes a policy that can be read back, and decides
// as the profile does: an allowed call that the profile refuses is a hole.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "expectations.h"
#include "interop/oci_profile.h"
#include "plan/answer.h"
#include "plan/expand.h"
#include "plan/neutral_host.h"
#include "policy/merge.h"
#include "policy/toml_reader.h"
#include "seccomp/boundary.h"
#include "seccomp/compile.h"
#include "seccomp/evaluate.h"
#include "seccomp/syscall_table.h"

namespace {

using namespace sbx;

// The values beside the borders of the profile's tests, one argument at a time, as the kernel reads
// them.
void expect_no_wider(const seccomp::FilterSpec& profile, const seccomp::FilterSpec& policy) {
  for (const auto& [number, rules] : profile.calls) {
    const auto arguments = seccomp::arguments_of(seccomp::name_of(profile.arch, number));
    seccomp_data call{};
    call.nr = number;
    call.arch = seccomp::audit_arch(profile.arch);
    std::vector<seccomp_data> calls = {call};
    std::vector<const seccomp::ArgumentTest*> tests;
    for (const seccomp::Rule& rule : rules) {
      seccomp::collect_tests(rule.condition, tests);
    }
    for (std::size_t i = 0; i < tests.size() && calls.size() < 2000; ++i) {
      const seccomp::Boundary boundary = seccomp::boundary_of(*tests[i]);
      for (std::size_t k = 0; k < boundary.count; ++k) {
        calls.push_back(call);
        calls.back().args[tests[i]->argument] = boundary.values[k];
      }
    }
    for (seccomp_data& one : calls) {
      for (std::size_t i = 0; i < arguments.size(); ++i) {
        one.args[i] &= arguments[i].mask & (arguments[i].width == 32 ? 0xffff'ffffull : ~0ull);
      }
      const seccomp::Rule& decides = seccomp::evaluate(policy, one);
      fuzz::expect(!seccomp::lets_run(decides) || decides.purpose == seccomp::Purpose::Launch ||
                       seccomp::lets_run(seccomp::evaluate(profile, one)),
                   "a policy allows nothing that its profile refuses");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  interop::ImportRequest request;
  request.text = {reinterpret_cast<const char*>(data), size};
  request.source = "fuzz.json";
  request.name = "fuzz";
  request.arch = seccomp::Arch::X86_64;
  request.kernel_major = 6;
  request.compat = size % 2 == 0 ? interop::Compat::Runc : interop::Compat::Strict;
  const auto import = interop::import_oci(request);
  if (!import) {
    fuzz::expect_presentable(import.error());
    return 0;
  }
  fuzz::expect(!import->findings.empty(), "an import reports");
  const std::string text = policy::to_toml(import->layer, import->comments);
  const auto layer = policy::read_toml(text, "fuzz.toml", "fuzz");
  if (!layer) {
    fuzz::expect_presentable(layer.error());
    fuzz::expect(false, "what is written can be read");
    return 0;
  }
  const auto policy = policy::merge({*layer});
  fuzz::expect(static_cast<bool>(policy), "an imported policy merges");
  const auto filter = plan::expand_filter(*policy, plan::neutral_facts(request.arch));
  if (!filter) {
    fuzz::expect_presentable(filter.error());
    // 4096 bytes is the longest condition (seccomp/when.h).
    fuzz::expect(text.size() > 4096, "an imported policy has a filter");
    return 0;
  }
  expect_no_wider(*import->filter, *filter);
  return 0;
}
