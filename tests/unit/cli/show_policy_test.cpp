// SPDX-License-Identifier: Apache-2.0
#include "cli/show_policy.h"

#include <catch2/catch.hpp>

#include "policy/merge.h"
#include "policy/toml_reader.h"

using namespace sbx;

namespace {

constexpr const char* kText = R"toml(schema = 1
[policy]
description = "a \"quoted\" one"
[command]
args = ["-g", "daemon off;"]
[filesystem]
read = ["/usr", { path = "/srv/www", at = "/var/www", optional = true }]
home = "none"
[network]
publish = ["8080:80"]
[seccomp]
allow = ["read", "@basic-io"]
[[seccomp.rule]]
syscalls = ["socket"]
when = "domain == AF_UNIX"
action = "errno(EACCES)"
[limits]
memory = "1M"
[environment]
set.LANG = "C"
)toml";

policy::Policy merged(const std::string& text) {
  const auto layer = policy::read_toml(text, "p.toml", "p");
  if (!layer) {
    FAIL(to_text(layer.error()));
  }
  const auto policy = policy::merge({*layer});
  if (!policy) {
    FAIL(to_text(policy.error()));
  }
  return *policy;
}

}  // namespace

TEST_CASE("show: what it prints reads back to the same policy") {
  const policy::Policy first = merged(kText);
  const std::string shown = cli::show_toml(first, false);
  CAPTURE(shown);
  CHECK(cli::show_toml(merged(shown), false) == shown);
  const std::string with_origins = cli::show_toml(first, true);
  CAPTURE(with_origins);
  CHECK(cli::show_toml(merged(with_origins), false) == shown);
}

TEST_CASE("show: each value with the line it came from") {
  const std::string shown = cli::show_toml(merged(kText), true);
  for (const char* line :
       {"home = \"none\"  # p.toml:8", "memory = 1048576  # p.toml:18", "\"/usr\",  # p.toml:7",
        "set.LANG = \"C\"  # p.toml:20", "action = \"errno(EACCES)\"  # p.toml:16",
        "wx = \"deny\"  # built in"}) {
    CHECK_THAT(shown, Catch::Contains(line));
  }
}

TEST_CASE("show: JSON names key, value and place") {
  const std::string json = cli::show_json(merged(kText));
  CHECK_THAT(json, Catch::Contains("\"key\": \"filesystem.read\""));
  CHECK_THAT(json, Catch::Contains("\"value\": \"/srv/www=/var/www\""));
  CHECK_THAT(json, Catch::Contains("\"when\": \"domain == AF_UNIX\""));
  CHECK_THAT(json, Catch::Contains("\"line\": 8"));
}
