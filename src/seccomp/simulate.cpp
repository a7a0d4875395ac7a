// SPDX-License-Identifier: Apache-2.0
// The kernel's interpreter of classic BPF, as far as seccomp admits it: seccomp_check_filter in
// kernel/seccomp.c and bpf_check_classic in net/core/filter.c list the instructions.
#include "seccomp/simulate.h"

#include <cstring>
#include <optional>
#include <vector>

#include "seccomp/compile.h"

namespace sbx::seccomp {
namespace {

bool is_jump_inside(const FilterProgram& program, std::size_t at) {
  const sock_filter& instruction = program[at];
  const std::size_t room = program.size() - at - 1;  // instructions after this one
  if (BPF_OP(instruction.code) == BPF_JA) {
    return instruction.k < room;
  }
  return instruction.jt < room && instruction.jf < room;
}

bool is_arithmetic_sound(const sock_filter& instruction) {
  const bool constant = BPF_SRC(instruction.code) == BPF_K;
  switch (BPF_OP(instruction.code)) {
    case BPF_ADD:
    case BPF_SUB:
    case BPF_MUL:
    case BPF_AND:
    case BPF_OR:
    case BPF_XOR:
      return true;
    case BPF_NEG:
      return constant;  // it takes no operand
    case BPF_DIV:
      return !constant || instruction.k != 0;
    case BPF_LSH:
    case BPF_RSH:
      return !constant || instruction.k < 32;
    default:
      return false;  // BPF_MOD is classic BPF, but not seccomp's
  }
}

bool is_admitted(const FilterProgram& program, std::size_t at) {
  const sock_filter& instruction = program[at];
  if (instruction.code > 0xff) {
    return false;
  }
  switch (instruction.code) {
    case BPF_LD | BPF_W | BPF_ABS:
      return instruction.k < sizeof(seccomp_data) && instruction.k % 4 == 0;
    case BPF_LD | BPF_W | BPF_LEN:
    case BPF_LDX | BPF_W | BPF_LEN:
    case BPF_LD | BPF_IMM:
    case BPF_LDX | BPF_IMM:
    case BPF_MISC | BPF_TAX:
    case BPF_MISC | BPF_TXA:
    case BPF_RET | BPF_K:
    case BPF_RET | BPF_A:
      return true;
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
    case BPF_ST:
    case BPF_STX:
      return instruction.k < BPF_MEMWORDS;
    default:
      break;
  }
  switch (BPF_CLASS(instruction.code)) {
    case BPF_ALU:
      return is_arithmetic_sound(instruction);
    case BPF_JMP:
      switch (BPF_OP(instruction.code)) {
        case BPF_JA:
          return BPF_SRC(instruction.code) == BPF_K && is_jump_inside(program, at);
        case BPF_JEQ:
        case BPF_JGT:
        case BPF_JGE:
        case BPF_JSET:
          return is_jump_inside(program, at);
        default:
          return false;
      }
    default:
      return false;
  }
}

// True if no path reads a word of scratch memory that it has not written: the kernel refuses such
// a program, since the word would be what is left on its stack. Jumps lead forward, so one pass
// does.
bool reads_only_written_memory(const FilterProgram& program) {
  constexpr std::uint16_t kAll = 0xffff;
  std::vector<std::uint16_t> written_before(program.size(), kAll);
  std::uint16_t written = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const sock_filter& instruction = program[at];
    written &= written_before[at];
    const auto word = static_cast<std::uint16_t>(1u << (instruction.k % BPF_MEMWORDS));
    switch (instruction.code) {
      case BPF_ST:
      case BPF_STX:
        written |= word;
        break;
      case BPF_LD | BPF_MEM:
      case BPF_LDX | BPF_MEM:
        if ((written & word) == 0) {
          return false;
        }
        break;
      case BPF_JMP | BPF_JA:
        written_before[at + 1 + instruction.k] &= written;
        written = kAll;
        break;
      default:
        if (BPF_CLASS(instruction.code) == BPF_JMP) {
          written_before[at + 1 + instruction.jt] &= written;
          written_before[at + 1 + instruction.jf] &= written;
          written = kAll;
        }
        break;
    }
  }
  return true;
}

// Nothing for a division by zero, which ends the program with 0.
std::optional<std::uint32_t> calculate(std::uint16_t operation, std::uint32_t a, std::uint32_t b) {
  switch (operation) {
    case BPF_ADD:
      return a + b;
    case BPF_SUB:
      return a - b;
    case BPF_MUL:
      return a * b;
    case BPF_DIV:
      return b == 0 ? std::nullopt : std::optional(a / b);
    case BPF_AND:
      return a & b;
    case BPF_OR:
      return a | b;
    case BPF_XOR:
      return a ^ b;
    case BPF_LSH:
      return a << (b & 31);
    case BPF_RSH:
      return a >> (b & 31);
    default:
      return 0 - a;  // BPF_NEG
  }
}

bool is_taken(std::uint16_t operation, std::uint32_t a, std::uint32_t b) {
  switch (operation) {
    case BPF_JEQ:
      return a == b;
    case BPF_JGT:
      return a > b;
    case BPF_JGE:
      return a >= b;
    default:
      return (a & b) != 0;  // BPF_JSET
  }
}

std::size_t distance(const sock_filter& jump, bool taken) {
  return taken ? jump.jt : jump.jf;
}

std::uint32_t load_word(const seccomp_data& call, std::uint32_t offset) {
  std::uint32_t word = 0;
  std::memcpy(&word, reinterpret_cast<const char*>(&call) + offset, sizeof(word));
  return word;
}

struct Machine {
  std::uint32_t a = 0;
  std::uint32_t x = 0;
  std::uint32_t memory[BPF_MEMWORDS];  // no word is read before it is written: see above
};

// Any instruction but jumps, returns and loads of the call; false for a division by 0.
bool execute(Machine& machine, const sock_filter& instruction) {
  const std::uint16_t code = instruction.code;
  const std::uint32_t k = instruction.k;
  switch (BPF_CLASS(code)) {
    case BPF_LD:
    case BPF_LDX: {
      const std::uint32_t word = BPF_MODE(code) == BPF_LEN   ? sizeof(seccomp_data)
                                 : BPF_MODE(code) == BPF_MEM ? machine.memory[k]
                                                             : k;
      (BPF_CLASS(code) == BPF_LD ? machine.a : machine.x) = word;
      return true;
    }
    case BPF_ST:
      machine.memory[k] = machine.a;
      return true;
    case BPF_STX:
      machine.memory[k] = machine.x;
      return true;
    case BPF_ALU: {
      const auto result =
          calculate(BPF_OP(code), machine.a, BPF_SRC(code) == BPF_X ? machine.x : k);
      machine.a = result.value_or(0);
      return result.has_value();
    }
    default:  // BPF_MISC
      (BPF_MISCOP(code) == BPF_TAX ? machine.x : machine.a) =
          BPF_MISCOP(code) == BPF_TAX ? machine.a : machine.x;
      return true;
  }
}

}  // namespace

