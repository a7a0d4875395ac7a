// SPDX-License-Identifier: Apache-2.0
// Reads the real machine into plan::HostFacts, and the real path probe.
#pragma once

#include "base/result.h"
#include "plan/host_facts.h"

namespace sbx::host {

// Errors: sbx is setuid, setgid or has file capabilities (it never holds a privilege its user
// lacks); an unsupported kernel or machine.
Result<plan::HostFacts> probe();

plan::Probes probes();

}  // namespace sbx::host
