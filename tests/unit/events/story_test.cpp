// SPDX-License-Identifier: Apache-2.0
#include "events/story.h"

#include <csignal>

#include <catch2/catch.hpp>

using namespace sbx::events;

namespace {

constexpr std::uint64_t kStart = 1'795'512'848'000'000;

Event at(std::uint64_t offset_us, What what, const char* run = "20261124-091408.000000-4711") {
  return {kStart + offset_us, run, "strict", std::move(what)};
}

Denied denial(std::uint32_t id, const char* call, std::uint64_t count = 1) {
  Denied denied;
  denied.id = id;
  denied.count = count;
  denied.call = call;
  denied.number = 39;
  denied.first_us = kStart + 1000;
  denied.last_us = kStart + 900'000;
  denied.actor = {"probe", "/opt/probe", "probe", 2, 4713, 4713};
  denied.rule = "not in allow";
  denied.origin = {"policies/strict.toml", 9, 0};
  denied.answer = "EPERM";
  denied.remedy.option = std::string("--allow ") + call;
  denied.remedy.key = "seccomp.allow";
  denied.remedy.value = std::string("\"") + call + "\"";
  denied.remedy.is_list = true;
  return denied;
}

Denied refused_code() {
  Denied denied = denial(2, "mprotect");
  denied.layer = Layer::WriteExec;
  denied.rule = "W^X";
  denied.remedy = {};
  denied.remedy.key = "memory.wx";
  denied.remedy.value = "\"allow\"";
  denied.remedy.warning = "memory may then be written and executed";
  return denied;
}

std::vector<Event> log_of_a_crash() {
  Started started;
  started.supervisor = 4711;
  started.argv = {"/opt/probe", "a b"};
  Crashed crashed;
  crashed.signal = SIGSEGV;
  crashed.actor = denial(1, "x").actor;
  crashed.denial = 2;
  crashed.denied_call = "mprotect(0x7f00, 4096, PROT_READ|PROT_EXEC)";
  crashed.denied_before_us = 2000;
  crashed.same_thread = true;
  return {at(0, started),
          at(1000, denial(1, "getpid")),
          at(5000, refused_code()),
          at(7000, crashed),
          at(900'000, denial(1, "getpid", 3)),
          at(950'000, Ended{Ending::Killed, SIGSEGV, 950'000, 4})};
}

std::string told(const std::vector<Event>& log) {
  return to_text(story_of(log, log.front().run));
}

}  // namespace

TEST_CASE("a story has each denial once, with its count, its rule and its remedy") {
  const Story story = story_of(log_of_a_crash(), "20261124-091408.000000-4711");
  CHECK(story.denials() == 2);
  REQUIRE(story.events.size() == 3);
  CHECK(std::get<Denied>(story.events[0].what).count == 3);
  const std::string text = told(log_of_a_crash());
  CHECK(text.find("run 20261124-091408.000000-4711\n  of /opt/probe a b under the policy strict, 2026-11-2") == 0);
  CHECK(text.find("+0.001 s  denied getpid() [39] by probe (pid 2), 3 times until +0.900 s\n") !=
        std::string::npos);
  CHECK(text.find("policy: not in allow [policies/strict.toml:9], answer: EPERM") != std::string::npos);
  CHECK(text.find("seccomp.allow = [\"getpid\"]") != std::string::npos);
}

TEST_CASE("a crash is told with the denial before it, and what is probably behind it") {
  const std::string text = told(log_of_a_crash());
  CHECK(text.find("died right after mprotect(0x7f00, 4096, PROT_READ|PROT_EXEC) was refused: probably "
                  "a JIT") != std::string::npos);
  CHECK(text.find("see memory.wx") != std::string::npos);
  std::vector<Event> log = log_of_a_crash();
  std::get<Crashed>(log[3].what).denial = 0;
  std::get<Crashed>(log[3].what).denied_call.clear();
  CHECK(told(log).find("died right after mprotect() [39] was refused: probably a JIT") != std::string::npos);
  std::get<Crashed>(log[3].what).actor.pid_inside = 9;  // another process
  CHECK(told(log).find("nothing was denied to it just before") != std::string::npos);
  Crashed alone;
  alone.signal = SIGSEGV;
  CHECK(probable_cause(alone, nullptr).find("nothing was denied") == 0);
  alone.out_of_memory = true;
  CHECK(probable_cause(alone, nullptr).find("limits.memory") != std::string::npos);
}

