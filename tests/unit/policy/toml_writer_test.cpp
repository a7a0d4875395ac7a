// SPDX-License-Identifier: Apache-2.0
// What is written is read back as the same layer.
#include <catch2/catch.hpp>

#include "policy/toml_reader.h"
#include "policy/toml_writer.h"
#include "policy_files.h"

namespace {

using namespace sbx;
using namespace sbx::policy;

void forget(Text& text) { text.origin = {}; }

// The places are another file's.
PolicyLayer without_origins(PolicyLayer layer) {
  layer.name.clear();
  layer.source.clear();
  for (auto& [key, value] : layer.values) {
    if (auto* flag = std::get_if<Flag>(&value)) {
      flag->origin = {};
    } else if (auto* number = std::get_if<Number>(&value)) {
      number->origin = {};
    } else if (auto* text = std::get_if<Text>(&value)) {
      forget(*text);
    } else if (auto* names = std::get_if<std::vector<Text>>(&value)) {
      std::for_each(names->begin(), names->end(), forget);
    } else if (auto* paths = std::get_if<std::vector<PathEntry>>(&value)) {
      std::for_each(paths->begin(), paths->end(), [](PathEntry& entry) { entry.origin = {}; });
    } else if (auto* pairs = std::get_if<std::map<std::string, Text>>(&value)) {
      std::for_each(pairs->begin(), pairs->end(), [](auto& pair) { forget(pair.second); });
    } else {
      for (SeccompRule& rule : std::get<std::vector<SeccompRule>>(value)) {
        std::for_each(rule.syscalls.begin(), rule.syscalls.end(), forget);
        forget(rule.when);
        forget(rule.action);
        rule.origin = {};
      }
    }
  }
  for (auto& [key, removals] : layer.removed) {
    std::for_each(removals.begin(), removals.end(), forget);
  }
  return layer;
}

void expect_same(const PolicyLayer& layer, const TomlComments& comments = {}) {
  const std::string text = to_toml(layer, comments);
  INFO(text);
  const auto again = read_toml(text, "again.toml", "again");
  INFO((again ? "" : to_text(again.error())));
  REQUIRE(again);
  CHECK(without_origins(*again) == without_origins(layer));
}

PolicyLayer layer_of(const std::string& text) {
  const auto layer = read_toml(text, "test.toml", "test");
  INFO((layer ? "" : to_text(layer.error())));
  REQUIRE(layer);
  return *layer;
}

}  // namespace

TEST_CASE("every shipped policy is read back from what is written of it") {
  const std::string directory = std::string(SBX_SOURCE_DIR) + "/policies";
  for (const std::string& name : policy::testing::toml_files(directory)) {
    INFO(name);
    expect_same(layer_of(policy::testing::read_whole(directory + "/" + name)));
  }
}

TEST_CASE("a layer of every shape is read back from what is written of it") {
  expect_same(layer_of(R"toml(schema = 1
[policy]
description = "quotes \" and \\, \u0001, ümlauts"
[namespaces]
time = false
[filesystem]
read = ["~/a b", { path = "/x", at = "/y", optional = true }]
[environment]
set.PATH = "/bin"
[limits]
memory = "512M"
time = 61
files = 100
[[seccomp.rule]]
syscall = "socket"
when = "domain == AF_PACKET"
action = "errno(EACCES)"
[memory]
wx = "allow"
[remove]
seccomp.allow = ["@floor"]
)toml"),
              {"A title.\n\nIn two paragraphs, of which the second is so long that it has to be wrapped "
               "between its words.\x1b[2J",
               {{Key::MemoryWx, "Why?"}},
               {"about the rule"}});
}

TEST_CASE("sizes are written as a person would, and long lists wrapped") {
  const PolicyLayer layer = layer_of("schema = 1\n[limits]\nmemory = 536870912\nfile-size = 1025\n");
  CHECK(to_toml(layer) == "schema = 1\n\n[limits]\nmemory = \"512M\"\nfile-size = 1025\n");
  PolicyLayer many;
  many.values[Key::SeccompAllow] = std::vector<Text>(40, Text{"clock_gettime64", {}});
  const std::string text = to_toml(many);
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = text.find('\n', start);
    CHECK(end - start <= 96);
    start = end + 1;
  }
}
