// SPDX-License-Identifier: Apache-2.0
#include "seccomp/boundary.h"

#include <bit>

namespace sbx::seccomp {
namespace {

constexpr std::uint64_t kUpperOne = 0x1'0000'0000;
constexpr std::uint64_t kUpperHalf = 0xffff'ffff'0000'0000;

}  // namespace

void collect_tests(const Condition& condition, std::vector<const ArgumentTest*>& tests) {
  if (condition.kind == Condition::Kind::Test) {
    tests.push_back(&condition.test);
  }
  for (const Condition& operand : condition.operands) {
    collect_tests(operand, tests);
  }
}

std::uint64_t with_masked(std::uint64_t argument, const ArgumentTest& test, std::uint64_t value) {
  return (argument & ~test.mask) | (value & test.mask);
}

void satisfy(const std::vector<const ArgumentTest*>& tests, seccomp_data& call) {
  for (const ArgumentTest* test : tests) {
    const bool away = test->compare == Compare::NotEqual || test->compare == Compare::Greater;
    const std::uint64_t value = test->value + (away                             ? 1u
                                               : test->compare == Compare::Less ? ~0ull
                                                                                : 0u);
    set_operand(call, *test, with_masked(operand_of(call, *test), *test, value));
  }
}

Boundary boundary_of(const ArgumentTest& test) {
  const std::uint64_t value = test.value;
  const std::uint64_t low_bit = test.mask & (~test.mask + 1);
  const std::uint64_t high_bit = std::bit_floor(test.mask);
  Boundary boundary{
      {value, value - 1, value + 1,
       value + kUpperOne,  // differs in the upper half alone
       value ^ low_bit, value ^ high_bit, value | ~test.mask, value ^ 0x8000'0000, ~value},
      9};
  if (test.width == 64) {
    for (const std::uint64_t wide : {value - kUpperOne, value | kUpperHalf, value & ~kUpperHalf,
                                     value ^ 0x8000'0000'0000'0000}) {
      boundary.values[boundary.count++] = wide;
    }
  }
  return boundary;
}

}  // namespace sbx::seccomp
