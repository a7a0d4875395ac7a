// SPDX-License-Identifier: Apache-2.0
// Random filter specifications and calls near their boundaries, for the property tests.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "seccomp/filter_spec.h"

namespace sbx::seccomp::testing {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  bool chance(unsigned percent) { return below(100) < percent; }
  std::uint64_t bits() { return engine_(); }

  // Numbers on which comparisons go wrong: small, around the borders of halves and signs, wide.
  std::uint64_t value() {
    static constexpr std::uint64_t kEdges[] = {
        0,          1,           2,           3,            38,          0x26,       0x7fffffff,
        0x80000000, 0x80000001,  0xfffffffe,  0xffffffff,   0x100000000, 0x100000001,
        0x1'0000'0026, 0x7fffffffffffffff, 0x8000000000000000, 0xfffffffffffffffe, ~0ull,
        0xffffffff00000000, 0xffffffff80000000, 0x00000001ffffffff};
    switch (below(4)) {
      case 0:
        return kEdges[below(std::size(kEdges))];
      case 1:
        return below(8);
      case 2:
        return kEdges[below(std::size(kEdges))] + below(3) - 1;
      default:
        return bits();
    }
  }

  std::uint64_t mask() {
    switch (below(5)) {
      case 0:
        return 1ull << below(64);
      case 1:
        return below(16);
      case 2:
        return bits();
      default:
        return ~0ull;
    }
  }

 private:
  std::mt19937_64 engine_;
};

inline ArgumentTest random_test(Random& random) {
  ArgumentTest test;
  test.argument = static_cast<std::uint8_t>(random.below(random.chance(70) ? 2 : 6));
  test.width = random.chance(50) ? 32 : 64;
  test.is_signed = random.chance(40);
  test.compare = static_cast<Compare>(random.below(6));
  test.mask = random.mask();
  test.value = random.chance(70) ? random.value() & test.mask : random.value();
  return test;
}

inline Condition random_condition(Random& random, int depth) {
  Condition condition;
  const auto kind = random.below(depth > 0 ? 5 : 1);
  if (kind <= 1) {
    condition.kind = Condition::Kind::Test;
    condition.test = random_test(random);
    return condition;
  }
  condition.kind = kind == 2   ? Condition::Kind::And
                   : kind == 3 ? Condition::Kind::Or
                               : Condition::Kind::Not;
  const std::size_t operands = kind == 4 ? 1 : 2 + random.below(random.chance(3) ? 60 : 3);
  for (std::size_t i = 0; i < operands; ++i) {
    condition.operands.push_back(random_condition(random, depth - 1));
  }
  return condition;
}

inline Rule random_rule(Random& random, bool conditional) {
  Rule rule;
  rule.action.verdict = static_cast<Verdict>(random.below(4));
  if (rule.action.verdict == Verdict::Errno) {
    rule.action.errno_value = static_cast<std::uint16_t>(random.below(5));
  }
  if (conditional) {
    rule.condition = random_condition(random, static_cast<int>(random.below(4)));
  }
  return rule;
}

// `most`: calls that have rules of their own; 0: few or many, at random.
inline FilterSpec random_spec(Random& random, Arch arch, std::size_t most = 0) {
  FilterSpec spec;
  spec.arch = arch;
  spec.denied = random_rule(random, false);
  spec.unknown = random_rule(random, false);
  spec.foreign = random_rule(random, false);
  const std::size_t calls = random.below(most > 0 ? most : random.chance(10) ? 400 : 30);
  std::size_t conditional_calls = 0;
  for (std::size_t i = 0; i < calls; ++i) {
    const int number = static_cast<int>(random.below(random.chance(3) ? 5000 : 480));
    auto& rules = spec.calls[number];
    rules.clear();
    if (random.chance(30) && conditional_calls++ < 12) {
      for (std::size_t rule = 0; rule <= random.below(3); ++rule) {
        rules.push_back(random_rule(random, true));
      }
    }
    rules.push_back(random_rule(random, false));
  }
  return spec;
}

inline void collect(const Condition& condition, std::vector<ArgumentTest>& tests) {
  if (condition.kind == Condition::Kind::Test) {
    tests.push_back(condition.test);
  }
  for (const Condition& operand : condition.operands) {
    collect(operand, tests);
  }
}

// A call of a number that the spec has rules for, mostly, with arguments beside their boundaries.
inline seccomp_data random_call(Random& random, const FilterSpec& spec) {
  seccomp_data call{};
  call.arch = audit_arch(spec.arch);
  if (random.chance(3)) {
    call.arch = static_cast<std::uint32_t>(random.value());
  }
  call.nr = static_cast<int>(random.below(600));
  if (random.chance(5)) {
    call.nr = static_cast<int>(static_cast<std::uint32_t>(random.value()) ^
                               (random.chance(50) ? 0x40000000u : 0u));
  }
  for (auto& argument : call.args) {
    argument = random.value();
  }
  if (!spec.calls.empty() && random.chance(80)) {
    auto entry = spec.calls.begin();
    std::advance(entry, static_cast<std::ptrdiff_t>(random.below(spec.calls.size())));
    call.nr = entry->first;
    std::vector<ArgumentTest> tests;
    for (const Rule& rule : entry->second) {
      collect(rule.condition, tests);
    }
    for (const ArgumentTest& test : tests) {
      auto& argument = call.args[test.argument];
      if (random.chance(60)) {
        argument = (random.bits() & ~test.mask) | (test.value + random.below(3) - 1);
      }
      if (random.chance(20)) {
        argument ^= 1ull << random.below(64);
      }
    }
  }
  return call;
}

}  // namespace sbx::seccomp::testing
