// SPDX-License-Identifier: Apache-2.0
#include "events/summary.h"

#include <catch2/catch.hpp>

using namespace sbx::events;

namespace {

Denied denied(std::uint32_t id, const char* call, std::uint64_t count) {
  Denied one;
  one.id = id;
  one.call = call;
  one.count = count;
  one.actor.program = "probe";
  one.answer = "EPERM";
  one.remedy = {std::string("--allow ") + call, "seccomp.allow", '"' + std::string(call) + '"', true,
                "", ""};
  return one;
}

Summary summary_of(std::vector<What> events) {
  Summary summary;
  for (What& what : events) {
    summary.take({0, {}, {}, std::move(what)});
  }
  return summary;
}

}  // namespace

TEST_CASE("a run without denials has no summary", "[events]") {
  CHECK(summary_of({Started{}, LimitHit{"x", {}, 0}, Ended{}}).text("r", "f").empty());
}

TEST_CASE("the summary counts, and its lines are one for each key", "[events]") {
  Denied wx = denied(3, "mprotect", 1);
  wx.remedy = {"", "memory.wx", "\"allow\"", false, "", "an exploit brings its own code"};
  Denied unknown = denied(4, "call 470", 1);
  unknown.remedy = {};
  const Summary summary =
      summary_of({denied(1, "getpid", 1), denied(2, "getppid", 1), wx, unknown,
                  denied(1, "getpid", 1'000'000)});  // the closing report of the first
  CHECK(summary.denied() == 1'000'003);
  CHECK(summary.text("20260101-000000.000000-7", "~/strict.local.toml") ==
        "sbx: in this run 1000003 calls were denied:\n"
        "     1000000 x getpid() [0] by probe\n"
        "           1 x getppid() [0] by probe\n"
        "           1 x mprotect() [0] by probe\n"
        "           1 x call 470() [0] by probe: no line allows it\n"
        "     to allow them, in ~/strict.local.toml:\n"
        "       # memory.wx = \"allow\" is unwise: an exploit brings its own code\n"
        "       seccomp.allow = [\"getpid\", \"getppid\"]\n"
        "       memory.wx = \"allow\"\n"
        "     more: sbx why 20260101-000000.000000-7\n");
}

TEST_CASE("what was let by is no denial, what was too much is counted", "[events]") {
  Denied logged = denied(1, "getpid", 3);
  logged.answer = "allowed (log)";
  CHECK(summary_of({logged}).denied() == 0);
  CHECK(summary_of({logged}).text("", "").find("nothing was denied") != std::string::npos);
  CHECK(summary_of({denied(1, "getpid", 2), LimitHit{"more", {}, 40}}).denied() == 42);
  std::vector<What> many;
  for (std::uint32_t id = 1; id <= 30; ++id) {
    many.push_back(denied(id, "getpid", id));
  }
  const std::string text = summary_of(many).text("", "");
  CHECK(text.find("30 x getpid") < text.find("29 x getpid"));
  CHECK(text.find("and 10 more kinds") != std::string::npos);
}
