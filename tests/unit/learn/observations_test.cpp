// SPDX-License-Identifier: Apache-2.0
#include "learn/observations.h"

#include <catch2/catch.hpp>

using namespace sbx::learn;

namespace {

Observations hostile() {
  Observations seen;
  seen.calls.push_back({"socket", {2, 1, 0}, Fate::Granted, 0, true, {3, 10, 90, {"a b", "1:2 "}}});
  seen.calls.push_back({"ptrace", {}, Fate::Denied, 1, true, {1, 5, 5, {}}});
  seen.files.push_back({"/tmp/a\nb \"c\" \xff", kRead | kOpenedToMake, {1, 2, 2, {"cat"}}});
  seen.addresses.push_back({"127.0.0.1:80", true, {2, 3, 4, {"nginx"}}});
  seen.peaks = {7, 1 << 20, 12};
  seen.ready_us = 0;
  seen.length_us = 100;
  seen.unlisted = 4;
  return seen;
}

}  // namespace

TEST_CASE("observations: the way over the pipe keeps every byte") {
  const Observations seen = hostile();
  const auto back = from_wire(to_wire(seen));
  REQUIRE(back);
  CHECK(*back == seen);
  CHECK(*from_wire(to_wire({})) == Observations{});
}

TEST_CASE("observations: a record that is cut off anywhere is an error") {
  const std::string wire = to_wire(hostile());
  for (std::size_t length = 0; length < wire.size(); ++length) {
    CAPTURE(length);
    CHECK_FALSE(from_wire(std::string_view(wire).substr(0, length)));
  }
  CHECK_FALSE(from_wire(wire + " "));
  CHECK_FALSE(from_wire("18:sbx-observations-1 99999999999999999999 "));
}

TEST_CASE("observations: what was seen twice is one thing, seen oftener") {
  const Observations both = unite(hostile(), hostile());
  CHECK(both.calls.size() == 2);
  CHECK(both.files.size() == 1);
  CHECK(both.files[0].use.count == 2);
  CHECK(both.runs == 2);
  Observations later = hostile();
  later.files[0].doings = kWrote;
  later.files[0].use = {1, 1, 7, {"sed"}};
  const Observations more = unite(hostile(), later);
  CHECK(more.files[0].doings == (kRead | kOpenedToMake | kWrote));
  CHECK(more.files[0].use.programs == std::set<std::string>{"cat", "sed"});
  CHECK(more.files[0].use.first_us == 1);
  CHECK(more.files[0].use.last_us == 7);
}
