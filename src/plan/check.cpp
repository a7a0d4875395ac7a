// SPDX-License-Identifier: Apache-2.0
#include "plan/check.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "base/text.h"
#include "plan/expand.h"
#include "plan/warn.h"
#include "policy/merge.h"
#include "seccomp/compile.h"
#include "seccomp/syscall_table.h"

namespace sbx::plan {
namespace {

using policy::Caution;
using policy::Policy;

void warn_of_settings(const Examined& examined, Warnings& warnings) {
  const Policy& policy = examined.policy;
  if (policy.wx.value == "allow") {
    warnings.push_back({Caution::WriteExecuteMemory,
                        "memory.wx = \"allow\" lets memory be writable and executable",
                        policy.wx.origin,
                        "only programs that compile to memory need it (JIT)"});
  } else if (policy.memfd.value == "allow") {
    warnings.push_back({Caution::Memfd,
                        "memory.memfd = \"allow\" leads round memory.wx = \"deny\"",
                        policy.memfd.origin,
                        "what is written to an anonymous file can be mapped executable"});
  }
  if (policy.network_mode.value == "host") {
    warnings.push_back({Caution::HostNetwork, "network.mode = \"host\" shares the host's network",
                        policy.network_mode.origin,
                        "every service of this machine and its networks can be reached"});
  }
  if (policy.on_violation.value == "log") {
    warnings.push_back({Caution::LogOnly, "report.on-violation = \"log\" lets denied calls run",
                        policy.on_violation.origin,
                        "to try a policy out; \"errno\" or \"kill\" confines"});
  }
  if (policy.env_pass.value == "all") {
    warnings.push_back({Caution::WholeEnvironment,
                        "environment.pass = \"all\" passes every variable of the caller on",
                        policy.env_pass.origin,
                        "name what the program needs: environment.keep = [\"NAME\"]"});
  }
}

// Takes out what the policy accepts, and warns of what it accepts in vain.
void apply_acceptances(const Examined& examined, Warnings& warnings) {
  for (const policy::LayeredName& accepted : examined.policy.accept) {
    const auto caution = policy::find_caution(policy::split_acceptance(accepted.value).name);
    const std::size_t taken = std::erase_if(warnings, [&](const Warning& warning) {
      return warning.caution == caution && examined.layer_of(warning.origin) <= accepted.layer;
    });
    if (taken == 0 && examined.is_own(accepted.layer)) {
      warnings.push_back({Caution::UnusedAccept,
                          fmt::format("policy.accept = {} accepts nothing", quote(accepted.value)),
                          accepted.origin, "take it out"});
    }
  }
}

Status check_rest(const Policy& policy, const HostFacts& facts) {
  if (const auto connect = expand_connect(policy, facts); !connect) {
    return connect.error();
  }
  if (const auto bind = expand_bind(policy); !bind) {
    return bind.error();
  }
  if (const auto publish = expand_publish(policy); !publish) {
    return publish.error();
  }
  if (const auto limits = expand_limits(policy); !limits) {
    return limits.error();
  }
  if (const auto namespaces = expand_namespaces(policy); !namespaces) {
    return namespaces.error();
  }
  return {};
}

}  // namespace

int Examined::layer_of(const Origin& origin) const {
  for (std::size_t i = layers.size(); i-- > 0;) {
    if (!layers[i].source.empty() && layers[i].source == origin.source) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

bool Examined::is_own(int layer) const {
  int own_layer = static_cast<int>(layers.size()) - 1;
  while (own_layer > 0 && layers[static_cast<std::size_t>(own_layer)].name.ends_with(".local")) {
    --own_layer;
  }
  return layer >= own_layer;
}

const std::vector<seccomp::Rule>* rules_of(const seccomp::FilterSpec& filter,
                                           std::string_view call) {
  const auto number = seccomp::number_of(filter.arch, call);
  const auto found = number ? filter.calls.find(*number) : filter.calls.end();
  return found == filter.calls.end() ? nullptr : &found->second;
}

std::string shortened(const std::vector<std::string>& words, std::size_t most) {
  std::string text;
  for (std::size_t i = 0; i < words.size() && i < most; ++i) {
    text += (i == 0 ? "" : i + 1 == words.size() ? " and " : ", ") + words[i];
  }
  return words.size() > most ? fmt::format("{} and {} more", text, words.size() - most) : text;
}

Result<std::vector<Warning>> check(const std::vector<policy::PolicyLayer>& layers,
                                   const HostFacts& facts, const std::vector<OwnPath>& own) {
  const auto policy = policy::merge(layers);
  if (!policy) {
    return policy.error();
  }
  SBX_TRY(check_rest(*policy, facts));
  const auto filter = expand_filter(*policy, facts);
  if (!filter) {
    return filter.error();
  }
  const auto program = seccomp::compile(*filter);
  if (!program) {
    return program.error();
  }
  SBX_TRY(seccomp::verify(*filter, *program));

  const Examined examined{layers, *policy, *filter, facts, own};
  Warnings warnings;
  warn_of_settings(examined, warnings);
  warn_of_paths(examined, warnings);
  warn_of_calls(examined, warnings);
  warn_of_siblings(examined, warnings);
  apply_acceptances(examined, warnings);
  std::stable_sort(warnings.begin(), warnings.end(), [&](const Warning& a, const Warning& b) {
    return std::tuple(examined.layer_of(a.origin), a.origin.line, a.origin.column) <
           std::tuple(examined.layer_of(b.origin), b.origin.line, b.origin.column);
  });
  return warnings;
}

}  // namespace sbx::plan
