// SPDX-License-Identifier: Apache-2.0
#include "host/degradation.h"

#include <algorithm>

#include "host/doctor.h"
#include "host/trial.h"

namespace sbx::host {

Status try_what_may_be_missing(const std::vector<std::string>& allowed, plan::HostFacts& facts) {
  const auto is_allowed = [&](const char* name) {
    return std::find(allowed.begin(), allowed.end(), name) != allowed.end();
  };
  if (!is_allowed("userns") && !is_allowed("notify")) {
    return {};
  }
  const auto trials = try_launch();
  if (!trials) {
    return trials.error();
  }
  if (is_allowed("userns")) {
    for (std::size_t trial = 0; trial <= static_cast<std::size_t>(Trial::LowPorts); ++trial) {
      facts.has_namespaces = facts.has_namespaces && trials->passed(static_cast<Trial>(trial));
    }
  }
  if (is_allowed("notify")) {
    facts.has_listener = trials->passed(Trial::Listener) && trials->passed(Trial::TakeDescriptor);
  }
  return {};
}

std::string cause_of_failure() {
  const auto facts = collect();
  if (!facts) {
    return "";
  }
  for (const Finding& finding : examine(*facts)) {
    if (finding.state == Finding::State::Broken) {
      return finding.subject + " " + finding.fact + ": " + finding.consequence +
             (finding.remedy.empty() ? "" : "; " + finding.remedy);
    }
  }
  return "";
}

}  // namespace sbx::host
