// SPDX-License-Identifier: Apache-2.0
#include "seccomp/closed_list.h"

#include <array>
#include <catch2/catch.hpp>

#include "seccomp/compile.h"
#include "seccomp/syscall_table.h"

using namespace sbx::seccomp;

namespace {

std::uint32_t answer(const FilterProgram& program, const char* name, std::uint64_t first,
                     std::uint64_t second = 0) {
  seccomp_data call{};
  call.arch = audit_arch(native_arch());
  call.nr = *number_of(native_arch(), name);
  call.args[0] = first;
  call.args[1] = second;
  return simulate(program, call);
}

}  // namespace

TEST_CASE("closed list: rows of one call add up, and the rest kills", "[closed-list]") {
  const std::array rows{ListedCalls{"read open"}, ListedCalls{"kill", "pid == 7"},
                        ListedCalls{"kill", "pid == 8 and sig == SIGTERM"}};
  const auto spec = closed_list(rows);
  REQUIRE(spec);
  const auto program = compile(*spec);
  REQUIRE(program);
  CHECK(verify(*spec, *program));
  const struct {
    const char* name;
    std::uint64_t first, second;
    bool allowed;
  } kCalls[] = {{"read", 0, 0, true},  {"kill", 7, 9, true},   {"kill", 8, 15, true},
                {"kill", 8, 9, false}, {"kill", 9, 15, false}, {"write", 0, 0, false}};
  for (const auto& [name, first, second, allowed] : kCalls) {
    CAPTURE(name, first, second);
    CHECK(answer(*program, name, first, second) ==
          (allowed ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS));
  }
  seccomp_data foreign{};
  foreign.arch = 0x40000003;  // i386
  CHECK(simulate(*program, foreign) == SECCOMP_RET_KILL_PROCESS);
}

TEST_CASE("closed list: an unconditional row wins over a conditional one", "[closed-list]") {
  const std::array rows{ListedCalls{"kill", "pid == 7"}, ListedCalls{"kill"}};
  const auto program = compile(*closed_list(rows));
  REQUIRE(program);
  CHECK(answer(*program, "kill", 1) == SECCOMP_RET_ALLOW);
}

TEST_CASE("closed list: a slip in a list is an error", "[closed-list]") {
  CHECK_FALSE(closed_list(std::array{ListedCalls{"raed"}}));
  CHECK_FALSE(closed_list(std::array{ListedCalls{"read", "nothing == 1"}}));
}
