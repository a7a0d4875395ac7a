// SPDX-License-Identifier: Apache-2.0
// The generator held against libseccomp, in the forms of rules that libseccomp 2.5.4 gets right: one
// rule for a call with any comparison of one argument, or several rules with == and masks on one or
// two arguments. Two ordered rules on one call are not among them: `arg3 >= 0x7fffffffffffffff` beside
// `arg3 <= 0xffffffff00000000` lets 0xffffffff00000001 through (seen in the kernel as well). Both
// programs run in our interpreter.
#include <catch2/catch.hpp>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <optional>

#include "random_spec.h"
#include "seccomp/compile.h"
#include "seccomp/simulate.h"
#include "seccomp/syscall_table.h"

using namespace sbx::seccomp;
using namespace sbx::seccomp::testing;

namespace {

struct ContextRelease {
  void operator()(void* context) const { seccomp_release(context); }
};
using Context = std::unique_ptr<void, ContextRelease>;

scmp_arg_cmp comparison_of(const ArgumentTest& test) {
  scmp_arg_cmp comparison{};
  comparison.arg = test.argument;
  if (test.mask != ~0ull) {
    comparison.op = SCMP_CMP_MASKED_EQ;
    comparison.datum_a = test.mask;
    comparison.datum_b = test.value;
    return comparison;
  }
  constexpr scmp_compare kOperators[] = {SCMP_CMP_EQ, SCMP_CMP_NE, SCMP_CMP_LT,
                                         SCMP_CMP_LE, SCMP_CMP_GT, SCMP_CMP_GE};
  comparison.op = kOperators[static_cast<int>(test.compare)];
  comparison.datum_a = test.value;
  return comparison;
}

ArgumentTest simple_test(Random& random, bool ordered, std::uint8_t argument) {
  ArgumentTest test;
  test.argument = argument;
  if (ordered) {
    test.compare = static_cast<Compare>(random.below(6));
  } else if (random.chance(50)) {
    test.mask = random.mask();
  }
  test.value = random.value() & test.mask;
  return test;
}

struct Pair {
  FilterSpec spec;
  Context context;
};

// Every call of the spec has one action, given by one to three rules, and the default beside it.
std::optional<Pair> random_pair(Random& random) {
  Pair pair;
  pair.spec.denied.action = {Verdict::Allow, 0};
  pair.spec.unknown = pair.spec.denied;
  pair.spec.foreign.action = {Verdict::Kill, 0};
  pair.context.reset(seccomp_init(SCMP_ACT_ALLOW));
  if (!pair.context) {
    return std::nullopt;
  }
  // seccomp_init has the machine's own architecture; the numbers here are x86_64's.
  seccomp_arch_remove(pair.context.get(), SCMP_ARCH_NATIVE);
  seccomp_arch_add(pair.context.get(), SCMP_ARCH_X86_64);
  const bool ordered = random.chance(50);
  const std::size_t calls = 1 + random.below(20);
  for (std::size_t i = 0; i < calls; ++i) {
    const int number = static_cast<int>(random.below(330));
    if (pair.spec.calls.contains(number)) {
      continue;
    }
    const auto answer = static_cast<std::uint16_t>(1 + random.below(5));
    std::vector<Rule> rules;
    const std::size_t wanted = ordered ? 1 : 1 + random.below(3);
    for (std::size_t n = 0; n < wanted; ++n) {
      Rule rule;
      rule.action = {Verdict::Errno, answer};
      std::vector<scmp_arg_cmp> comparisons;
      const std::size_t tests = ordered ? 1 : 1 + random.below(2);
      const auto first = static_cast<std::uint8_t>(random.below(6));
      rule.condition.kind = Condition::Kind::And;
      for (std::size_t t = 0; t < tests; ++t) {
        const ArgumentTest test =
            simple_test(random, ordered, static_cast<std::uint8_t>((first + t) % 6));
        Condition one;
        one.kind = Condition::Kind::Test;
        one.test = test;
        rule.condition.operands.push_back(one);
        comparisons.push_back(comparison_of(test));
      }
      // A rule that it has already, or that is none, is not added on either side.
      if (seccomp_rule_add_exact_array(pair.context.get(), SCMP_ACT_ERRNO(answer), number,
                                       static_cast<unsigned>(comparisons.size()),
                                       comparisons.data()) == 0) {
        rules.push_back(rule);
      }
    }
    if (!rules.empty()) {
      rules.push_back(pair.spec.denied);
      pair.spec.calls[number] = std::move(rules);
    }
  }
  return pair;
}

FilterProgram exported(const Context& context) {
  FilterProgram program;
  const int file = memfd_create("bpf", MFD_CLOEXEC);
  if (file < 0 || seccomp_export_bpf(context.get(), file) != 0) {
    close(file);
    return program;
  }
  const auto bytes = lseek(file, 0, SEEK_END);
  program.resize(static_cast<std::size_t>(bytes) / sizeof(sock_filter));
  if (pread(file, program.data(), static_cast<std::size_t>(bytes), 0) != bytes) {
    program.clear();
  }
  close(file);
  return program;
}

}  // namespace

TEST_CASE("compile: libseccomp gives the same answers") {
  int evaluations = 0;
  for (std::uint64_t seed = 1; seed <= 600; ++seed) {
    Random random(seed);
    auto pair = random_pair(random);
    REQUIRE(pair);
    const FilterProgram theirs = exported(pair->context);
    INFO("seed " << seed);
    REQUIRE(is_loadable(theirs));
    const auto ours = compile(pair->spec);
    REQUIRE(ours);
    REQUIRE(is_loadable(*ours));
    for (int i = 0; i < 200; ++i) {
      seccomp_data call = random_call(random, pair->spec);
      call.arch = audit_arch(Arch::X86_64);
      call.nr &= 0x1ff;
      ++evaluations;
      if (run_loadable(*ours, call) != run_loadable(theirs, call)) {
        for (const auto& rule : pair->spec.calls[call.nr]) {
          UNSCOPED_INFO(to_text(rule.condition, "none"));
        }
        FAIL("call " << call.nr << std::hex << " " << call.args[0] << " " << call.args[1] << " "
                     << call.args[2] << " " << call.args[3] << " " << call.args[4] << " "
                     << call.args[5] << std::dec << ": ours " << run_loadable(*ours, call) << ", libseccomp "
                     << run_loadable(theirs, call));
      }
    }
  }
  CHECK(evaluations >= 100'000);
}