TEST_CASE("what is unwise is not among the lines that a story ends with") {
  const std::string text = told(log_of_a_crash());
  const std::string end = text.substr(text.find("what would allow it"));
  CHECK(end.find("getpid") != std::string::npos);
  CHECK(end.find("memory.wx") == std::string::npos);
}

TEST_CASE("a restart begins the denials' numbers anew") {
  std::vector<Event> log{at(0, denial(1, "getpid")), at(1, Restarted{1, 100'000, false}),
                         at(2, denial(1, "ptrace"))};
  const Story story = story_of(log, log.front().run);
  REQUIRE(story.denials() == 2);
  CHECK(std::get<Denied>(story.events[2].what).call == "ptrace");
}

TEST_CASE("no byte of a sandboxee reaches the terminal as it is") {
  Denied hostile = denial(1, "getpid");
  hostile.actor.program = "a\x1b]0;owned\x07\nsbx: denied nothing";
  hostile.arguments_text = "\x1b[2J";
  Started started;
  started.argv = {"\x1b[31m\nprog"};
  const std::string text = told({at(0, started), at(1, hostile)});
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("\nsbx: denied nothing") == std::string::npos);
}

TEST_CASE("a run is found by what a person knows of it") {
  std::vector<Event> log = log_of_a_crash();
  log.push_back(at(2'000'000, denial(1, "ptrace"), "20261124-091410.000000-5000"));
  const std::string first = "20261124-091408.000000-4711", last = "20261124-091410.000000-5000";
  CHECK(find_run(log, "") == last);
  CHECK(find_run(log, "last") == last);
  CHECK(find_run(log, first) == first);
  CHECK(find_run(log, "20261124-091408") == first);
  CHECK(find_run(log, "4711") == first);   // the supervisor
  CHECK(find_run(log, "probe") == first);  // the program
  CHECK(find_run(log, "strict") == last);
  CHECK(find_run(log, "4713") == last);    // what made the denied call
  CHECK(find_run(log, "nothing").empty());
  CHECK(find_run({}, "last").empty());
}

TEST_CASE("a selection takes what all of it fits") {
  const Event event = at(0, denial(1, "getpid"));
  CHECK(Selection{}.takes(event));
  CHECK(Selection{kStart, "strict", "getpid", "probe"}.takes(event));
  CHECK(Selection{kStart, "strict", "getpid", "/opt/probe"}.takes(event));
  CHECK_FALSE(Selection{kStart + 1, "", "", ""}.takes(event));
  CHECK_FALSE(Selection{0, "nginx", "", ""}.takes(event));
  CHECK_FALSE(Selection{0, "", "ptrace", ""}.takes(event));
  CHECK_FALSE(Selection{0, "", "", "/bin/probe"}.takes(event));
  CHECK_FALSE(Selection{0, "", "getpid", ""}.takes(at(0, LimitHit{})));
}

TEST_CASE("a line of values has quotes where it needs them, and begins no formula") {
  Denied hostile = denial(1, "getpid");
  hostile.actor.program = "=HYPERLINK(\"http://x\")";
  hostile.rule = "a, b";
  const std::string line = csv_line(at(0, hostile));
  CHECK(line.find(",\"'=HYPERLINK(") != std::string::npos);
  CHECK(line.find("\"a, b\"") != std::string::npos);
  const auto commas = [](const std::string& text) {
    std::size_t count = 0;
    bool quoted = false;
    for (const char c : text) {
      quoted = quoted != (c == '"');
      count += c == ',' && !quoted ? 1u : 0u;
    }
    return count;
  };
  CHECK(commas(line) == commas(csv_header()));
}
