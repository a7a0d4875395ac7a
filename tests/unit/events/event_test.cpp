// SPDX-License-Identifier: Apache-2.0
#include "events/event.h"

#include <signal.h>

#include <algorithm>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using sbx::events::Event;

namespace {

Event denied_getpid() {
  Event event;
  event.time_us = 1'700'000'000'000'001;
  auto& call = event.denied;
  call.number = 39;
  call.arch = 0xc000003e;
  call.name = "getpid";
  call.arguments[1] = ~0ull;
  call.program = "probe";
  call.thread_name = "probe";
  call.pid_inside = 7;
  call.pid_outside = 4711;
  call.location = "probe+0x1139 main";
  call.purpose = sbx::seccomp::Purpose::Default;
  call.rule = "not in allow";
  call.origin = {"policies/strict.toml", 9, 0};
  call.answer = "EPERM";
  call.remedy = "sbx run --allow getpid …, or  seccomp.allow = [\"getpid\"]";
  return event;
}

}  // namespace

TEST_CASE("a denial is three lines") {
  CHECK(to_text(denied_getpid()) ==
        "sbx: denied getpid() [39] by probe (pid 7) at probe+0x1139 main\n"
        "     policy: not in allow [policies/strict.toml:9], answer: EPERM\n"
        "     allow it with: sbx run --allow getpid …, or  seccomp.allow = [\"getpid\"]\n");
}

TEST_CASE("a thread with a name of its own, a warning, a repeat") {
  Event event = denied_getpid();
  event.denied.thread_name = "worker";
  event.denied.warning = "few programs need it";
  const std::string text = to_text(event);
  CHECK(text.find("by probe (pid 7, thread worker) at") != std::string::npos);
  CHECK(text.find("     but: few programs need it\n") != std::string::npos);
  event.denied.repeated = 41;
  CHECK(
      to_text(event) ==
      "sbx: denied getpid() [39] by probe (pid 7, thread worker) at probe+0x1139 main: 41 more\n");
}

TEST_CASE("a long program name is not told as a thread's") {
  Event event = denied_getpid();
  event.denied.program = "a-very-long-program";
  event.denied.thread_name = "a-very-long-pro";
  CHECK(to_text(event).find("thread") == std::string::npos);
}

TEST_CASE("nothing of the sandboxee's reaches a terminal raw") {
  Event event = denied_getpid();
  const std::string evil = "\x1b]0;own\x07\n\xc2\x9b\xff";
  event.denied.program = event.denied.thread_name = event.denied.location = evil;
  event.denied.arguments_text = evil;
  event.denied.rule = evil;
  event.denied.remedy = event.denied.warning = evil;
  const std::string text = to_text(event);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find('\x07') == std::string::npos);
  CHECK(text.find('\xff') == std::string::npos);
  CHECK(text.find("\xc2\x9b") == std::string::npos);
  CHECK(std::count(text.begin(), text.end(), '\n') == 4);
  const std::string json = to_json(event);
  CHECK(json.find('\n') == std::string::npos);
  CHECK_NOTHROW(nlohmann::json::parse(json).at("program"));
}

TEST_CASE("quoted arguments keep their backslashes single") {
  Event event = denied_getpid();
  event.denied.arguments_text = R"("/a\n", O_RDONLY)";
  CHECK(to_text(event).find(R"(getpid("/a\n", O_RDONLY) [39])") != std::string::npos);
}

TEST_CASE("the fields of a denial as JSON") {
  const auto json = nlohmann::json::parse(to_json(denied_getpid()));
  CHECK(json.at("event") == "denied");
  CHECK(json.at("time_us") == 1'700'000'000'000'001);
  CHECK(json.at("call") == "getpid");
  CHECK(json.at("number") == 39);
  CHECK(json.at("raw_arguments").at(1) == "0xffffffffffffffff");
  CHECK(json.at("program") == "probe");
  CHECK(json.at("pid") == 7);
  CHECK(json.at("location") == "probe+0x1139 main");
  CHECK(json.at("purpose") == "default");
  CHECK(json.at("origin").at("source") == "policies/strict.toml");
  CHECK(json.at("origin").at("line") == 9);
  CHECK(json.at("answer") == "EPERM");
  CHECK(json.at("repeated") == 0);
}

TEST_CASE("the other events") {
  Event event;
  event.kind = Event::Kind::Network;
  event.note = {"UDP port 53 was bound inside", {"policies/dns.toml", 4, 0}};
  CHECK(to_text(event) == "sbx: UDP port 53 was bound inside [policies/dns.toml:4]\n");
  CHECK(nlohmann::json::parse(to_json(event)).at("text") == "UDP port 53 was bound inside");
  event.kind = Event::Kind::Crashed;
  event.wait_status = SIGSEGV | 0x80;
  CHECK(to_text(event) == "sbx: the command was ended by SIGSEGV (core dumped)\n");
  CHECK(nlohmann::json::parse(to_json(event)).at("signal") == SIGSEGV);
  event.kind = Event::Kind::Ended;
  event.wait_status = 3 << 8;
  CHECK(to_text(event) == "sbx: the command ended with status 3\n");
  CHECK(nlohmann::json::parse(to_json(event)).at("status") == 3);
}
