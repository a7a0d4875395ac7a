// SPDX-License-Identifier: Apache-2.0
// Reads the real machine into plan::HostFacts, and the real path probe.
#pragma once

#include "base/result.h"
#include "plan/host_facts.h"

namespace sbx::host {

// An Error if sbx is setuid, setgid or has file capabilities: it never holds a privilege that its
// user lacks.
Status refuse_borrowed_privilege();

// Errors: that one; a kernel that is too old; a current directory that is gone.
Result<plan::HostFacts> probe();

//
// `failure` gets the first question that the kernel did not answer: a path that is there must not pass
// for missing, and its mount be left out, because descriptors or memory were short. To be looked at
// after resolve, and to outlive the Probes.
plan::Probes probes(Status& failure);

// Nothing of a file that cannot be read (errno_value says why), is no ELF file of 64 bits and no script.
plan::ProgramFacts probe_program(const std::string& path, int& errno_value);

// Where this user may make cgroups, if anywhere.
plan::CgroupFacts probe_cgroup();

}  // namespace sbx::host
