// SPDX-License-Identifier: Apache-2.0
#include "seccomp/call_classes.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "seccomp/boundary.h"
#include "seccomp/compile.h"
#include "seccomp/evaluate.h"

namespace sbx::seccomp {
namespace {

constexpr std::size_t kMostClasses = 512;    // of one argument
constexpr std::size_t kMostOfOneClass = 8;   // values of a class that are built upon
constexpr std::size_t kMostCalls = 1 << 14;  // classes of one system call
constexpr std::size_t kMostBoxes = 8;        // conditions of a set of calls
constexpr std::size_t kMostTerms = 4;        // of a condition without a simpler form
constexpr std::size_t kMostPaired = 24;      // tests of which pairs are tried for a simpler form

// A test and its negation tell the same values apart: the one that reads better stands for both.
ArgumentTest without_negation(ArgumentTest test) {
  switch (test.compare) {
    case Compare::NotEqual:
      test.compare = Compare::Equal;
      break;
    case Compare::GreaterEqual:
      test.compare = Compare::Less;
      break;
    case Compare::Greater:
      test.compare = Compare::LessEqual;
      break;
    case Compare::Equal:
    case Compare::Less:
    case Compare::LessEqual:
      break;
  }
  return test;
}

ArgumentTest negated(ArgumentTest test) {
  test.compare = test.compare == Compare::Equal  ? Compare::NotEqual
                 : test.compare == Compare::Less ? Compare::GreaterEqual
                                                 : Compare::Greater;
  return test;
}

std::string test_text(const ArgumentTest& test, std::string_view syscall) {
  return to_text(Condition{.kind = Condition::Kind::Test, .test = test, .operands = {}}, syscall);
}

// The largest value with no bits outside of the mask that is no larger than `value`.
std::uint64_t masked_below(std::uint64_t value, std::uint64_t mask) {
  std::uint64_t result = 0;
  for (std::uint64_t bit = 1ull << 63; bit != 0; bit >>= 1) {
    if ((value & bit) != 0 && (mask & bit) == 0) {
      return result | (mask & (bit - 1));
    }
    result |= value & bit;
  }
  return result;
}

// What boundary_of has, and where an order changes among the values that the mask lets through.
std::vector<std::uint64_t> borders_of(const ArgumentTest& test) {
  const Boundary boundary = boundary_of(test);
  std::vector<std::uint64_t> borders(
      boundary.values.begin(),
      boundary.values.begin() + static_cast<std::ptrdiff_t>(boundary.count));
  const std::uint64_t read = test.width == 32 ? 0xffff'ffffull : ~0ull;
  const std::uint64_t sign = test.width == 32 ? 0x8000'0000ull : 0x8000'0000'0000'0000ull;
  const std::uint64_t mask = test.mask & read;
  const std::uint64_t below = masked_below(test.value & read, mask);
  const std::uint64_t next = ((below | ~mask) + 1) & mask;
  for (const std::uint64_t border :
       {below, next, (below - 1) & mask, ((next | ~mask) + 1) & mask, std::uint64_t{0}, mask,
        mask & sign, mask & ~sign, below ^ (mask & sign), next ^ (mask & sign)}) {
    borders.push_back(border);
  }
  return borders;
}

// A test or its negation.
struct Literal {
  std::size_t test = 0;
  bool positive = true;
};

// "domain in {AF_INET, AF_INET6}", of tests of the form "domain == AF_INET".
std::string in_text(const std::vector<ArgumentTest>& tests, bool positive,
                    std::string_view syscall) {
  if (tests.size() == 1) {
    return test_text(positive ? tests[0] : negated(tests[0]), syscall);
  }
  std::vector<std::string> values;
  std::string operand;
  for (const ArgumentTest& test : tests) {
    constexpr std::string_view kEquals = " == ";
    const std::string text = test_text(test, syscall);
    const std::size_t equals = text.find(kEquals);
    operand = text.substr(0, equals);
    values.push_back(text.substr(equals + kEquals.size()));
  }
  const std::string text = fmt::format("{} in {{{}}}", operand, join(values, ", "));
  return positive ? text : "not (" + text + ")";
}

bool is_subset(const std::vector<bool>& inner, const std::vector<bool>& outer) {
  for (std::size_t i = 0; i < inner.size(); ++i) {
    if (inner[i] && !outer[i]) {
      return false;
    }
  }
  return true;
}

std::vector<bool> both(const std::vector<bool>& a, const std::vector<bool>& b) {
  std::vector<bool> result(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    result[i] = a[i] && b[i];
  }
  return result;
}

std::vector<bool> either(const std::vector<bool>& a, const std::vector<bool>& b) {
  std::vector<bool> result(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    result[i] = a[i] || b[i];
  }
  return result;
}

// Finds a short condition that holds for a subset of an argument's classes and no other.
class Describer {
 public:
  Describer(const std::vector<ArgumentTest>& tests, std::vector<std::vector<bool>> holding,
            std::vector<bool> subset, std::string_view syscall)
      : tests_(tests),
        holding_(std::move(holding)),
        subset_(std::move(subset)),
        syscall_(syscall) {}

