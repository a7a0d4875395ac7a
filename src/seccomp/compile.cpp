// SPDX-License-Identifier: Apache-2.0
#include "seccomp/compile.h"

#include <algorithm>
#include <cstddef>
#include <map>

#include <fmt/format.h>

#include "seccomp/syscall_table.h"

namespace sbx::seccomp {
namespace {

constexpr std::uint32_t kX32Bit = 0x4000'0000;  // __X32_SYSCALL_BIT of asm/unistd.h
constexpr std::uint32_t kSignBit = 0x8000'0000;
constexpr std::size_t kMaxJump = 255;  // jt and jf are bytes

// Where an instruction stands, counted from the program's end: the program is written backwards, so
// that every jump's target, which must lie ahead, is known when the jump is written.
using Label = std::size_t;

std::uint32_t low_half(std::uint64_t value) {
  return static_cast<std::uint32_t>(value);
}
std::uint32_t high_half(std::uint64_t value) {
  return static_cast<std::uint32_t>(value >> 32);
}

// Offsets into struct seccomp_data. Both architectures are little endian: the low half comes first.
std::uint32_t low_offset(const ArgumentTest& test) {
  if (test.argument == kInstructionPointer) {
    return offsetof(seccomp_data, instruction_pointer);
  }
  return static_cast<std::uint32_t>(offsetof(seccomp_data, args) +
                                    sizeof(std::uint64_t) * test.argument);
}
std::uint32_t high_offset(const ArgumentTest& test) {
  return low_offset(test) + 4;
}

class Assembler {
 public:
  std::size_t size() const { return reversed_.size(); }

  Label statement(std::uint16_t code, std::uint32_t k) { return append({code, 0, 0, k}); }
  Label load(std::uint32_t offset) { return statement(BPF_LD | BPF_W | BPF_ABS, offset); }

  // A return that a jump written next can reach. A far one is written again: a copy costs no more
  // room than the long jump to it, and one instruction less to run.
  Label answer(std::uint32_t value) {
    const auto known = answers_.find(value);
    if (known != answers_.end() && size() - known->second < kMaxJump - 1) {
      return known->second;
    }
    const Label label = statement(BPF_RET | BPF_K, value);
    answers_[value] = label;
    return label;
  }

  // `if (A operation k) goto yes; else goto no;`
  Label jump_if(std::uint16_t operation, std::uint32_t k, Label yes, Label no) {
    // A far target is reached by way of an unconditional jump, whose distance has 32 bits. Each
    // such jump moves the other target away by one: hence the spare room of two.
    if (size() - yes > kMaxJump - 2) {
      yes = jump(yes);
    }
    if (size() - no > kMaxJump) {
      no = jump(no);
    }
    return append(
        {static_cast<std::uint16_t>(BPF_JMP | BPF_K | operation), distance(yes), distance(no), k});
  }

  FilterProgram finish() && {
    std::reverse(reversed_.begin(), reversed_.end());
    return std::move(reversed_);
  }

 private:
  Label append(const sock_filter& instruction) {
    reversed_.push_back(instruction);
    return reversed_.size();
  }
  Label jump(Label target) {
    return statement(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(size() - target));
  }
  std::uint8_t distance(Label target) const { return static_cast<std::uint8_t>(size() - target); }

