// SPDX-License-Identifier: Apache-2.0
// The filter as a value, before it is a program: for each system call an ordered list of rules,
// the first that matches decides. Order of precedence is settled by whoever builds the spec
// (plan/expand_filter.h); compile, evaluate, listing and the supervisor only read it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "base/origin.h"
#include "seccomp/action.h"

namespace sbx::seccomp {

enum class Arch : std::uint8_t { X86_64, Aarch64 };

// AUDIT_ARCH_* of linux/audit.h, as seccomp_data.arch carries it.
std::uint32_t audit_arch(Arch arch);
Arch native_arch();

// Comparison of one argument, at the width that the kernel reads: a call whose prototype says
// `int` ignores the upper 32 bits, so a rule must too, or 0x1'0000'0026 walks past `== 0x26`.
enum class Compare : std::uint8_t { Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual };

struct ArgumentTest {
  std::uint8_t argument = 0;         // 0..5, or kInstructionPointer
  std::uint8_t width = 64;           // 32 or 64 bits
  bool is_signed = false;            // order for Less … GreaterEqual
  Compare compare = Compare::Equal;
  std::uint64_t mask = ~0ull;        // (argument & mask) compare value
  std::uint64_t value = 0;

  friend bool operator==(const ArgumentTest&, const ArgumentTest&) = default;
};

// As ArgumentTest::argument: the address of the instruction that made the call, 64 bits.
inline constexpr std::uint8_t kInstructionPointer = 6;

// What a test looks at.
inline std::uint64_t operand_of(const seccomp_data& call, const ArgumentTest& test) {
  return test.argument == kInstructionPointer ? call.instruction_pointer : call.args[test.argument];
}
inline void set_operand(seccomp_data& call, const ArgumentTest& test, std::uint64_t value) {
  (test.argument == kInstructionPointer ? call.instruction_pointer : call.args[test.argument]) = value;
}

// A boolean expression over ArgumentTests.
struct Condition {
  enum class Kind : std::uint8_t { Always, Test, And, Or, Not };
  Kind kind = Kind::Always;
  ArgumentTest test{};               // for Test
  std::vector<Condition> operands{}; // for And, Or (two or more), Not (one)

  friend bool operator==(const Condition&, const Condition&) = default;
};

// Why a rule is there, for events, `explain` and listings.
enum class Purpose : std::uint8_t {
  Policy,       // the user's allow, deny or [[seccomp.rule]]
  Default,      // no rule names the call
  WriteExec,    // W^X
  Namespaces,   // clone flags, unshare, setns
  Publish,      // bind of a published port; what could turn an injected socket into a client
  Network,      // what would lead round network.connect and network.bind
  Address,      // an address or port that they do not list
  Families,     // network.families
  PretendUid,   // single-uid = "pretend"
  Unknown,      // a number this sbx does not know
  Launch,       // what the launch itself needs
};

// What the supervisor does with a notified call. Denials are Deny; the others are calls that the
// policy grants only through the supervisor.
enum class Mediation : std::uint8_t {
  Deny,      // report, then answer as on-violation says
  Log,       // report, then let it run: the decision rests on registers only
  Bind,      // publish
  Connect,   // connect on the supervisor's own duplicate of the socket
  Listen,    // listen, and
  Send,      // sendto, sendmsg, sendmmsg likewise
  // While learning (plan/observe.h): the call is recorded, and then
  Observe,         // runs, as the policy grants
  ObserveLacking,  // runs, though the policy has no word for it
  ObserveRefused,  // is answered with denied_errno, as the policy would do unheard
  Watch,     // allowed: look whether something else of the policy makes it fail, then let it run
};

struct Rule {
  Condition condition{};
  Action action{};
  Mediation mediation = Mediation::Deny;  // for Verdict::Notify
  bool kill = false;                      // Mediation::Deny: kill whatever on-violation says
  std::uint16_t denied_errno = 1;         // Mediation::Deny: what the caller sees under "errno" (EPERM)
  Purpose purpose = Purpose::Policy;
  Origin origin{};
  SharedText text{};                      // as the policy has it: "seccomp.allow = @basic-io"

  friend bool operator==(const Rule&, const Rule&) = default;
};

struct FilterSpec {
  Arch arch = Arch::X86_64;
  // Number → rules, first match decides. A list always ends in a rule whose condition is Always.
  std::map<int, std::vector<Rule>> calls;
  Rule denied;        // a known call that `calls` does not list
  Rule unknown;       // a number that this sbx does not know: ENOSYS, so that libc falls back
  Rule foreign;       // another ABI: i386's int 0x80, x32 (bit 30 of the number)

  friend bool operator==(const FilterSpec&, const FilterSpec&) = default;
};

using FilterProgram = std::vector<sock_filter>;

}  // namespace sbx::seccomp