  std::string text() const {
    if (const auto one = single()) {
      return *one;
    }
    if (const auto in = equalities(subset_, true)) {
      return *in;
    }
    std::vector<bool> rest = subset_;
    rest.flip();
    if (const auto out = equalities(rest, false)) {
      return *out;
    }
    if (const auto two = pair()) {
      return *two;
    }
    return terms();
  }

 private:
  // The classes for which a literal holds.
  std::vector<bool> where(const Literal& literal) const {
    std::vector<bool> classes = holding_[literal.test];
    if (!literal.positive) {
      classes.flip();
    }
    return classes;
  }

  std::string literal_text(const Literal& literal) const {
    const ArgumentTest& test = tests_[literal.test];
    return test_text(literal.positive ? test : negated(test), syscall_);
  }

  std::vector<Literal> literals() const {
    std::vector<Literal> all;
    for (std::size_t test = 0; test < tests_.size(); ++test) {
      all.push_back({test, true});
      all.push_back({test, false});
    }
    return all;
  }

  std::optional<std::string> single() const {
    for (const Literal& literal : literals()) {
      if (where(literal) == subset_) {
        return literal_text(literal);
      }
    }
    return std::nullopt;
  }

  // Equality tests of one operand and mask that together make up `classes`.
  std::optional<std::string> equalities(const std::vector<bool>& classes, bool positive) const {
    for (const ArgumentTest& leader : tests_) {
      std::vector<ArgumentTest> chosen;
      std::vector<bool> covered(classes.size());
      for (std::size_t i = 0; i < tests_.size(); ++i) {
        const bool fits = tests_[i].compare == Compare::Equal && tests_[i].mask == leader.mask &&
                          tests_[i].width == leader.width && is_subset(holding_[i], classes);
        if (fits) {
          chosen.push_back(tests_[i]);
          covered = either(covered, holding_[i]);
        }
      }
      if (!chosen.empty() && covered == classes) {
        return in_text(chosen, positive, syscall_);
      }
    }
    return std::nullopt;
  }

  std::optional<std::string> pair() const {
    if (tests_.size() > kMostPaired) {
      return std::nullopt;
    }
    for (const Literal& one : literals()) {
      for (const Literal& other : literals()) {
        const bool is_and = both(where(one), where(other)) == subset_;
        if (is_and || either(where(one), where(other)) == subset_) {
          return literal_text(one) + (is_and ? " and " : " or ") + literal_text(other);
        }
      }
    }
    return std::nullopt;
  }

  // Any subset is an "or" over its classes of an "and" over the tests; what is not needed is left
  // out of each.
  std::string terms() const {
    std::vector<std::string> texts;
    std::vector<bool> covered(subset_.size());
    for (std::size_t one = 0; one < subset_.size(); ++one) {
      if (!subset_[one] || covered[one]) {
        continue;
      }
      if (texts.size() == kMostTerms) {
        texts.emplace_back("…");
        break;
      }
      std::vector<bool> within;
      texts.push_back(term(one, within));
      covered = either(covered, within);
    }
    if (texts.size() == 1) {
      return texts.front();
    }
    for (std::string& text : texts) {
      if (text.find(" and ") != std::string::npos) {
        text.insert(0, "(").append(")");
      }
    }
    return join(texts, " or ");
  }

