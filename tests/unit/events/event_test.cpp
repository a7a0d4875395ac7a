// SPDX-License-Identifier: Apache-2.0
#include "events/event.h"

#include <signal.h>

#include <algorithm>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "base/text.h"

using namespace sbx::events;
using nlohmann::json;

namespace {

constexpr std::uint64_t kTime = 1'700'000'000'000'001;

Denied getpid_denied() {
  Denied denied;
  denied.id = 1;
  denied.first_us = denied.last_us = kTime;
  denied.number = 39;
  denied.arch = 0xc000003e;
  denied.call = "getpid";
  denied.arguments[1] = ~0ull;
  denied.actor = {"probe", "/opt/probe", "probe", 7, 4711, 4712};
  denied.place = {"probe", 0x1139, "main", "probe.c", 12};
  denied.purpose = sbx::seccomp::Purpose::Default;
  denied.rule = "not in allow";
  denied.origin = {"policies/strict.toml", 9, 0};
  denied.answer = "EPERM";
  denied.remedy = {"--allow getpid", "seccomp.allow", "\"getpid\"", true, "", ""};
  return denied;
}

Event event_of(What what) {
  return {kTime, run_id(kTime, 4711), "strict", std::move(what)};
}

std::string text_of(What what) {
  return to_text(event_of(std::move(what)));
}

json json_of(What what) {
  return json::parse(to_json(event_of(std::move(what))));
}

// One of each kind, with bytes that JSON cannot hold.
std::vector<What> samples() {
  Denied denied = getpid_denied();
  denied.actor.program = denied.actor.thread_name = "a\n\x1b[31m\xff\\n\"";
  denied.actor.executable = "/opt/\xc3\xa4 b";
  denied.layer = Layer::Network;
  denied.object = "unix:/run/a\nb";
  denied.purpose = sbx::seccomp::Purpose::Address;
  denied.count = 1'000'000;
  denied.callers = {{"probe", 0x2000, "work", "", 0}, {"libc.so.6", 0x27ca8, "", "", 0}};
  denied.remedy.warning = "few programs need it";
  Crashed crashed{SIGSEGV, true, false, false, denied.actor, 3, "mprotect(0x1000, 4096, PROT_EXEC)",
                  2500, true};
  return {Started{"0.1.0", 4711, {"sh", "-c", "echo \xff\n"}, "/p.toml"},
          denied,
          NetworkNote{"UDP port 53 was bound inside", {"policies/dns.toml", 4, 0}},
          LimitHit{"the time limit is over", {"--limit time=1", 0, 0}},
          crashed,
          Ended{Ending::Exited, 3, 1234, 7},
          Ended{Ending::Violation, SIGSYS, 1, 1}};
}

}  // namespace

TEST_CASE("a denial is three lines", "[events]") {
  CHECK(text_of(getpid_denied()) ==
        "sbx: denied getpid() [39] by probe (pid 7) at probe+0x1139 main (probe.c:12)\n"
        "     policy: not in allow [policies/strict.toml:9], answer: EPERM\n"
        "     allow it with: sbx run --allow getpid …, or  seccomp.allow = [\"getpid\"]\n");
}

TEST_CASE("a thread with a name of its own, a warning, a repeat", "[events]") {
  Denied denied = getpid_denied();
  denied.actor.thread_name = "worker";
  denied.remedy.warning = "few programs need it";
  const std::string text = text_of(denied);
  CHECK(text.find("by probe (pid 7, thread worker) at") != std::string::npos);
  CHECK(text.find("     but: few programs need it\n") != std::string::npos);
  denied.count = 42;
  denied.place.line = 0;
  CHECK(text_of(denied) ==
        "sbx: denied getpid() [39] by probe (pid 7, thread worker) at probe+0x1139 main: 42 times\n");
}

TEST_CASE("a W^X refusal is told as such, with its callers", "[events]") {
  Denied denied = getpid_denied();
  denied.layer = Layer::WriteExec;
  denied.call = "mprotect";
  denied.callers = {{"probe", 0x2000, "compile", "jit.c", 7}};
  const std::string text = text_of(denied);
  CHECK(text.starts_with("sbx: W^X refused mprotect() [39] by"));
  CHECK(text.find("     called from probe+0x2000 compile (jit.c:7)\n") != std::string::npos);
  // Of a chain through a library the program's own part, all of it where it was killed.
  denied.callers = {{"libc.so.6", 1, "fclose", "", 0}, {"probe", 2, "save", "", 0},
                    {"probe", 3, "main", "", 0}};
  CHECK(text_of(denied).find("fclose") == std::string::npos);
  CHECK(text_of(denied).find("save") != std::string::npos);
  CHECK(text_of(denied).find("probe+0x3") == std::string::npos);
  denied.answer = "killed";
  CHECK(text_of(denied).find("called from libc.so.6+0x1 fclose\n") != std::string::npos);
  CHECK(text_of(denied).find("called from probe+0x3 main\n") != std::string::npos);
}

TEST_CASE("a long program name is not told as a thread's", "[events]") {
  Denied denied = getpid_denied();
  denied.actor.program = "a-very-long-program";
  denied.actor.thread_name = "a-very-long-pro";
  CHECK(text_of(denied).find("thread") == std::string::npos);
}

