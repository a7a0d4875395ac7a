// SPDX-License-Identifier: Apache-2.0
#include "cli/policies.h"

#include <catch2/catch.hpp>

using sbx::cli::search_path;

namespace {

using Directories = std::vector<std::string>;
using Environment = std::map<std::string, std::string>;

}  // namespace

TEST_CASE("search path: the order of directories") {
  const auto plain = search_path({}, "/home/u", "/usr/bin/sbx");
  CHECK(plain.directories == Directories{"/home/u/.config/sbx/policies", "/etc/sbx/policies"});
  CHECK(plain.installed == Directories{"/usr/bin/share/sbx/policies", "/usr/share/sbx/policies"});
  const Environment all{{"SBX_POLICY_PATH", "/a:/b"}, {"XDG_CONFIG_HOME", "/cfg"}};
  CHECK(search_path(all, "/home/u", "").directories ==
        Directories{"/a", "/b", "/cfg/sbx/policies", "/etc/sbx/policies"});
}

TEST_CASE("search path: relative directories are left out") {
  const Environment relative{{"SBX_POLICY_PATH", ":.:policies:/a::/a"}, {"XDG_CONFIG_HOME", "cfg"}};
  CHECK(search_path(relative, "/home/u", "sbx").directories ==
        Directories{"/a", "/home/u/.config/sbx/policies", "/etc/sbx/policies"});
  CHECK(search_path({}, "", "").directories == Directories{"/etc/sbx/policies"});
}
