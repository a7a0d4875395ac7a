// SPDX-License-Identifier: Apache-2.0
#include "seccomp/compile.h"

#include <catch2/catch.hpp>
#include <linux/audit.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "seccomp/simulate.h"
#include "seccomp/syscall_table.h"
#include "seccomp/when.h"
#include "random_spec.h"

using namespace sbx::seccomp;
using namespace sbx::seccomp::testing;

namespace {

constexpr std::uint32_t kAllow = SECCOMP_RET_ALLOW;
constexpr std::uint32_t kNotify = SECCOMP_RET_USER_NOTIF;
constexpr std::uint32_t kEnosys = SECCOMP_RET_ERRNO | ENOSYS;

Rule plain(Verdict verdict, std::uint16_t errno_value = 0) {
  Rule rule;
  rule.action = {verdict, errno_value};
  return rule;
}

FilterSpec empty_spec(Arch arch = Arch::X86_64) {
  FilterSpec spec;
  spec.arch = arch;
  spec.denied = plain(Verdict::Notify);
  spec.unknown = plain(Verdict::Errno, ENOSYS);
  spec.foreign = plain(Verdict::Kill);
  return spec;
}

void allow(FilterSpec& spec, const char* call, const char* when = nullptr) {
  auto& rules = spec.calls[number_of(spec.arch, call).value()];
  Rule rule = plain(Verdict::Allow);
  if (when != nullptr) {
    auto condition = parse_when(when, call, {});
    REQUIRE(condition);
    rule.condition = *condition;
    rules.push_back(rule);
    rule = plain(Verdict::Notify);
  }
  rules.push_back(rule);
}

seccomp_data make_call(Arch arch, int number, std::initializer_list<std::uint64_t> args = {}) {
  seccomp_data call{};
  call.arch = audit_arch(arch);
  call.nr = number;
  std::copy(args.begin(), args.end(), call.args);
  return call;
}

FilterProgram compiled(const FilterSpec& spec) {
  auto program = compile(spec);
  REQUIRE(program);
  const auto verified = verify(spec, *program);
  INFO((verified ? "" : verified.error().action));
  REQUIRE(verified);
  return *program;
}

sock_filter statement(int code, std::uint32_t k = 0) {
  return {static_cast<std::uint16_t>(code), 0, 0, k};
}
sock_filter jump(int code, std::uint32_t k, std::uint8_t jt, std::uint8_t jf) {
  return {static_cast<std::uint16_t>(code), jt, jf, k};
}

}  // namespace

