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
  CHECK(plain.installed == Directories{"/usr/share/sbx/policies"});
  CHECK(search_path({}, "/home/u", "/src/build/sbx").installed ==
        Directories{"/src/build/share/sbx/policies"});
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

TEST_CASE("own paths: what a command must not write to") {
  sbx::cli::Library library;
  library.search = search_path({{"SBX_POLICY_PATH", "/srv/policies"}}, "/home/u", "/opt/sbx/bin/sbx");
  library.home = "/home/u";
  library.program = "/opt/sbx/bin/sbx";
  sbx::plan::HostFacts facts;
  facts.home = "/home/u";
  facts.cwd = "/srv";
  facts.environment = {{"XDG_STATE_HOME", "/state"}};
  std::vector<sbx::policy::PolicyLayer> layers(3);
  layers[0].source = "/opt/sbx/share/sbx/policies/base.toml";
  layers[1].source = "mine.toml";
  std::vector<std::string> paths, secret;
  for (const auto& own : sbx::cli::own_paths(library, facts, layers)) {
    (own.is_secret ? secret : paths).push_back(own.path);
  }
  CHECK(secret == Directories{"/state/sbx", "/home/u/.config/sbx", "/home/u/.local/state/sbx",
                              "/home/u/.cache/sbx"});
  CHECK(paths == Directories{"/srv/policies", "/etc/sbx/policies", "/opt/sbx/share/sbx/policies",
                             "/opt/sbx/bin/sbx", "/srv/mine.toml"});
}
