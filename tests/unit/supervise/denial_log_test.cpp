// SPDX-License-Identifier: Apache-2.0
#include "supervise/denial_log.h"

#include <catch2/catch.hpp>

using sbx::events::Event;
using sbx::supervise::DenialKey;
using sbx::supervise::DenialLog;

namespace {

Event denial(std::string location) {
  Event event;
  event.denied.name = "getpid";
  event.denied.location = std::move(location);
  return event;
}

DenialKey key_at(std::uint64_t instruction_pointer) {
  DenialKey key;
  key.instruction_pointer = instruction_pointer;
  return key;
}

struct Recorder {
  std::vector<Event> events;
  DenialLog::Sink sink = [this](const Event& event) { events.push_back(event); };
};

}  // namespace

TEST_CASE("an equal denial is told once and counted") {
  Recorder recorder;
  DenialLog log(recorder.sink);
  for (int i = 0; i < 42; ++i) {
    if (!log.is_repeat(key_at(1))) {
      log.report(key_at(1), denial("a+0x1"));
    }
  }
  log.close(0);
  REQUIRE(recorder.events.size() == 2);
  CHECK(recorder.events[0].denied.repeated == 0);
  CHECK(recorder.events[1].denied.repeated == 41);
}

TEST_CASE("the same place of a program loaded elsewhere is the same denial") {
  Recorder recorder;
  DenialLog log(recorder.sink);
  for (std::uint64_t process = 0; process < 100; ++process) {
    REQUIRE_FALSE(log.is_repeat(key_at(process)));
    log.report(key_at(process), denial("a+0x1"));
  }
  log.close(0);
  CHECK(recorder.events.size() == 2);
  CHECK(log.size() == 1);
}

TEST_CASE("named arguments make another denial, a single one needs no closing line") {
  Recorder recorder;
  DenialLog log(recorder.sink);
  DenialKey other = key_at(1);
  other.named_arguments[0] = 17;
  log.report(key_at(1), denial("a+0x1"));
  CHECK_FALSE(log.is_repeat(other));
  log.report(other, denial("a+0x1"));
  log.close(0);
  CHECK(recorder.events.size() == 2);
}

TEST_CASE("a million different denials neither flood nor grow") {
  Recorder recorder;
  DenialLog log(recorder.sink);
  constexpr std::uint64_t kMany = 1'000'000;
  for (std::uint64_t i = 0; i < kMany; ++i) {
    if (!log.is_repeat(key_at(i))) {
      log.report(key_at(i), denial(std::to_string(i)));
    }
  }
  log.close(0);
  CHECK(log.size() == sbx::supervise::kMostToldDenials);
  REQUIRE(recorder.events.size() == sbx::supervise::kMostToldDenials + 1);
  CHECK(recorder.events.back().kind == Event::Kind::Limit);
  CHECK(recorder.events.back().note.text.find(
            std::to_string(kMany - sbx::supervise::kMostToldDenials)) != std::string::npos);
}