  FilterProgram reversed_;
  std::map<std::uint32_t, Label> answers_;
};

// What a test asks of one 32-bit half.
struct Half {
  std::uint32_t offset = 0;
  std::uint32_t mask = 0;
  std::uint32_t value = 0;
  bool flip_sign =
      false;  // BPF compares unsigned: with the sign bits flipped the order is the same
};

// Writes the load (and mask, and flip) that goes before a jump; the jump itself is written already,
// since all is written backwards.
Label load_half(Assembler& code, const Half& half) {
  if (half.flip_sign) {
    code.statement(BPF_ALU | BPF_XOR | BPF_K, kSignBit);
  }
  if (half.mask != 0xffff'ffff) {
    code.statement(BPF_ALU | BPF_AND | BPF_K, half.mask);
  }
  return code.load(half.offset);
}

Half low_part(const ArgumentTest& test) {
  const bool flip = test.is_signed && test.width == 32;
  return {low_offset(test), low_half(test.mask), low_half(test.value) ^ (flip ? kSignBit : 0),
          flip};
}

Half high_part(const ArgumentTest& test) {
  const bool flip = test.is_signed;
  return {high_offset(test), high_half(test.mask), high_half(test.value) ^ (flip ? kSignBit : 0),
          flip};
}

Label equal_test(Assembler& code, const ArgumentTest& test, Label yes, Label no) {
  // `x & M == 0` needs no separate mask: JSET is the same question in one instruction.
  const auto half_test = [&](std::uint32_t offset, std::uint32_t mask, std::uint32_t value,
                             Label hit, Label miss) {
    if (mask != 0xffff'ffff && value == 0) {
      code.jump_if(BPF_JSET, mask, miss, hit);
      return code.load(offset);
    }
    code.jump_if(BPF_JEQ, value, hit, miss);
    return load_half(code, {offset, mask, value, false});
  };
  Label label = half_test(low_offset(test), low_half(test.mask), low_half(test.value), yes, no);
  if (test.width == 64 && (high_half(test.mask) != 0 || high_half(test.value) != 0)) {
    label = half_test(high_offset(test), high_half(test.mask), high_half(test.value), label, no);
  }
  return label;
}

// `argument > value`, or `>=` if `or_equal`.
Label greater_test(Assembler& code, const ArgumentTest& test, bool or_equal, Label yes, Label no) {
  const Half low = low_part(test);
  code.jump_if(or_equal ? BPF_JGE : BPF_JGT, low.value, yes, no);
  Label label = load_half(code, low);
  if (test.width == 64) {
    // The upper halves decide unless they are equal.
    const Half high = high_part(test);
    const Label tie = code.jump_if(BPF_JEQ, high.value, label, no);
    code.jump_if(BPF_JGT, high.value, yes, tie);
    label = load_half(code, high);
  }
  return label;
}

Label argument_test(Assembler& code, const ArgumentTest& test, Label yes, Label no) {
  switch (test.compare) {
    case Compare::Equal:
      return equal_test(code, test, yes, no);
    case Compare::NotEqual:
      return equal_test(code, test, no, yes);
    case Compare::Greater:
      return greater_test(code, test, false, yes, no);
    case Compare::GreaterEqual:
      return greater_test(code, test, true, yes, no);
    case Compare::Less:
      return greater_test(code, test, true, no, yes);
    case Compare::LessEqual:
      return greater_test(code, test, false, no, yes);
  }
  return no;
}

// Code that goes to `yes` where the condition holds, else to `no`; the label is its entry.
Label condition_code(Assembler& code, const Condition& condition, Label yes, Label no) {
  switch (condition.kind) {
    case Condition::Kind::Always:
      return yes;
    case Condition::Kind::Test:
      return argument_test(code, condition.test, yes, no);
    case Condition::Kind::Not:
      return condition_code(code, condition.operands.front(), no, yes);
    case Condition::Kind::And: {
      Label next = yes;
      for (auto operand = condition.operands.rbegin(); operand != condition.operands.rend();
           ++operand) {
        next = condition_code(code, *operand, next, no);
      }
      return next;
    }
    case Condition::Kind::Or: {
      Label next = no;
      for (auto operand = condition.operands.rbegin(); operand != condition.operands.rend();
           ++operand) {
        next = condition_code(code, *operand, yes, next);
      }
      return next;
    }
  }
  return no;
}

bool is_always(const Rule& rule) {
  return rule.condition.kind == Condition::Kind::Always;
}

// What a range of numbers answers: the rules that are left when those which cannot matter are gone.
// Points into the spec.
struct Answer {
  std::vector<const Rule*> conditional;
  std::uint32_t otherwise = 0;

  friend bool operator==(const Answer& a, const Answer& b) {
    return a.otherwise == b.otherwise &&
           std::equal(a.conditional.begin(), a.conditional.end(), b.conditional.begin(),
                      b.conditional.end(), [](const Rule* left, const Rule* right) {
                        return left->action == right->action && left->condition == right->condition;
                      });
  }
};

Answer answer_of(const std::vector<Rule>& rules) {
  Answer answer;
  for (const Rule& rule : rules) {
    if (is_always(rule)) {
      answer.otherwise = to_return_value(rule.action);
      break;
    }
    answer.conditional.push_back(&rule);
  }
  while (!answer.conditional.empty() &&
         to_return_value(answer.conditional.back()->action) == answer.otherwise) {
    answer.conditional.pop_back();
  }
  return answer;
}

// Numbers from `first` up to the next range's first.
struct Range {
  std::uint32_t first = 0;
  std::size_t answer = 0;  // index into Layout::answers
};

struct Layout {
  std::vector<Answer> answers;
  std::vector<Range> ranges;

  std::size_t intern(Answer answer) {
    const auto known = std::find(answers.begin(), answers.end(), answer);
    if (known != answers.end()) {
      return static_cast<std::size_t>(known - answers.begin());
    }
    answers.push_back(std::move(answer));
    return answers.size() - 1;
  }
  void extend(std::uint32_t first, std::size_t answer) {
    if (ranges.empty() || ranges.back().answer != answer) {
      ranges.push_back({first, answer});
    }
  }
};

Layout lay_out(const FilterSpec& spec) {
  Layout layout;
  const std::size_t denied = layout.intern({{}, to_return_value(spec.denied.action)});
  const std::size_t unknown = layout.intern({{}, to_return_value(spec.unknown.action)});
  const std::size_t foreign = layout.intern({{}, to_return_value(spec.foreign.action)});
  auto call = spec.calls.begin();
  const int last = spec.calls.empty() ? 0 : spec.calls.rbegin()->first;
  const int end = std::max(highest_number(spec.arch), last) + 1;
  for (int number = 0; number < end; ++number) {
    std::size_t answer = name_of(spec.arch, number).empty() ? unknown : denied;
    if (call != spec.calls.end() && call->first == number) {
      answer = layout.intern(answer_of(call->second));
      ++call;
    }
    layout.extend(static_cast<std::uint32_t>(number), answer);
  }
  layout.extend(static_cast<std::uint32_t>(end), unknown);
  if (spec.arch == Arch::X86_64) {
    // x32 has native's AUDIT_ARCH and numbers with bit 30 set.
    layout.extend(kX32Bit, foreign);
    layout.extend(kSignBit, unknown);
    layout.extend(kSignBit | kX32Bit, foreign);
  }
  return layout;
}

// Entry of each answer's code. Answers without conditions have none: their returns are written
// where the tree needs them.
std::vector<Label> answer_code(Assembler& code, const Layout& layout) {
  std::vector<Label> entries;
  entries.reserve(layout.answers.size());
  for (const Answer& answer : layout.answers) {
    Label next = 0;
    for (auto rule = answer.conditional.rbegin(); rule != answer.conditional.rend(); ++rule) {
      // Looked up before each rule: the condition's code may have grown past a return's reach.
      const Label no = next == 0 ? code.answer(answer.otherwise) : next;
      const Label yes = code.answer(to_return_value((*rule)->action));
      next = condition_code(code, (*rule)->condition, yes, no);
    }
    entries.push_back(next);
  }
  return entries;
}

class Tree {
 public:
  Tree(Assembler& code, const Layout& layout, const std::vector<Label>& entries)
      : code_(code), layout_(layout), entries_(entries) {}

