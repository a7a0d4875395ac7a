// SPDX-License-Identifier: Apache-2.0
#include "cli/fix.h"

#include <catch2/catch.hpp>

#include "policy/toml_reader.h"
#include "policy/toml_writer.h"

using namespace sbx;

namespace {

events::Event denied(const char* call, const char* key, const char* value, bool is_list,
                     const char* warning = "") {
  events::Denied what;
  what.call = call;
  what.rule = "not in allow";
  what.remedy.key = key;
  what.remedy.value = value;
  what.remedy.is_list = is_list;
  what.remedy.warning = warning;
  return {1, "20261124-091408.000000-4711", "strict", what};
}

events::Story story(std::vector<events::Event> list) {
  events::Story told;
  told.run = "20261124-091408.000000-4711";
  told.policy = "strict";
  told.events = std::move(list);
  return told;
}

// What it says, without comments.
std::string meaning(const std::string& toml) {
  const auto layer = policy::read_toml(toml, "test", "test");
  return layer ? policy::to_toml(*layer) : "no policy: " + layer.error().action;
}

const events::Event kGetpid = denied("getpid", "seccomp.allow", "\"getpid\"", true);
const events::Event kRule =
    denied("socket", "seccomp.rule",
           "{ syscall = \"socket\", when = \"domain == AF_PACKET\", action = \"allow\" }", true);

}  // namespace

TEST_CASE("a fix is a policy with the lines of the remedies, each with its reason") {
  const auto fix = cli::compose_fix("", "strict.local.toml", story({kGetpid, kGetpid, kRule}));
  REQUIRE(fix);
  CHECK(fix->added == 2);
  CHECK(meaning(fix->text) ==
        meaning("schema = 1\n[seccomp]\nallow = [\"getpid\"]\n[[seccomp.rule]]\nsyscall = \"socket\"\n"
                "when = \"domain == AF_PACKET\"\naction = \"allow\"\n"));
  CHECK(fix->text.find("# getpid() [0], denied in run 20261124-091408.000000-4711") !=
        std::string::npos);
}

TEST_CASE("what is unwise stands in a fix as a comment") {
  const auto fix = cli::compose_fix(
      "", "f", story({denied("mprotect", "memory.wx", "\"allow\"", false, "code may be written")}));
  REQUIRE(fix);
  CHECK(fix->added == 0);
  CHECK(fix->held_back == 1);
  CHECK(meaning(fix->text) == meaning("schema = 1\n"));
  CHECK(fix->text.find("# Think twice: code may be written\n# memory.wx = \"allow\"\n") !=
        std::string::npos);
}

TEST_CASE("a fix keeps what the old file says, and its comments") {
  const std::string old =
      "schema = 1  # mine\n\n[seccomp]  # calls\n# why uname\nallow = [\"uname\"]\n\n"
      "[network]\nmode = \"none\"\n";
  const auto fix = cli::compose_fix(old, "f", story({kGetpid, kRule}));
  REQUIRE(fix);
  CHECK_FALSE(fix->lost_comments);
  for (const char* kept : {"# mine", "# calls", "# why uname", "[network]"}) {
    CHECK(fix->text.find(kept) != std::string::npos);
  }
  CHECK(meaning(fix->text) ==
        meaning("schema = 1\n[network]\nmode = \"none\"\n[seccomp]\nallow = [\"getpid\", \"uname\"]\n"
                "[[seccomp.rule]]\nsyscall = \"socket\"\nwhen = \"domain == AF_PACKET\"\n"
                "action = \"allow\"\n"));
}

TEST_CASE("a fix finds a place for a new key in every form of file") {
  for (const char* old :
       {"schema = 1\n", "schema = 1\n[seccomp]\ndeny = [\"uname\"]\n",
        "schema = 1\nseccomp.deny = [\"uname\"]\n", "schema = 1\nseccomp = { deny = [\"uname\"] }\n",
        "schema = 1\n[seccomp]\nallow = []\n", "schema = 1\n[seccomp]\nallow = [\n  \"a\" , # x\n]\n",
        "schema = 1\n[[seccomp.rule]]\nsyscall = \"uname\"\naction = \"deny\"\n",
        "schema = 1\nseccomp.rule = [{ syscall = \"uname\", action = \"deny\" }]\n"}) {
    INFO(old);
    const auto fix = cli::compose_fix(old, "f", story({kGetpid, kRule}));
    if (std::string(old).find("allow = []") != std::string::npos && !fix) {
      continue;  // an empty list is an error of the policy
    }
    REQUIRE(fix);
    const auto layer = policy::read_toml(fix->text, "f", "f");
    REQUIRE(layer);
    CHECK(fix->added == 2);
    const std::string said = policy::to_toml(*layer);
    CHECK(said.find("\"getpid\"") != std::string::npos);
    CHECK(said.find("AF_PACKET") != std::string::npos);
    CHECK((std::string(old).find("uname") == std::string::npos || said.find("uname") != std::string::npos));
  }
}

TEST_CASE("a fix adds nothing that is there, and refuses a file that is no policy") {
  const auto none = cli::compose_fix("schema = 1\n[seccomp]\nallow = [\"getpid\"]\n", "f", story({kGetpid}));
  REQUIRE(none);
  CHECK(none->added == 0);
  CHECK_FALSE(cli::compose_fix("schema = 1\n[seccomp\n", "f", story({kGetpid})));
}

TEST_CASE("nothing of a sandboxee ends a comment of a fix") {
  events::Event hostile = kGetpid;
  std::get<events::Denied>(hostile.what).place.module = "x\n[seccomp]\nallow = [\"@all\"]\n#";
  std::get<events::Denied>(hostile.what).arguments_text = "\"\n[network]\nmode = \"host\"\n#";
  const auto fix = cli::compose_fix("", "f", story({hostile}));
  REQUIRE(fix);
  CHECK(meaning(fix->text) == meaning("schema = 1\n[seccomp]\nallow = [\"getpid\"]\n"));
}
