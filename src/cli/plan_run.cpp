// SPDX-License-Identifier: Apache-2.0
#include "cli/plan_run.h"

#include "base/path.h"
#include "cli/foreign.h"
#include "cli/policies.h"
#include "cli/run_layer.h"
#include "host/name_servers.h"
#include "host/probe.h"
#include "plan/resolve.h"
#include "plan/watch.h"
#include "policy/capabilities.h"

namespace sbx::cli {
namespace {

struct Chosen {
  policy::PolicyFile file;
  bool by_default = false;
};

Result<Chosen> choose_policy(const Command& command, const Library& library) {
  if (!command.policy.value.empty()) {
    auto file = policy::find_policy(command.policy.value, library.search, library.files);
    if (!file) {
      Error error = std::move(file).error();
      if (to_text(error.origin).empty()) {
        error.origin = command.policy.origin;
      }
      return error;
    }
    return Chosen{*std::move(file), false};
  }
  const std::string program(path::basename(command.operands.front()));
  auto own = policy::policy_for_program(program, library.search, library.files);
  if (!own) {
    return std::move(own).error();
  }
  if (*own) {
    return Chosen{*std::move(*own), false};
  }
  auto file = policy::find_policy("default", library.search, library.files);
  if (!file) {
    return std::move(file).error();
  }
  return Chosen{*std::move(file), true};
}

// --seccomp FILE: what the profile says about system calls in place of what the policy does. The rest
// of the policy stays, its W^X and network too. Profiles depend on the capabilities that are kept.
Status take_profile(const Command& command, const policy::PolicyFile& chosen,
                    std::vector<policy::PolicyLayer>& layers) {
  const auto policy = policy::merge(layers);
  if (!policy) {
    return policy.error();
  }
  ForeignRequest request{.file = command.seccomp.value, .from = "docker", .compat = command.compat};
  for (const policy::Text& name : policy->capabilities) {
    if (const policy::Capability* known = policy::find_capability(name.value)) {
      request.capabilities |= std::uint64_t{1} << (known - policy::capabilities().data());
    }
  }
  ForeignFiles files({});  // of no use to a format without includes
  auto foreign = import_file(request, files);
  if (!foreign) {
    Error error = std::move(foreign).error();
    if (to_text(error.origin).empty()) {
      error.origin = command.seccomp.origin;
    }
    return error;
  }
  policy::PolicyLayer profile{chosen.name, command.seccomp.value, {}, {}};
  for (auto& [key, value] : foreign->import.layer.values) {
    if (policy::info(key).table == "seccomp") {
      profile.values.emplace(key, std::move(value));
    }
  }
  layers.push_back(std::move(profile));
  return {};
}

}  // namespace

Result<Planned> plan_run(const Command& command, const plan::HostFacts& facts,
                         const std::function<void(std::string_view stage)>& lap,
                         const Instead& instead) {
  const Library library = open_library();
  const auto chosen = instead.file ? Result<Chosen>(Chosen{*instead.file, false})
                                   : choose_policy(command, library);
  if (!chosen) {
    return chosen.error();
  }
  auto layers = policy::load_layers(chosen->file, library.search, library.files);
  if (!layers) {
    return std::move(layers).error();
  }
  if (!command.seccomp.value.empty()) {
    SBX_TRY(take_profile(command, chosen->file, *layers));
  }
  if (instead.below) {
    layers->insert(layers->begin(), *instead.below);
  }
  if (instead.between) {
    layers->push_back(*instead.between);
  }
  policy::PolicyLayer options = command.layer;
  SBX_TRY(complete(options, facts.cwd));
  layers->push_back(std::move(options));
  auto policy = policy::merge(*layers);
  if (!policy) {
    return std::move(policy).error();
  }
  plan::HostFacts known = facts;
  if (policy->asks_host_dns()) {
    known.name_servers = host::name_servers();
  }
  lap("read and merge the policy");
  const plan::Request request{.command = instead.command_may_be_hidden ? std::vector<std::string>{}
                                                                       : command.operands,
                              .keep_fds = command.keep_fds,
                              .allow_degraded = command.allow_degraded,
                              .own_paths = own_paths(library, known, *layers)};
  Status looked;
  auto plan = plan::resolve(*policy, request, known, host::probes(looked));
  SBX_TRY(looked);
  if (!plan) {
    return std::move(plan).error();
  }
  if (command.explain) {
    SBX_TRY(plan::watch_accesses(*policy, *plan));
  }
  lap("resolve the plan");
  return Planned{*std::move(plan), chosen->by_default, chosen->file, *std::move(layers)};
}

}  // namespace sbx::cli
