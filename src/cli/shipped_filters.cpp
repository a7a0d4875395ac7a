// SPDX-License-Identifier: Apache-2.0
#include "cli/shipped_filters.h"

#include <algorithm>

#include "plan/expand.h"
#include "plan/neutral_host.h"
#include "policy/merge.h"
#include "seccomp/evaluate.h"

namespace sbx::cli {

Result<std::vector<ShippedFilter>> shipped_filters(const Library& library) {
  const policy::SearchPath shipped{{}, library.search.installed};
  const plan::HostFacts facts = plan::neutral_facts(seccomp::native_arch());
  std::vector<ShippedFilter> filters;
  for (const policy::PolicyFile& file : policy::list_policies(shipped, library.files)) {
    const auto layers = policy::load_layers(file, shipped, library.files);
    if (!layers) {
      return layers.error();
    }
    const auto policy = policy::merge(*layers);
    if (!policy) {
      return policy.error();
    }
    auto filter = plan::expand_filter(*policy, facts);
    if (!filter) {
      return std::move(filter).error();
    }
    filters.push_back({file.name, std::move(*filter)});
  }
  return filters;
}

Stance stance_on(const seccomp::FilterSpec& filter, int number) {
  const auto found = filter.calls.find(number);
  if (found == filter.calls.end()) {
    return seccomp::lets_run(filter.denied) ? Stance::Allowed : Stance::Denied;
  }
  const std::vector<seccomp::Rule>& rules = found->second;
  return std::all_of(rules.begin(), rules.end(), seccomp::lets_run)   ? Stance::Allowed
         : std::any_of(rules.begin(), rules.end(), seccomp::lets_run) ? Stance::Conditional
                                                                      : Stance::Denied;
}

}  // namespace sbx::cli
