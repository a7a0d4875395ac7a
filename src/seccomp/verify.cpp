// SPDX-License-Identifier: Apache-2.0
// A miscompiled filter is a hole that nobody sees, so each is run against its spec before it is
// loaded. Not every call can be tried: what is tried are all numbers, and for each test of each
// rule the values beside which a wrong comparison, mask or half would show.
#include <optional>
#include <vector>

#include <linux/audit.h>

#include <fmt/format.h>

#include "seccomp/boundary.h"
#include "seccomp/compile.h"
#include "seccomp/evaluate.h"
#include "seccomp/simulate.h"
#include "seccomp/syscall_table.h"

namespace sbx::seccomp {
namespace {

constexpr int kX32Bit = 0x4000'0000;

class Verifier {
 public:
  Verifier(const FilterSpec& spec, const FilterProgram& program) : spec_(spec), program_(program) {}

  Status run() {
    check_numbers();
    check_foreign();
    for (const auto& [number, rules] : spec_.calls) {
      tried_.clear();
      for (const Rule& rule : rules) {
        check_boundaries(number, rules, rule);
      }
    }
    return failure_ ? Status(*failure_) : Status();
  }

 private:
  // Keeps the first difference.
  void check(const seccomp_data& call, const Rule& expected) {
    const std::uint32_t answer = run_loadable(program_, call);
    if (answer == to_return_value(expected.action) || failure_) {
      return;
    }
    const std::string_view name = name_of(spec_.arch, call.nr);
    failure_ = Error{
        fmt::format("cannot trust the compiled filter: {} [{}] ({:#x}) under architecture {:#x} "
                    "answers {:#x}, not {:#x}",
                    name.empty() ? "call" : name, call.nr, fmt::join(call.args, ", "), call.arch,
                    answer, to_return_value(expected.action)),
        0, expected.origin, "this is a defect of sbx; nothing was started"};
  }

  // Each number once, with all arguments 0; the first beyond the table; numbers that look negative.
  void check_numbers() {
    seccomp_data call{};
    call.arch = audit_arch(spec_.arch);
    auto rules = spec_.calls.begin();
    const int end = highest_number(spec_.arch) + 4;
    for (call.nr = 0; call.nr < end; ++call.nr) {
      if (rules != spec_.calls.end() && rules->first == call.nr) {
        check(call, first_match(rules->second, call));
        ++rules;
      } else {
        check(call, name_of(spec_.arch, call.nr).empty() ? spec_.unknown : spec_.denied);
      }
    }
    for (const int number : {1 << 16, kX32Bit - 1, kX32Bit, kX32Bit + 1, kX32Bit + 520, INT32_MAX,
                             INT32_MIN, INT32_MIN + 1, -kX32Bit - 1, -kX32Bit, -1}) {
      call.nr = number;
      check(call, evaluate(spec_, call));
    }
  }

  void check_foreign() {
    seccomp_data call{};
    for (const std::uint32_t arch :
         {std::uint32_t{AUDIT_ARCH_I386}, std::uint32_t{AUDIT_ARCH_ARM},
          std::uint32_t{AUDIT_ARCH_X86_64}, std::uint32_t{AUDIT_ARCH_AARCH64}, 0u, ~0u}) {
      call.arch = arch;
      for (call.nr = 0; call.nr < 4; ++call.nr) {
        check(call, evaluate(spec_, call));
      }
    }
  }

  // The rule's own tests, one argument at a time, from two standpoints: everything 0, and the rule
  // satisfied, so that each test of an `and` is the one that decides.
  void check_boundaries(int number, const std::vector<Rule>& rules, const Rule& rule) {
    tests_.clear();
    collect_tests(rule.condition, tests_);
    if (tests_.empty()) {
      return;
    }
    seccomp_data call{};
    call.arch = audit_arch(spec_.arch);
    call.nr = number;
    for (const ArgumentTest* test : tests_) {
      if (is_new(*test)) {  // else another rule of the call asks the same
        check_boundary(*test, rules, call);
      }
    }
    satisfy(tests_, call);
    check(call, first_match(rules, call));
    for (const ArgumentTest* test : tests_) {
      check_boundary(*test, rules, call);
    }
    // The neighbours must not be taken for this call; with all arguments 0 it might not show.
    for (const int neighbour : {number - 1, number + 1}) {
      call.nr = neighbour;
      check(call, evaluate(spec_, call));
    }
  }

  void check_boundary(const ArgumentTest& test, const std::vector<Rule>& rules,
                      seccomp_data& call) {
    const auto kept = operand_of(call, test);
    const Boundary boundary = boundary_of(test);
    for (std::size_t i = 0; i < boundary.count; ++i) {
      set_operand(call, test, boundary.values[i]);
      check(call, first_match(rules, call));
    }
    set_operand(call, test, kept);
  }

  bool is_new(const ArgumentTest& test) {
    for (const ArgumentTest* tried : tried_) {
      if (*tried == test) {
        return false;
      }
    }
    tried_.push_back(&test);
    return true;
  }

  const FilterSpec& spec_;
  const FilterProgram& program_;
  std::optional<Error> failure_;
  std::vector<const ArgumentTest*> tests_;
  std::vector<const ArgumentTest*> tried_;  // of the call at hand, with all else 0
};

}  // namespace

Status verify(const FilterSpec& spec, const FilterProgram& program) {
  if (!is_loadable(program)) {
    return Error{"cannot trust the compiled filter: the kernel would refuse it",
                 0,
                 {},
                 "this is a defect of sbx; nothing was started"};
  }
  return Verifier(spec, program).run();
}

}  // namespace sbx::seccomp
