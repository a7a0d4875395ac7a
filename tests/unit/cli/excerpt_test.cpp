// SPDX-License-Identifier: Apache-2.0
#include "cli/excerpt.h"

#include <catch2/catch.hpp>

namespace {
using namespace sbx;
constexpr std::string_view kText = "one\n\traed = [\"\xc3\xa4\", x]\r\nthree\\ \x1b[31m\n\nlast";
}  // namespace

TEST_CASE("an excerpt quotes the line with a caret below the place", "[cli]") {
  struct Row {
    int line;
    int column;
    std::string expected;
  };
  const auto row = GENERATE(values<Row>({
      {1, 1, "  1 | one\n    | ^\n"},
      {1, 3, "  1 | one\n    |   ^\n"},
      {1, 9, "  1 | one\n    |    ^\n"},                                   // behind the end
      {2, 2, "  2 |  raed = [\"\xc3\xa4\", x]\n    |  ^\n"},               // a tab is one column
      {2, 15, "  2 |  raed = [\"\xc3\xa4\", x]\n    |              ^\n"},  // ä is one column
      {3, 8, "  3 | three\\ \\x1b[31m\n    |        ^\n"},  // escape sequences stay harmless
      {4, 1, ""},
      {5, 0, "  5 | last\n"},
      {6, 1, ""},
      {0, 0, ""},
      {-1, 1, ""},
  }));
  CHECK(cli::excerpt(Origin{"p.toml", row.line, row.column}, kText) == row.expected);
}

TEST_CASE("of a long line the part around the place is shown", "[cli]") {
  const std::string text = std::string(300, 'a') + "X" + std::string(300, 'b');
  const std::string shown = cli::excerpt(Origin{"p", 1, 301}, text);
  CHECK(shown == "  1 | …" + std::string(60, 'a') + "X" + std::string(39, 'b') + "…\n    | " +
                     std::string(61, ' ') + "^\n");
}

TEST_CASE("an excerpt of a file that is gone is empty", "[cli]") {
  const policy::FileSource none{
      [](const std::string&) -> Result<std::string> { return Error{"no such file"}; },
      [](const std::string&) { return std::vector<std::string>(); }};
  CHECK(cli::excerpt(Origin{"p.toml", 1, 1}, none).empty());
}