  // Code for ranges [begin, end), with the call's number in the accumulator.
  Label grow(std::size_t begin, std::size_t end) {
    if (end - begin == 1) {
      const std::size_t answer = layout_.ranges[begin].answer;
      return layout_.answers[answer].conditional.empty()
                 ? code_.answer(layout_.answers[answer].otherwise)
                 : entries_[answer];
    }
    const std::size_t middle = begin + (end - begin) / 2;
    const Label upper = grow(middle, end);
    const Label lower = grow(begin, middle);
    return code_.jump_if(BPF_JGE, layout_.ranges[middle].first, upper, lower);
  }

 private:
  Assembler& code_;
  const Layout& layout_;
  const std::vector<Label>& entries_;
};

Status check_spec(const FilterSpec& spec) {
  for (const auto& [number, rules] : spec.calls) {
    if (number < 0 || static_cast<std::uint32_t>(number) >= kX32Bit) {
      return Error{fmt::format("cannot compile the filter: {} is no call number", number)};
    }
    if (rules.empty() || !is_always(rules.back())) {
      return Error{fmt::format("cannot compile the filter: no last rule for call {}", number)};
    }
    for (const Rule& rule : rules) {
      if (rule.action.errno_value > 4095) {
        return Error{fmt::format("cannot compile the filter: errno {} is above 4095",
                                 rule.action.errno_value),
                     0, rule.origin};
      }
    }
  }
  return {};
}

std::size_t count_tests(const Condition& condition) {
  std::size_t count = condition.kind == Condition::Kind::Test ? 1 : 0;
  for (const Condition& operand : condition.operands) {
    count += count_tests(operand);
  }
  return count;
}

Error too_long(const FilterSpec& spec, std::size_t size) {
  const Rule* largest = nullptr;
  std::size_t most = 0;
  for (const auto& [number, rules] : spec.calls) {
    for (const Rule& rule : rules) {
      if (const std::size_t tests = count_tests(rule.condition); tests > most) {
        most = tests;
        largest = &rule;
      }
    }
  }
  Error error{fmt::format("cannot compile the filter: {} instructions, the kernel takes {}", size,
                          BPF_MAXINSNS)};
  if (largest != nullptr) {
    error.origin = largest->origin;
    error.hint = fmt::format("the largest rule has {} tests: {}", most, largest->text.str());
  }
  return error;
}

}  // namespace

std::uint32_t to_return_value(Action action) {
  switch (action.verdict) {
    case Verdict::Allow:
      return SECCOMP_RET_ALLOW;
    case Verdict::Errno:
      return SECCOMP_RET_ERRNO | (action.errno_value & SECCOMP_RET_DATA);
    case Verdict::Kill:
      return SECCOMP_RET_KILL_PROCESS;
    case Verdict::Notify:
      return SECCOMP_RET_USER_NOTIF;
  }
  return SECCOMP_RET_KILL_PROCESS;
}

Result<FilterProgram> compile(const FilterSpec& spec) {
  SBX_TRY(check_spec(spec));
  const Layout layout = lay_out(spec);
  Assembler code;
  const std::vector<Label> entries = answer_code(code, layout);
  const Label tree = Tree(code, layout, entries).grow(0, layout.ranges.size());
  if (tree != code.size()) {  // one answer for all numbers, written earlier
    code.statement(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(code.size() - tree));
  }
  const Label native = code.load(offsetof(seccomp_data, nr));
  const Label foreign = code.answer(to_return_value(spec.foreign.action));
  code.jump_if(BPF_JEQ, audit_arch(spec.arch), native, foreign);
  code.load(offsetof(seccomp_data, arch));
  FilterProgram program = std::move(code).finish();
  if (program.size() > BPF_MAXINSNS) {
    return too_long(spec, program.size());
  }
  return program;
}

}  // namespace sbx::seccomp
