// SPDX-License-Identifier: Apache-2.0
// The expanders that resolve calls, one file each. Each reads the policy and the facts and fills its
// part of the plan; none looks at what another has filled, but for what its parameters name.
#pragma once

#include "base/result.h"
#include "plan/resolve.h"

namespace sbx::plan {

// identity: ids inside and outside, user name and home.
Result<Identity> expand_identity(const policy::Policy& policy, const HostFacts& facts,
                                 const Probes& probes);

// The policy with what [desktop] asks for as entries of its lists and variables. Error: what is not
// there, unless it is optional.
Result<policy::Policy> expand_desktop(const policy::Policy& policy, const HostFacts& facts,
                                      const Probes& probes);

// The new root, in the order of execution.
Result<std::vector<MountOp>> expand_filesystem(const policy::Policy& policy,
                                               const Identity& identity, const HostFacts& facts,
                                               const Probes& probes);

// What keeps sbx's own files as they are below what was granted writable, and out of sight below
// what was granted at all; to be done after all other mounts. Error: a grant of the files themselves.
Result<std::vector<MountOp>> expand_own_files(const std::vector<OwnPath>& own,
                                              const std::vector<MountOp>& mounts,
                                              const Probes& probes);

// [namespaces]: which are own, which the command may make. Errors: what contradicts network.mode,
// identity.hostname or memory.wx; nested kinds without "user".
Result<Namespaces> expand_namespaces(const policy::Policy& policy);

// capabilities.keep as a mask.
std::uint64_t expand_capabilities(const policy::Policy& policy);

// The same once more as Landlock rules. An Error where the kernel has none, or an older ABI than
// landlock.require, and the loss was not allowed by name.
Result<Landlock> expand_landlock(const std::vector<MountOp>& mounts, const Namespaces& namespaces,
                                 const policy::Policy& policy, const Request& request,
                                 const HostFacts& facts);

// What the policy opens that is closed by default.
std::vector<Opening> expand_openings(const policy::Policy& policy);

// The system call filter. Precedence for a call: what sbx itself needs (W^X, namespaces, published
// sockets) before the policy's conditional rules, before its unconditional ones by name, before those
// by group; within a rank the later layer, then deny.
Result<seccomp::FilterSpec> expand_filter(const policy::Policy& policy, const HostFacts& facts);

// "[address:]outside:inside[/tcp]"; an address without brackets for IPv4, with for IPv6; no address:
// 127.0.0.1, since a port that nobody asked to show should not be shown to the network.
Result<std::vector<Publish>> expand_publish(const policy::Policy& policy);

// report.log, sinks and notify-command. An Error for a sink that is none.
Result<Reporting> expand_report(const policy::Policy& policy);

// An Error where a terminal is there and the policy wants the command to have none.
Result<Terminal> expand_terminal(const policy::Policy& policy, const HostFacts& facts);

// The numeric addresses of network.dns, three at most (resolv.conf(5), MAXNS).
Result<std::vector<policy::Text>> expand_dns(const policy::Policy& policy, const HostFacts& facts);

// network.connect, with port 53 of the name servers, and network.bind (plan/address_rules.h has
// their grammar).
Result<AddressRules> expand_connect(const policy::Policy& policy, const HostFacts& facts);
Result<AddressRules> expand_bind(const policy::Policy& policy);

Result<std::vector<ResourceLimit>> expand_limits(const policy::Policy& policy);

// Which limits a cgroup enforces, taken out of `limits` where it does so alone; nothing if no limit
// wants one. What gets none although it needs one is an Error, or in `degraded` if that was allowed by
// name ("cgroup").
Result<std::optional<Cgroup>> expand_cgroup(const policy::Policy& policy, const Identity& identity,
                                            const Request& request, const Probes& probes,
                                            std::vector<ResourceLimit>& limits,
                                            std::vector<std::string>& degraded);

std::vector<std::string> expand_environment(const policy::Policy& policy, const Identity& identity,
                                            const HostFacts& facts);

}  // namespace sbx::plan
