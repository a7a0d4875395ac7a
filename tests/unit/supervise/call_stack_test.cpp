// SPDX-License-Identifier: Apache-2.0
#include "supervise/call_stack.h"

#include <vector>

#include <catch2/catch.hpp>

using sbx::supervise::call_before;
using sbx::supervise::parse_stack_pointer;

TEST_CASE("the stack pointer of a thread that waits in a call") {
  CHECK(parse_stack_pointer("39 0x0 0x0 0x0 0x0 0x0 0x0 0x7ffd1c8f3d08 0x7f3006bbe829\n") ==
        0x7ffd1c8f3d08);
  for (const char* text : {"", "running\n", "-1 0x7ffd 0x7f30\n", "39 0x0 0x0 0x0 0x0 0x0 0x0 12 13",
                           "39 0x0 0x0 0x0 0x0 0x0 0x0 0x"}) {
    CHECK_FALSE(parse_stack_pointer(text));
  }
}

TEST_CASE("call instructions, by what stands before the return address") {
  struct Row {
    std::vector<std::uint8_t> bytes;
    bool is_call;
    std::uint64_t target;
  };
  const Row row = GENERATE(values<Row>({
      {{0x90, 0x90, 0xe8, 0xfb, 0xff, 0xff, 0xff}, true, 0xffb},  // call -5
      {{0x90, 0x90, 0xe8, 0x00, 0x01, 0x00, 0x00}, true, 0x1100},
      {{0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xd0}, true, 0},              // call *%rax
      {{0x90, 0xff, 0x15, 0x00, 0x01, 0x00, 0x00}, true, 0},              // call *0x100(%rip)
      {{0xff, 0x94, 0x24, 0x10, 0x00, 0x00, 0x00}, true, 0},              // call *0x10(%rsp)
      {{0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90}, false, 0},
      {{0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xe0}, false, 0},             // jmp *%rax
      {{0x90}, false, 0},
      {{}, false, 0},
  }));
  const auto call = call_before(row.bytes, 0x1000);
  CHECK(call.has_value() == row.is_call);
  CHECK((call ? call->target : 0) == row.target);
}
