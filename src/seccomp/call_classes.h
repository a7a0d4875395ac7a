// SPDX-License-Identifier: Apache-2.0
// A filter's tests cut the calls of one number into finitely many classes: all calls of a class get
// the same answers of all tests, so one call of each class stands for every call there is.
// `explain` asks which rules can decide at all, `diff` where two filters answer differently.
//
// An argument's classes are found by trying the values beside each test's border (boundary.h),
// starting from all that were found before; the classes of a call are their product.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "seccomp/assume.h"
#include "seccomp/filter_spec.h"

namespace sbx::seccomp {

class CallClasses {
 public:
  // The classes that the rules of all `lists` make together, within the known arguments.
  CallClasses(Arch arch, int number, const std::vector<const std::vector<Rule>*>& lists,
              const KnownArguments& known = {});

  // One of each class; never empty.
  const std::vector<seccomp_data>& calls() const { return calls_; }

  // False: there are too many to try them all; then calls() are those near each test's border, and
  // nothing can be said of the others.
  bool is_complete() const { return complete_; }

  // What the calls that are chosen (by their index) have in common, and no others have: conditions
  // in the language of seccomp/when.h, any of which holds; "" alone: all calls. Only if complete.
  std::vector<std::string> describe(const std::vector<bool>& chosen,
                                    std::string_view syscall) const;

 private:
  // The values of one argument that some test tells apart.
  struct Class {
    std::uint64_t value = 0;
    std::vector<bool> holds;  // by index of the test
  };
  struct Axis {
    std::vector<ArgumentTest> tests;  // each once, none negated
    std::vector<Class> classes;
  };
  using Box = std::vector<std::vector<bool>>;  // for each axis, the classes within

  void find_classes(Axis& axis);
  void multiply(const seccomp_data& first);
  void sample(const seccomp_data& first, const std::vector<const std::vector<Rule>*>& lists,
              const KnownArguments& known);
  std::size_t class_of(std::size_t call, std::size_t axis) const;
  bool is_within(const Box& box, std::size_t call) const;
  Box grow(std::size_t call, const std::vector<bool>& chosen) const;
  std::string box_text(const Box& box, std::string_view syscall) const;

  std::vector<Axis> axes_;
  std::vector<seccomp_data> calls_;  // the last axis counts fastest
  bool complete_ = true;
};

}  // namespace sbx::seccomp
