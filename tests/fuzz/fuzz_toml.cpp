// SPDX-License-Identifier: Apache-2.0
// Any bytes as a policy file, and what can be read all the way: merge, check, resolve for a made-up host,
// compile, print. An Error is a good answer; a crash, a hang or unprintable text is not.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "expectations.h"
#include "plan/check.h"
#include "plan/print.h"
#include "plan/resolve.h"
#include "policy/merge.h"
#include "policy/toml_reader.h"

namespace {

sbx::plan::HostFacts made_up_host() {
  sbx::plan::HostFacts facts;
  facts.uid = facts.gid = 1000;
  facts.user_name = "somebody";
  facts.home = "/home/somebody";
  facts.cwd = "/home/somebody";
  facts.environment = {{"PATH", "/usr/bin:/bin"}, {"HOME", "/home/somebody"}, {"LANG", "C"}};
  facts.os_release = "6.1.0";
  facts.has_wait_killable = true;
  return facts;
}

// Every path is there, a directory unless it names a program.
sbx::plan::Probes made_up_probes() {
  sbx::plan::Probes probes;
  probes.path = [](const std::string& path) {
    sbx::plan::PathFacts found;
    found.kind = path.find("/bin/") != std::string::npos ? sbx::plan::PathFacts::Kind::File
                                                         : sbx::plan::PathFacts::Kind::Directory;
    found.canonical = path;
    found.inode = 1 + path.size();
    found.executable = true;
    return found;
  };
  probes.link = [](const std::string&) { return std::nullopt; };
  probes.accounts.uid_of = [](const std::string&) { return std::optional<std::uint32_t>(33); };
  probes.accounts.gid_of = [](const std::string&) { return std::optional<std::uint32_t>(33); };
  return probes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto layer = sbx::policy::read_toml(text, "fuzz.toml", "fuzz");
  if (!layer) {
    sbx::fuzz::expect_presentable(layer.error());
    return 0;
  }
  const std::vector<sbx::policy::PolicyLayer> layers{*std::move(layer)};
  const auto warnings = sbx::plan::check(layers, made_up_host(), {{"/home/somebody/.config/sbx"}});
  if (!warnings) {
    sbx::fuzz::expect_presentable(warnings.error());
  } else {
    for (const sbx::plan::Warning& warning : *warnings) {
      sbx::fuzz::expect_presentable({warning.text, 0, warning.origin, warning.hint});
    }
  }
  const auto policy = sbx::policy::merge(layers);
  if (!policy) {
    sbx::fuzz::expect_presentable(policy.error());
    return 0;
  }
  sbx::plan::Request request;
  request.command = {"/usr/bin/true"};
  const auto plan = sbx::plan::resolve(*policy, request, made_up_host(), made_up_probes());
  if (!plan) {
    sbx::fuzz::expect_presentable(plan.error());
    return 0;
  }
  sbx::fuzz::expect(!sbx::plan::to_text(*plan).empty(), "a plan can be printed");
  return 0;
}
