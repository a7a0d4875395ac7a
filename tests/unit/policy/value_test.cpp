// SPDX-License-Identifier: Apache-2.0
#include "policy/value.h"

#include <catch2/catch.hpp>

namespace {
using namespace sbx;
using policy::Key;
}  // namespace

TEST_CASE("every key is in the table once, with words for people", "[policy]") {
  for (const policy::KeyInfo& key : policy::keys()) {
    INFO(policy::qualified_name(key.key));
    CHECK(policy::find_key(key.table, key.name) == key.key);
    CHECK(&policy::info(key.key) == &key);
    CHECK(key.description.ends_with('.'));
    CHECK((key.type == policy::KeyType::Choice) == !key.choices.empty());
    if (key.type == policy::KeyType::Choice) {
      CHECK(policy::value_from_text(key.key, key.default_value, {}));
      CHECK(!policy::value_from_text(key.key, "no-such-word", {}));
    }
  }
}

TEST_CASE("paths of policies are normalised or refused", "[policy]") {
  struct Row {
    std::string path;
    std::string expected;  // empty: refused
  };
  const auto row = GENERATE(values<Row>({
      {"/", "/"},
      {"/usr", "/usr"},
      {"/usr//share/./x/", "/usr/share/x"},
      {"~", "~"},
      {"~/", "~"},
      {"~/.config/x", "~/.config/x"},
      {"$HOME/x", "~/x"},
      {"/a b/ü", "/a b/ü"},
      {"/...", "/..."},
      {"", ""},
      {"srv", ""},
      {"./srv", ""},
      {"~root/x", ""},
      {"$HOMER/x", ""},
      {"/usr/../etc", ""},
      {"~/..", ""},
      {std::string("/a\0b", 4), ""},
      {"/" + std::string(4096, 'a'), ""},
  }));
  const auto path = policy::check_path(row.path, {});
  INFO(row.path);
  REQUIRE(static_cast<bool>(path) == !row.expected.empty());
  if (path) {
    CHECK(*path == row.expected);
  }
}

TEST_CASE("a path of the command line lies below the caller's directory", "[policy]") {
  CHECK(*policy::check_path("../b", {}, "/home/u/a") == "/home/u/b");
  CHECK(*policy::check_path(".", {}, "/home/u/a") == "/home/u/a");
  CHECK(*policy::check_path("~/x", {}, "/home/u/a") == "~/x");
}

TEST_CASE("words of the command line become values", "[policy]") {
  struct Row {
    Key key;
    std::string text;
    bool good;
  };
  const auto row = GENERATE(values<Row>({
      {Key::LimitsMemory, "64M", true},
      {Key::LimitsMemory, "64X", false},
      {Key::LimitsMemory, "-1", false},
      {Key::LimitsTime, "10m", true},
      {Key::LimitsTime, "0", false},
      {Key::LimitsCore, "0", true},
      {Key::LimitsProcesses, "12", true},
      {Key::LimitsProcesses, "12K", false},
      {Key::NetworkMode, "host", true},
      {Key::NetworkMode, "hots", false},
      {Key::SeccompDefault, "errno(EPERM)", true},
      {Key::SeccompDefault, "errno(EPERN)", false},
      {Key::SeccompDefault, "errno(NAME)", false},
      {Key::SeccompDefault, "EPERM", false},
      {Key::SeccompAllow, "getpid", true},
      {Key::SeccompAllow, "@basic-io", true},
      {Key::SeccompAllow, "@", false},
      {Key::SeccompAllow, "get pid", false},
      {Key::FilesystemRead, "/usr", true},
      {Key::FilesystemRead, "usr", false},
      {Key::IdentityUser, "www-data", true},
      {Key::IdentityUser, "a b", false},
      {Key::IdentityHostname, "box-1.test", true},
      {Key::IdentityHostname, "-box", false},
      {Key::EnvironmentKeep, "LANG", true},
      {Key::EnvironmentKeep, "LANG=C", false},
      {Key::EnvironmentSet, "LANG=C", false},
      {Key::CommandWorkdir, "work", false},
      {Key::CommandWorkdir, "/work", true},
  }));
  INFO(policy::qualified_name(row.key) << " " << row.text);
  CHECK(static_cast<bool>(policy::value_from_text(row.key, row.text, {})) == row.good);
}

TEST_CASE("environment variables are split at the first =", "[policy]") {
  const auto pair = policy::environment_pair("A=b=c", {});
  REQUIRE(pair);
  CHECK(pair->at("A").value == "b=c");
  CHECK(!policy::environment_pair("A", {}));
  CHECK(!policy::environment_pair("=b", {}));
  CHECK(!policy::environment_pair("1A=b", {}));
}

TEST_CASE("names of policies cannot leave their directory", "[policy]") {
  for (const char* good : {"nginx", "g++", "python3.11", "a_b-c", "X"}) {
    CHECK(policy::is_policy_name(good));
  }
  for (const char* bad :
       {"", ".", "..", "../x", "a/b", "-x", ".x", "a b", "x.toml", "x.local", "ü"}) {
    CHECK(!policy::is_policy_name(bad));
  }
}
