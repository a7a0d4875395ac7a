// SPDX-License-Identifier: Apache-2.0
#include "supervise/denial_log.h"

#include <catch2/catch.hpp>

using sbx::events::Denied;
using sbx::events::LimitHit;
using sbx::supervise::DenialKey;
using sbx::supervise::DenialLog;

namespace {

Denied denial(std::string module, int process = 1) {
  Denied denied;
  denied.call = "getpid";
  denied.place.module = std::move(module);
  denied.actor.pid_outside = denied.actor.thread_outside = process;
  return denied;
}

DenialKey key_at(std::uint64_t instruction_pointer) {
  DenialKey key;
  key.instruction_pointer = instruction_pointer;
  return key;
}

struct Recorder {
  std::vector<sbx::events::What> events;
  DenialLog log{[this](sbx::events::What what) { events.push_back(std::move(what)); }};
  const Denied& denied(std::size_t index) const { return std::get<Denied>(events.at(index)); }
};

}  // namespace

TEST_CASE("an equal denial is told once and counted") {
  Recorder recorder;
  DenialLog& log = recorder.log;
  for (std::uint64_t i = 0; i < 42; ++i) {
    if (!log.is_repeat(key_at(1), 1, 100 + i)) {
      log.report(key_at(1), denial("a+0x1"), 100);
    }
  }
  log.close();
  REQUIRE(recorder.events.size() == 2);
  CHECK(recorder.denied(0).count == 1);
  CHECK(recorder.denied(0).first_us == 100);
  CHECK(recorder.denied(1).count == 42);
  CHECK(recorder.denied(1).id == recorder.denied(0).id);
  CHECK(recorder.denied(1).first_us == 100);
  CHECK(recorder.denied(1).last_us == 141);
  CHECK(log.total() == 42);
}

TEST_CASE("the same place of a program loaded elsewhere is the same denial") {
  Recorder recorder;
  DenialLog& log = recorder.log;
  for (std::uint64_t process = 0; process < 100; ++process) {
    REQUIRE_FALSE(log.is_repeat(key_at(process), 1, 5));
    log.report(key_at(process), denial("a+0x1"), 5);
  }
  log.close();
  CHECK(recorder.events.size() == 2);
  CHECK(log.size() == 1);
}

TEST_CASE("named arguments make another denial, a single one needs no closing line") {
  Recorder recorder;
  DenialLog& log = recorder.log;
  DenialKey other = key_at(1);
  other.named_arguments[0] = 17;
  log.report(key_at(1), denial("a+0x1"), 5);
  CHECK_FALSE(log.is_repeat(other, 1, 5));
  log.report(other, denial("a+0x1"), 5);
  log.close();
  CHECK(recorder.events.size() == 2);
}

TEST_CASE("a million different denials neither flood nor grow") {
  Recorder recorder;
  DenialLog& log = recorder.log;
  constexpr std::uint64_t kMany = 1'000'000;
  for (std::uint64_t i = 0; i < kMany; ++i) {
    if (!log.is_repeat(key_at(i), 1, 5)) {
      log.report(key_at(i), denial(std::to_string(i)), 5);
    }
  }
  log.close();
  CHECK(log.size() == sbx::supervise::kMostToldDenials);
  REQUIRE(recorder.events.size() == sbx::supervise::kMostToldDenials + 1);
  CHECK(log.total() == kMany);
  CHECK(std::get<LimitHit>(recorder.events.back()).text.find(
            std::to_string(kMany - sbx::supervise::kMostToldDenials)) != std::string::npos);
}

TEST_CASE("the last denial of a process is known after it came from any of its threads") {
  Recorder recorder;
  DenialLog& log = recorder.log;
  CHECK_FALSE(log.last_of(10));
  log.report(key_at(1), denial("a", 10), 100);
  Denied of_thread = denial("b", 10);
  of_thread.actor.thread_outside = 11;
  log.report(key_at(2), of_thread, 200);
  log.learn(11, 10, false);
  log.report(key_at(3), denial("c", 20), 300);
  REQUIRE(log.last_of(10));
  CHECK(log.last_of(10)->denied.place.module == "b");
  CHECK(log.is_repeat(key_at(1), 11, 400));
  CHECK(log.last_of(10)->denied.place.module == "a");
  CHECK(log.last_of(10)->time_us == 400);
  // A sandboxee with ever new threads does not make the supervisor grow.
  for (int thread = 1000; thread < 100'000; ++thread) {
    log.is_repeat(key_at(1), thread, 500);
  }
  CHECK(log.last_of(99'999));
}
