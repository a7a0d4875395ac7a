// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "base/line_splitter.h"
#include "base/time_text.h"

using namespace sbx;

TEST_CASE("times in UTC") {
  CHECK(utc_text(1795511533755000) == "2026-11-24T09:12:13Z");
  CHECK(utc_text(1795511533755000, true) == "2026-11-24T09:12:13.755Z");
  CHECK(utc_text(0) == "-");
}

TEST_CASE("a point in time is a whole text or nothing") {
  constexpr std::uint64_t kNow = 1795511533755000;
  const auto [text, time] = GENERATE_COPY(table<std::string, std::uint64_t>({
      {"10m", kNow - 600'000'000},
      {"90", kNow - 90'000'000},
      {"1d", kNow - 86'400'000'000},
      {"99999999999", 0},
      {"2026-11-24", 1795478400000000},
      {"2026-11-24T09:12", 1795511520000000},
      {"2026-11-24 09:12:13", 1795511533000000},
      {"2026-11-24T09:12:13Z", 1795511533000000},
      {"@1795511533", 1795511533000000},
  }));
  INFO(text);
  CHECK(parse_since(text, kNow) == time);
  const std::string wrong =
      GENERATE("", "x", "10x", "2026-13-01", "2026-06-31", "2026-11-24T", "2026-11-24T25:00",
               "2026-11-24T09:12:13+01", "26-11-24", "2026-1-24", "@", "@x", "1969-12-31", "-5m");
  INFO(wrong);
  CHECK_FALSE(parse_since(wrong, kNow).has_value());
}

TEST_CASE("lines come out as they went in, wherever the blocks end") {
  std::string long_line(LineSplitter::kMost + 10, 'x');
  const std::string text = "a\n\n" + long_line + "\nb\nc";
  const std::size_t step = GENERATE(std::size_t{1}, std::size_t{7}, std::size_t{1} << 20);
  LineSplitter splitter;
  std::vector<std::string> lines;
  std::vector<bool> whole;
  for (std::size_t at = 0; at < text.size(); at += step) {
    splitter.feed(std::string_view(text).substr(at, step), [&](std::string_view line, bool all) {
      lines.emplace_back(line);
      whole.push_back(all);
    });
  }
  CHECK(lines == std::vector<std::string>{"a", "", long_line.substr(0, LineSplitter::kMost), "b"});
  CHECK(whole == std::vector<bool>{true, true, false, true});
  CHECK(splitter.rest() == "c");
}
