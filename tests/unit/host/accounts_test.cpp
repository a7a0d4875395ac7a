// SPDX-License-Identifier: Apache-2.0
#include "host/accounts.h"

#include <catch2/catch.hpp>

using sbx::host::find_group;
using sbx::host::find_user;

namespace {

constexpr const char* kPasswd =
    "root:x:0:0:root:/root:/bin/bash\n"
    "+nis:x:7:7::/home/nis:/bin/sh\n"
    "broken line\n"
    "nouid:x:abc:1:::\n"
    "www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n"
    "second:x:33:34::/second:/bin/sh\n"
    "unmapped:x:4294967295:4294967295::/:/bin/sh\n"
    "last:x:1000:1001:A,B:/home/last:/bin/sh";

}  // namespace

TEST_CASE("accounts: users by number") {
  struct Row {
    std::uint32_t uid;
    const char* name;  // null: nobody
    const char* home;
  };
  const auto row = GENERATE(Row{0, "root", "/root"}, Row{33, "www-data", "/var/www"},
                            Row{1000, "last", "/home/last"}, Row{7, nullptr, nullptr},
                            Row{4294967295u, nullptr, nullptr}, Row{5, nullptr, nullptr});
  const auto found = find_user(kPasswd, row.uid);
  REQUIRE(found.has_value() == (row.name != nullptr));
  if (found) {
    CHECK(found->name == row.name);
    CHECK(found->home == row.home);
  }
}

TEST_CASE("accounts: users by name") {
  CHECK(find_user(kPasswd, "www-data")->uid == 33);
  CHECK(find_user(kPasswd, "last")->gid == 1001);
  CHECK_FALSE(find_user(kPasswd, "www"));
  CHECK_FALSE(find_user(kPasswd, "nouid"));
  CHECK_FALSE(find_user(kPasswd, "+nis"));
  CHECK_FALSE(find_user(kPasswd, ""));
  CHECK_FALSE(find_user("", "root"));
}

TEST_CASE("accounts: groups by name") {
  constexpr const char* kGroup = "root:x:0:\nadm:x:4:syslog\nbad:x::\n:x:9:\nusers:x:100:a,b";
  CHECK(find_group(kGroup, "adm") == 4u);
  CHECK(find_group(kGroup, "users") == 100u);
  CHECK_FALSE(find_group(kGroup, "bad"));
  CHECK_FALSE(find_group(kGroup, ""));
  CHECK_FALSE(find_group(kGroup, "adm:x"));
}