TEST_CASE("compile: every number from 0 to 600, x32 and i386") {
  for (const Arch arch : {Arch::X86_64, Arch::Aarch64}) {
    FilterSpec spec = empty_spec(arch);
    for (const char* call : {"read", "write", "exit_group", "futex_wait", "file_setattr"}) {
      allow(spec, call);
    }
    const FilterProgram program = compiled(spec);
    for (int number = -3; number <= 600; ++number) {
      const auto name = name_of(arch, number);
      const bool is_allowed = name == "read" || name == "write" || name == "exit_group" ||
                              name == "futex_wait" || name == "file_setattr";
      const bool is_x32 = arch == Arch::X86_64 && number < 0;
      const std::uint32_t expected = is_x32         ? SECCOMP_RET_KILL_PROCESS
                                     : is_allowed   ? kAllow
                                     : name.empty() ? kEnosys
                                                    : kNotify;
      INFO(number << " " << name);
      CHECK(simulate(program, make_call(arch, number)) == expected);
      seccomp_data foreign = make_call(arch, number);
      for (const std::uint32_t other : {std::uint32_t{AUDIT_ARCH_I386}, std::uint32_t{AUDIT_ARCH_ARM}, std::uint32_t{0}}) {
        foreign.arch = other;
        CHECK(simulate(program, foreign) == SECCOMP_RET_KILL_PROCESS);
      }
      if (arch == Arch::X86_64 && number >= 0) {
        CHECK(simulate(program, make_call(arch, number | 0x4000'0000)) == SECCOMP_RET_KILL_PROCESS);
      }
    }
  }
}

TEST_CASE("compile: boundaries of each comparison, at both widths") {
  struct Row {
    const char* call;
    const char* when;
    int argument;
    std::uint64_t value;
    bool allowed;
  };
  const Row rows[] = {
      {"socket", "domain == 38", 0, 38, true},
      {"socket", "domain == 38", 0, 37, false},
      {"socket", "domain == 38", 0, 39, false},
      {"socket", "domain == 38", 0, 0x1'0000'0026, true},
      {"socket", "domain != 38", 0, 0x1'0000'0026, false},
      {"mmap", "len == 38", 1, 0x1'0000'0026, false},
      {"mmap", "len != 38", 1, 0x1'0000'0026, true},
      {"mmap", "len < 0x100000000", 1, 0xffffffff, true},
      {"mmap", "len < 0x100000000", 1, 0x100000000, false},
      {"mmap", "len <= 0x100000000", 1, 0x100000000, true},
      {"mmap", "len <= 0x100000000", 1, 0x100000001, false},
      {"mmap", "len > 0x1ffffffff", 1, 0x1ffffffff, false},
      {"mmap", "len > 0x1ffffffff", 1, 0x200000000, true},
      {"mmap", "len >= 5", 1, 4, false},
      {"mmap", "len >= 5", 1, 5, true},
      {"mmap", "len >= 5", 1, 0x1'0000'0000, true},
      {"mmap", "prot & PROT_EXEC == 0", 2, 4, false},
      {"mmap", "prot & PROT_EXEC == 0", 2, 0xffffffff'00000003, true},
      {"mmap", "prot & 6 == 6", 2, 2, false},
      {"mmap", "prot & 6 == 6", 2, 7, true},
      {"kill", "pid > 0", 0, 0x80000000, false},
      {"kill", "pid > 0", 0, 0x7fffffff, true},
      {"kill", "pid > 0", 0, 0xffffffff'00000001, true},
      {"kill", "pid >= -1", 0, 0xfffffffe, false},
      {"kill", "pid >= -1", 0, 0xffffffff, true},
      {"lseek", "offset >= 0", 1, 0x8000000000000000, false},
      {"lseek", "offset >= 0", 1, 0x7fffffffffffffff, true},
      {"lseek", "offset < -5", 1, ~0ull - 5, true},
      {"lseek", "offset < -5", 1, ~0ull - 4, false},
      {"ioctl", "request != TIOCSTI", 1, 0xabcd'0000'5412, false},
  };
  for (const Row& row : rows) {
    for (const Arch arch : {Arch::X86_64, Arch::Aarch64}) {
      FilterSpec spec = empty_spec(arch);
      allow(spec, row.call, row.when);
      const FilterProgram program = compiled(spec);
      seccomp_data call = make_call(arch, number_of(arch, row.call).value());
      call.args[row.argument] = row.value;
      INFO(row.call << " when " << row.when << ", " << row.value);
      CHECK(simulate(program, call) == (row.allowed ? kAllow : kNotify));
    }
  }
}

TEST_CASE("compile: random specs, program and meaning agree") {
  int cases = 0;
  for (std::uint64_t seed = 0; seed < 700; ++seed) {
    Random random(seed);
    const FilterSpec spec = random_spec(random, seed % 4 == 3 ? Arch::Aarch64 : Arch::X86_64);
    const auto program = compile(spec);
    if (!program) {  // larger than the kernel takes
      CHECK(program.error().action.find("instructions") != std::string::npos);
      continue;
    }
    INFO("seed " << seed);
    REQUIRE(is_loadable(*program));
    const auto verified = verify(spec, *program);
    INFO((verified ? "" : verified.error().action));
    REQUIRE(verified);
    for (int i = 0; i < 200; ++i, ++cases) {
      const seccomp_data call = random_call(random, spec);
      const std::uint32_t expected = to_return_value(evaluate(spec, call).action);
      if (run_loadable(*program, call) != expected) {
        FAIL("call " << call.nr << " answers " << run_loadable(*program, call) << ", not "
                     << expected);
      }
    }
  }
  CHECK(cases >= 100'000);
}

// verify() is the comparison of simulate with evaluate: every number, and for each test of each rule
// the values beside its border and other upper halves.
TEST_CASE("compile: a hundred thousand small specs, program and meaning agree", "[property]") {
#if defined(__SANITIZE_ADDRESS__)
  constexpr std::uint64_t kSpecs = 2'000;
#else
  constexpr std::uint64_t kSpecs = 100'000;
#endif
  for (std::uint64_t seed = 0; seed < kSpecs; ++seed) {
    Random random(seed ^ 0x5bd1e995);
    const FilterSpec spec = random_spec(random, seed % 2 == 0 ? Arch::X86_64 : Arch::Aarch64, 5);
    const auto program = compile(spec);
    const bool agrees = program && verify(spec, *program);
    const seccomp_data call = random_call(random, spec);
    if (!agrees || run_loadable(*program, call) != to_return_value(evaluate(spec, call).action)) {
      FAIL("seed " << seed << ", call " << call.nr);
    }
  }
}

TEST_CASE("compile: far jumps") {
  // Long enough that answers and code lie beyond the reach of 8-bit offsets.
  for (const int tests : {100, 126, 127, 128, 200, 253, 254, 255, 256, 257, 400, 900}) {
    FilterSpec spec = empty_spec();
    Condition any{.kind = Condition::Kind::Or, .test = {}, .operands = {}};
    for (int i = 0; i < tests; ++i) {
      Condition one{.kind = Condition::Kind::Test, .test = {}, .operands = {}};
      one.test.value = static_cast<std::uint64_t>(i) * 3 + (static_cast<std::uint64_t>(i) << 33);
      any.operands.push_back(one);
    }
    Rule rule = plain(Verdict::Allow);
    rule.condition = any;
    spec.calls[41] = {rule, plain(Verdict::Errno, 7)};
    spec.calls[43] = {rule, plain(Verdict::Errno, 8)};
    const auto program = compile(spec);
    if (tests == 900) {
      REQUIRE_FALSE(program);
      CHECK(program.error().hint.find("900 tests") != std::string::npos);
      continue;
    }
    REQUIRE(program);
    REQUIRE(verify(spec, *program));
    for (int i = 0; i < tests; ++i) {
      const std::uint64_t value =
          static_cast<std::uint64_t>(i) * 3 + (static_cast<std::uint64_t>(i) << 33);
      CHECK(simulate(*program, make_call(Arch::X86_64, 41, {value})) == kAllow);
      CHECK(simulate(*program, make_call(Arch::X86_64, 41, {value + 1})) == (SECCOMP_RET_ERRNO | 7));
      CHECK(simulate(*program, make_call(Arch::X86_64, 43, {value ^ (1ull << 63)})) ==
            (SECCOMP_RET_ERRNO | 8));
    }
  }
}

TEST_CASE("compile: one answer for all is a short program") {
  FilterSpec spec = empty_spec();
  spec.denied = spec.unknown = spec.foreign = plain(Verdict::Allow);
  CHECK(compiled(spec).size() <= 5);
}

TEST_CASE("compile: a spec that is none is refused") {
  FilterSpec no_last = empty_spec();
  allow(no_last, "socket", "domain == 1");
  no_last.calls[41].pop_back();
  CHECK_FALSE(compile(no_last));
  FilterSpec negative = empty_spec();
  negative.calls[-1] = {plain(Verdict::Allow)};
  CHECK_FALSE(compile(negative));
  FilterSpec wide = empty_spec();
  wide.calls[1] = {plain(Verdict::Errno, 4096)};
  CHECK_FALSE(compile(wide));
}

TEST_CASE("verify: a wrong program is noticed") {
  FilterSpec spec = empty_spec();
  allow(spec, "read");
  allow(spec, "socket", "domain in {AF_UNIX, AF_INET} and type & 0xf == SOCK_STREAM");
  allow(spec, "mmap", "len <= 0x100000000");
  allow(spec, "lseek", "offset >= -1 and whence == 0");
  const FilterProgram good = compiled(spec);
  int noticed = 0;
  int changed = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const int change : {0, 1, 2, 3}) {
      FilterProgram bad = good;
      sock_filter& instruction = bad[i];
      const bool is_jump = BPF_CLASS(instruction.code) == BPF_JMP;
      switch (change) {
        case 0:
          instruction.k += 1;
          break;
        case 1:
          if (!is_jump || BPF_OP(instruction.code) == BPF_JA || instruction.jt == instruction.jf) {
            continue;
          }
          std::swap(instruction.jt, instruction.jf);
          break;
        case 2:
          if (BPF_OP(instruction.code) != BPF_JGE || !is_jump) {
            continue;
          }
          instruction.code = BPF_JMP | BPF_K | BPF_JGT;
          break;
        default:
          if (instruction.code != (BPF_LD | BPF_W | BPF_ABS)) {
            continue;
          }
          instruction.k ^= 4;  // the other half
          break;
      }
      ++changed;
      const bool is_noticed = !verify(spec, bad);
      noticed += is_noticed ? 1 : 0;
      INFO("instruction " << i << ", change " << change << ", k " << good[i].k);
      CHECK(is_noticed);
    }
  }
  CHECK(changed > 80);
  CHECK(noticed == changed);
  CHECK_FALSE(verify(spec, {}));
  FilterProgram endless = good;
  endless.pop_back();
  CHECK_FALSE(verify(spec, endless));
}

TEST_CASE("simulate: what the kernel refuses, and what its instructions do") {
  constexpr std::uint32_t kRefused = SECCOMP_RET_KILL_PROCESS;
  const int ld = BPF_LD | BPF_W | BPF_ABS;
  const int ret = BPF_RET | BPF_K;
  struct Row {
    const char* what;
    FilterProgram program;
    std::uint32_t result;
  };
  const Row rows[] = {
      {"nothing", {}, kRefused},
      {"no return", {statement(ld, 0)}, kRefused},
      {"load beyond the end", {statement(ld, 64), statement(ret)}, kRefused},
      {"load between words", {statement(ld, 2), statement(ret)}, kRefused},
      {"half word", {statement(BPF_LD | BPF_H | BPF_ABS, 0), statement(ret)}, kRefused},
      {"indirect", {statement(BPF_LD | BPF_W | BPF_IND, 0), statement(ret)}, kRefused},
      {"modulo", {statement(BPF_ALU | BPF_MOD | BPF_K, 3), statement(ret)}, kRefused},
      {"division by 0", {statement(BPF_ALU | BPF_DIV | BPF_K, 0), statement(ret)}, kRefused},
      {"shift by 32", {statement(BPF_ALU | BPF_LSH | BPF_K, 32), statement(ret)}, kRefused},
      {"jump out", {jump(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), statement(ret)}, kRefused},
      {"long jump out", {statement(BPF_JMP | BPF_JA, ~0u), statement(ret)}, kRefused},
      {"return of X", {statement(BPF_RET | BPF_X)}, kRefused},
      {"unwritten memory", {statement(BPF_LD | BPF_MEM, 3), statement(BPF_RET | BPF_A)}, kRefused},
      {"memory written on one path only",
       {jump(BPF_JMP | BPF_JEQ | BPF_K, 7, 0, 1), statement(BPF_ST, 3), statement(BPF_LD | BPF_MEM, 3),
        statement(BPF_RET | BPF_A)},
       kRefused},
      {"number", {statement(ld, 0), statement(BPF_RET | BPF_A)}, 41},
      {"length", {statement(BPF_LD | BPF_W | BPF_LEN), statement(BPF_RET | BPF_A)}, 64},
      {"memory",
       {statement(ld, 0), statement(BPF_ST, 15), statement(BPF_LD | BPF_IMM, 1),
        statement(BPF_LDX | BPF_MEM, 15), statement(BPF_ALU | BPF_ADD | BPF_X),
        statement(BPF_RET | BPF_A)},
       42},
      {"arithmetic",
       {statement(ld, 0), statement(BPF_ALU | BPF_LSH | BPF_K, 4), statement(BPF_MISC | BPF_TAX),
        statement(BPF_ALU | BPF_XOR | BPF_X), statement(BPF_MISC | BPF_TXA),
        statement(BPF_ALU | BPF_SUB | BPF_K, 1), statement(BPF_ALU | BPF_NEG),
        statement(BPF_RET | BPF_A)},
       static_cast<std::uint32_t>(-(41 * 16 - 1))},
      {"division by X = 0",
       {statement(BPF_LDX | BPF_IMM, 0), statement(BPF_ALU | BPF_DIV | BPF_X), statement(ret, 9)},
       SECCOMP_RET_KILL_THREAD},
      {"jump with X",
       {statement(ld, 0), statement(BPF_LDX | BPF_IMM, 41), jump(BPF_JMP | BPF_JEQ | BPF_X, 0, 1, 0),
        statement(ret, 1), statement(ret, 2)},
       2},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    CHECK(simulate(row.program, make_call(Arch::X86_64, 41)) == row.result);
  }
  CHECK_FALSE(is_loadable(FilterProgram(4097, statement(ret))));
  CHECK(is_loadable(FilterProgram(4096, statement(ret))));
}

TEST_CASE("listing: one line for each range") {
  FilterSpec spec = empty_spec();
  allow(spec, "read");
  allow(spec, "write");
  allow(spec, "socket", "domain == AF_UNIX and type & 0xf != SOCK_RAW");
  const std::string text = listing(spec);
  CHECK(text.starts_with("x86_64\n0-1      read write: allow\n2-40     open close stat "));
  CHECK(text.find("41       socket: allow if domain == AF_UNIX and type & ") != std::string::npos);
  CHECK(text.find("; deny(EPERM)\n") != std::string::npos);
  CHECK(text.find("337-423  unused: errno(ENOSYS)\n") != std::string::npos);
  CHECK(text.ends_with("470-     newer calls: errno(ENOSYS)\nothers   foreign architectures: kill at "
                       "once\n"));
}
