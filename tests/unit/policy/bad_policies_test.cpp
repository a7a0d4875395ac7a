// SPDX-License-Identifier: Apache-2.0
// tests/bad-policies: each NAME.toml has one fault, and NAME.expected what the user sees of it.
// SBX_UPDATE_GOLDEN=1 rewrites the expected texts; review the difference.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <fstream>

#include "cli/excerpt.h"
#include "plan/check.h"
#include "policy_files.h"

namespace {

using namespace sbx;

const std::string kDirectory = std::string(SBX_SOURCE_DIR) + "/tests/bad-policies";

// As far as a policy can be judged without a host.
Status judge(const std::string& name, const std::string& text) {
  const policy::SearchPath search{{}, {std::string(SBX_SOURCE_DIR) + "/policies"}};
  const auto files = policy::testing::disk();
  const auto layers = policy::load_layers({name, name + ".toml", text}, search, files);
  if (!layers) {
    return layers.error();
  }
  plan::HostFacts facts;
  facts.name_servers = {"192.0.2.53"};
  if (const auto checked = plan::check(*layers, facts, {}); !checked) {
    return checked.error();
  }
  return {};
}

}  // namespace

TEST_CASE("each bad policy gives the one error that helps", "[policy][bad]") {
  const bool update = std::getenv("SBX_UPDATE_GOLDEN") != nullptr;
  const auto files = policy::testing::toml_files(kDirectory);
  CHECK(files.size() >= 60);
  for (const std::string& file : files) {
    const std::string name = file.substr(0, file.size() - std::string(".toml").size());
    const std::string text = policy::testing::read_whole(kDirectory + "/" + file);
    const Status verdict = judge(name, text);
    INFO(file);
    CHECK(!verdict);
    if (verdict) {
      continue;
    }
    const Error& error = verdict.error();
    CHECK(error.origin.source == file);
    // A condition's error may say all in its first line ("expected ), found the end").
    const bool is_condition = error.action.starts_with("cannot read the condition");
    CHECK((is_condition || !error.hint.empty()));
    const std::string shown = to_text(error, cli::excerpt(error.origin, std::string_view(text)));
    const std::string golden = kDirectory + "/" + name + ".expected";
    if (update) {
      std::ofstream(golden, std::ios::binary) << shown;
    }
    CHECK(shown == policy::testing::read_whole(golden));
  }
}