TEST_CASE("nothing of the sandboxee's reaches a terminal raw", "[events]") {
  const std::string evil = "\x1b]0;own\x07\n\xc2\x9b\xff";
  Denied denied = getpid_denied();
  denied.actor = {evil, evil, evil, 7, 8, 8};
  denied.place = {evil, 1, evil, evil, 1};
  denied.callers = {denied.place};
  denied.arguments_text = denied.object = denied.rule = denied.call = denied.answer = evil;
  denied.remedy = {evil, evil, evil, true, evil, evil};
  denied.origin.source = evil;
  Crashed crashed;
  crashed.is_command = false;
  crashed.actor = denied.actor;
  crashed.denial = 1;
  crashed.denied_call = evil;
  for (const What& what : {What(denied), What(crashed), What(NetworkNote{evil, denied.origin}),
                           What(LimitHit{evil, denied.origin}), What(Started{evil, 1, {evil}, evil})}) {
    for (const std::string& text : {text_of(what), to_json(event_of(what))}) {
      INFO(sbx::escape(text));
      CHECK(text.find('\x1b') == std::string::npos);
      CHECK(text.find('\x07') == std::string::npos);
      CHECK(text.find('\xff') == std::string::npos);
      CHECK(text.find("\xc2\x9b") == std::string::npos);
    }
    CHECK(to_json(event_of(what)).find('\n') == std::string::npos);
  }
  const std::string text = text_of(denied);
  CHECK(std::count(text.begin(), text.end(), '\n') == 5);
}

TEST_CASE("quoted arguments keep their backslashes single", "[events]") {
  Denied denied = getpid_denied();
  denied.arguments_text = R"("/a\n", O_RDONLY)";
  CHECK(text_of(denied).find(R"(getpid("/a\n", O_RDONLY) [39])") != std::string::npos);
}

TEST_CASE("the members of a denial as JSON", "[events]") {
  const json denied = json_of(getpid_denied());
  CHECK(denied.at("version") == 1);
  CHECK(denied.at("event") == "denied");
  CHECK(denied.at("time_us") == kTime);
  CHECK(denied.at("run") == "20231114-221320.000001-4711");
  CHECK(denied.at("policy") == "strict");
  CHECK(denied.at("layer") == "filter");
  CHECK(denied.at("call") == "getpid");
  CHECK(denied.at("number") == 39);
  CHECK(denied.at("raw_arguments").at(1) == "0xffffffffffffffff");
  CHECK(denied.at("program") == "probe");
  CHECK(denied.at("pid") == 7);
  CHECK(denied.at("location") == "probe+0x1139 main (probe.c:12)");
  CHECK(denied.at("place").at("function") == "main");
  CHECK(denied.at("purpose") == "default");
  CHECK(denied.at("origin").at("source") == "policies/strict.toml");
  CHECK(denied.at("origin").at("line") == 9);
  CHECK(denied.at("answer") == "EPERM");
  CHECK(denied.at("remedy").at("line") == "seccomp.allow = [\"getpid\"]");
  CHECK(denied.at("count") == 1);
}

TEST_CASE("the other events", "[events]") {
  CHECK(text_of(NetworkNote{"UDP port 53 was bound inside", {"policies/dns.toml", 4, 0}}) ==
        "sbx: UDP port 53 was bound inside [policies/dns.toml:4]\n");
  Crashed crashed;
  crashed.signal = SIGSEGV;
  crashed.core_dumped = true;
  CHECK(text_of(crashed) == "sbx: the command was ended by SIGSEGV (core dumped)\n");
  crashed.is_command = crashed.core_dumped = false;
  crashed.actor = {"worker", "", "", 9, 0, 0};
  crashed.denial = 3;
  crashed.denied_call = "mprotect(0x1000, 4096, PROT_EXEC)";
  crashed.denied_before_us = 2500;
  crashed.same_thread = true;
  CHECK(text_of(crashed) ==
        "sbx: worker (pid 9) in the sandbox was ended by SIGSEGV\n"
        "     2 ms before, mprotect(0x1000, 4096, PROT_EXEC) was denied in the same thread\n");
  CHECK(text_of(Ended{Ending::Exited, 3}) == "sbx: the command ended with status 3\n");
  CHECK(text_of(Ended{Ending::Killed, SIGTERM}) == "sbx: the command was ended by SIGTERM\n");
  CHECK(json_of(Ended{Ending::Killed, SIGTERM}).at("signal") == SIGTERM);
}

TEST_CASE("what was written as JSON is read back the same", "[events]") {
  for (const What& what : samples()) {
    const std::string line = to_json(event_of(what));
    INFO(line);
    const auto event = from_json(line);
    REQUIRE(event);
    CHECK(to_json(*event) == line);
    CHECK(to_text(*event) == text_of(what));
    if (const auto* denied = std::get_if<Denied>(&what)) {
      CHECK(std::get<Denied>(event->what).actor == denied->actor);
      CHECK(std::get<Denied>(event->what).callers == denied->callers);
      CHECK(std::get<Denied>(event->what).remedy == denied->remedy);
    }
  }
}

TEST_CASE("lines that are no event", "[events]") {
  const std::string good = to_json(event_of(getpid_denied()));
  for (std::size_t length = 0; length < good.size(); ++length) {
    CHECK_FALSE(from_json(good.substr(0, length)));
  }
  json altered = json::parse(good);
  altered["version"] = kEventVersion + 1;
  CHECK_FALSE(from_json(altered.dump()));
  for (const char* member : {"version", "event", "time_us", "call", "place", "remedy", "purpose"}) {
    for (const json& wrong : {json(nullptr), json::array({1}), json(-1.5e300)}) {
      altered = json::parse(good);
      altered[member] = wrong;
      INFO(altered.dump());
      from_json(altered.dump());  // ends no reader
      altered.erase(member);
      CHECK_FALSE(from_json(altered.dump()));
    }
  }
  CHECK_FALSE(from_json(R"({"version":1,"event":"moved","time_us":1})"));
}

TEST_CASE("a time and a run have a name that orders as they do", "[events]") {
  CHECK(time_text(kTime) == "2023-11-14T22:13:20.000001Z");
  CHECK(run_id(kTime, 7) < run_id(kTime + 1, 6));
}