bool is_loadable(const FilterProgram& program) {
  if (program.empty() || program.size() > BPF_MAXINSNS ||
      BPF_CLASS(program.back().code) != BPF_RET) {
    return false;
  }
  for (std::size_t at = 0; at < program.size(); ++at) {
    if (!is_admitted(program, at)) {
      return false;
    }
  }
  return reads_only_written_memory(program);
}

std::uint32_t run_loadable(const FilterProgram& program, const seccomp_data& call) {
  Machine machine;
  std::uint32_t& a = machine.a;
  for (std::size_t at = 0;; ++at) {
    const sock_filter& instruction = program[at];
    const std::uint32_t k = instruction.k;
    // First what the generator writes: thousands of runs are made at every launch (verify.cpp).
    switch (instruction.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        a = load_word(call, k);
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        at += distance(instruction, a >= k);
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        at += distance(instruction, a == k);
        break;
      case BPF_JMP | BPF_JGT | BPF_K:
        at += distance(instruction, a > k);
        break;
      case BPF_JMP | BPF_JSET | BPF_K:
        at += distance(instruction, (a & k) != 0);
        break;
      case BPF_JMP | BPF_JA:
        at += k;
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        a &= k;
        break;
      case BPF_ALU | BPF_XOR | BPF_K:
        a ^= k;
        break;
      case BPF_RET | BPF_K:
        return k;
      case BPF_RET | BPF_A:
        return a;
      default:
        if (BPF_CLASS(instruction.code) == BPF_JMP) {
          at += distance(instruction, is_taken(BPF_OP(instruction.code), a, machine.x));
        } else if (!execute(machine, instruction)) {
          return SECCOMP_RET_KILL_THREAD;  // a division by 0
        }
        break;
    }
  }
}

std::uint32_t simulate(const FilterProgram& program, const seccomp_data& call) {
  return is_loadable(program) ? run_loadable(program, call) : SECCOMP_RET_KILL_PROCESS;
}

}  // namespace sbx::seccomp