  std::string term(std::size_t one, std::vector<bool>& within) const {
    std::vector<Literal> needed;
    for (std::size_t test = 0; test < tests_.size(); ++test) {
      needed.push_back({test, holding_[test][one]});
    }
    const auto all_of = [this](const std::vector<Literal>& parts) {
      std::vector<bool> classes(subset_.size(), true);
      for (const Literal& part : parts) {
        classes = both(classes, where(part));
      }
      return classes;
    };
    // Negations first: "is none of the others" says less than what it is.
    for (const bool positive : {false, true}) {
      for (std::size_t i = needed.size(); i-- > 0;) {
        if (needed[i].positive != positive) {
          continue;
        }
        std::vector<Literal> fewer = needed;
        fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
        if (is_subset(all_of(fewer), subset_)) {
          needed = std::move(fewer);
        }
      }
    }
    within = all_of(needed);
    std::vector<std::string> texts;
    for (const Literal& literal : needed) {
      texts.push_back(literal_text(literal));
    }
    return join(texts, " and ");
  }

  const std::vector<ArgumentTest>& tests_;
  const std::vector<std::vector<bool>> holding_;  // by test, then class
  const std::vector<bool> subset_;
  const std::string_view syscall_;
};

}  // namespace

CallClasses::CallClasses(Arch arch, int number, const std::vector<const std::vector<Rule>*>& lists,
                         const KnownArguments& known) {
  seccomp_data first{};
  first.arch = audit_arch(arch);
  first.nr = number;
  for (std::size_t i = 0; i < known.size(); ++i) {
    first.args[i] = known[i].value_or(0);
  }
  std::vector<const ArgumentTest*> tests;
  for (const std::vector<Rule>* list : lists) {
    for (const Rule& rule : *list) {
      collect_tests(rule.condition, tests);
    }
  }
  for (std::uint8_t argument = 0; argument <= kInstructionPointer; ++argument) {
    if (argument < known.size() && known[argument]) {
      continue;
    }
    Axis axis;
    for (const ArgumentTest* test : tests) {
      const ArgumentTest plain = without_negation(*test);
      if (test->argument == argument &&
          std::find(axis.tests.begin(), axis.tests.end(), plain) == axis.tests.end()) {
        axis.tests.push_back(plain);
      }
    }
    if (!axis.tests.empty()) {
      find_classes(axis);
      axes_.push_back(std::move(axis));
    }
  }
  std::size_t count = 1;
  for (const Axis& axis : axes_) {
    count = std::min(count * axis.classes.size(), kMostCalls + 1);
  }
  complete_ = complete_ && count <= kMostCalls;
  if (complete_) {
    multiply(first);
  } else {
    sample(first, lists, known);
  }
}

// Every value beside a border of some test, then each of them with another test's bits exchanged,
// until nothing new turns up.
void CallClasses::find_classes(Axis& axis) {
  std::map<std::vector<bool>, std::size_t> known;  // how many values of the class were found
  std::set<std::uint64_t> tried;
  std::vector<std::uint64_t> waiting;
  const auto add = [&](std::uint64_t value) {
    if (!tried.insert(value).second) {
      return;
    }
    seccomp_data call{};
    std::vector<bool> answers;
    for (const ArgumentTest& test : axis.tests) {
      set_operand(call, test, value);
      answers.push_back(holds(test, call));
    }
    const std::size_t count = known[answers]++;
    if (count < kMostOfOneClass) {
      waiting.push_back(value);
    }
    if (count == 0) {
      axis.classes.push_back({value, std::move(answers)});
    }
  };
  std::vector<std::pair<ArgumentTest, std::vector<std::uint64_t>>> masked;
  add(0);
  for (const ArgumentTest& test : axis.tests) {
    const std::vector<std::uint64_t> borders = borders_of(test);
    for (const std::uint64_t border : borders) {
      add(border);
    }
    if (test.mask != ~0ull) {
      masked.emplace_back(test, borders);
    }
  }
  for (std::size_t i = 0; i < waiting.size() && !masked.empty(); ++i) {
    for (const auto& [test, borders] : masked) {
      for (const std::uint64_t border : borders) {
        add(with_masked(waiting[i], test, border));
      }
    }
    if (known.size() > kMostClasses) {
      break;
    }
  }
  complete_ = complete_ && known.size() <= kMostClasses;
}

void CallClasses::multiply(const seccomp_data& first) {
  calls_.push_back(first);
  for (const Axis& axis : axes_) {
    std::vector<seccomp_data> product;
    for (const seccomp_data& call : calls_) {
      for (const Class& one : axis.classes) {
        product.push_back(call);
        set_operand(product.back(), axis.tests.front(), one.value);
      }
    }
    calls_ = std::move(product);
  }
}

// One argument at a time, from two standpoints: everything 0, and each rule satisfied.
void CallClasses::sample(const seccomp_data& first,
                         const std::vector<const std::vector<Rule>*>& lists,
                         const KnownArguments& known) {
  const auto is_known = [&](std::uint8_t argument) {
    return argument < known.size() && known[argument].has_value();
  };
  const auto add_around = [&](const seccomp_data& standpoint,
                              const std::vector<const ArgumentTest*>& tests) {
    calls_.push_back(standpoint);
    for (const ArgumentTest* test : tests) {
      const Boundary boundary = boundary_of(*test);
      for (std::size_t i = 0; !is_known(test->argument) && i < boundary.count; ++i) {
        calls_.push_back(standpoint);
        set_operand(calls_.back(), *test, boundary.values[i]);
      }
    }
  };
  for (const std::vector<Rule>* list : lists) {
    for (const Rule& rule : *list) {
      std::vector<const ArgumentTest*> tests;
      collect_tests(rule.condition, tests);
      add_around(first, tests);
      seccomp_data satisfied = first;
      satisfy(tests, satisfied);
      for (std::size_t i = 0; i < known.size(); ++i) {
        satisfied.args[i] = known[i].value_or(satisfied.args[i]);
      }
      add_around(satisfied, tests);
    }
  }
}

std::size_t CallClasses::class_of(std::size_t call, std::size_t axis) const {
  for (std::size_t after = axes_.size() - 1; after > axis; --after) {
    call /= axes_[after].classes.size();
  }
  return call % axes_[axis].classes.size();
}

bool CallClasses::is_within(const Box& box, std::size_t call) const {
  for (std::size_t axis = 0; axis < axes_.size(); ++axis) {
    if (!box[axis][class_of(call, axis)]) {
      return false;
    }
  }
  return true;
}

// The largest box of chosen calls around one of them that widening one argument after another
// finds.
CallClasses::Box CallClasses::grow(std::size_t call, const std::vector<bool>& chosen) const {
  Box box;
  for (std::size_t axis = 0; axis < axes_.size(); ++axis) {
    box.emplace_back(axes_[axis].classes.size());
    box.back()[class_of(call, axis)] = true;
  }
  for (std::size_t axis = 0; axis < axes_.size(); ++axis) {
    // The classes of this argument with which no call of the box is left unchosen.
    Box any = box;
    any[axis].assign(any[axis].size(), true);
    std::vector<bool> fits(any[axis].size(), true);
    for (std::size_t other = 0; other < calls_.size(); ++other) {
      if (!chosen[other] && is_within(any, other)) {
        fits[class_of(other, axis)] = false;
      }
    }
    box[axis] = std::move(fits);
  }
  return box;
}

std::vector<std::string> CallClasses::describe(const std::vector<bool>& chosen,
                                               std::string_view syscall) const {
  std::vector<std::string> texts;
  std::vector<bool> covered(calls_.size());
  for (std::size_t call = 0; call < calls_.size(); ++call) {
    if (!chosen[call] || covered[call]) {
      continue;
    }
    if (texts.size() == kMostBoxes) {
      texts.emplace_back("…");
      break;
    }
    const Box box = grow(call, chosen);
    for (std::size_t other = 0; other < calls_.size(); ++other) {
      covered[other] = covered[other] || is_within(box, other);
    }
    texts.push_back(box_text(box, syscall));
  }
  return texts;
}

std::string CallClasses::box_text(const Box& box, std::string_view syscall) const {
  std::vector<std::string> texts;
  for (std::size_t axis = 0; axis < axes_.size(); ++axis) {
    if (std::find(box[axis].begin(), box[axis].end(), false) == box[axis].end()) {
      continue;  // any value
    }
    const std::vector<ArgumentTest>& tests = axes_[axis].tests;
    std::vector<std::vector<bool>> holding(tests.size());
    for (const Class& one : axes_[axis].classes) {
      for (std::size_t test = 0; test < tests.size(); ++test) {
        holding[test].push_back(one.holds[test]);
      }
    }
    texts.push_back(Describer(tests, std::move(holding), box[axis], syscall).text());
  }
  if (texts.size() > 1) {
    for (std::string& text : texts) {
      if (text.find(" or ") != std::string::npos) {
        text.insert(0, "(").append(")");
      }
    }
  }
  return join(texts, " and ");
}

}  // namespace sbx::seccomp
