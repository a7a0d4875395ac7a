// SPDX-License-Identifier: Apache-2.0
// A host that is no host in particular: for what must not depend on the machine, such as comparing
// two policies in a repository's checks.
#pragma once

#include "plan/host_facts.h"

namespace sbx::plan {

// An ordinary user's, with all that the newest kernel offers.
HostFacts neutral_facts(seccomp::Arch arch);

// Every path is there: a device below /dev, else a directory. No symbolic links. Every account has
// an id.
Probes neutral_probes();

}  // namespace sbx::plan
