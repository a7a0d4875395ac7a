// SPDX-License-Identifier: Apache-2.0
// What --allow-degraded permits to do without is asked for only then: a trial costs milliseconds.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "plan/host_facts.h"

namespace sbx::host {

// Sets has_namespaces and has_listener by trial, as far as `allowed` names userns and notify.
Status try_what_may_be_missing(const std::vector<std::string>& allowed, plan::HostFacts& facts);

// What is broken on this host for a launch, in one line: what, why, what follows, what to do. Empty
// if nothing is found.
std::string cause_of_failure();

}  // namespace sbx::host
