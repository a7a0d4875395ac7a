// SPDX-License-Identifier: Apache-2.0
#include "plan/question.h"

#include <catch2/catch.hpp>

namespace sbx::plan {
namespace {

TEST_CASE("explain: a question that cannot be read says where") {
  struct Row {
    const char* text;
    int column;
    const char* part;
  };
  const Row rows[] = {{"", 0, "no question"},
                      {"scoket", 1, "unknown system call \"scoket\""},
                      {"socket(AF_INTE)", 8, "unknown constant"},
                      {"socket (AF_INTE)", 9, "unknown constant"},
                      {"@netwrk-io", 1, "unknown group"},
                      {"99999999999", 1, "can be no system call"},
                      {"socketcall", 1, "this machine has no"},
                      {"connect example.org:80", 9, "no numeric address"},
                      {"connect 10.0.0.1", 9, "needs a port"},
                      {"bind 10.0.0.1:99999", 6, "needs a port"},
                      {"bind [10.0.0.1]:80", 6, "no numeric address"},
                      {"connect ::1:80", 9, "no numeric address"},
                      {"unix:run/x", 1, "a path is absolute"},
                      {"unix:@", 1, "a path is absolute"},
                      {"limit memroy", 7, "unknown limit"},
                      {"capability net_rw", 12, "unknown capability"},
                      {"read etc/passwd", 1, "unknown system call"}};
  for (const Row& row : rows) {
    INFO(row.text);
    const auto question = parse_question(row.text, seccomp::Arch::X86_64);
    REQUIRE_FALSE(question);
    CHECK(question.error().action.find(row.part) != std::string::npos);
    CHECK(question.error().origin.column == row.column);
  }
}

}  // namespace
}  // namespace sbx::plan
