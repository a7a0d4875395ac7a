// SPDX-License-Identifier: Apache-2.0
// sbx run --explain: which file, exec and network calls fail because of the policy. The filter lets
// them run, so nobody is asked about them in an ordinary run; the kernel then answers ENOENT,
// EROFS, EACCES or ENETUNREACH, which a program would get from a bare machine as well. Watched,
// they go through the supervisor, which looks at the path inside and on the host, and lets every
// one run: what it sees decides nothing. Pure; the looking is supervise/watch.h's.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "plan/launch_plan.h"
#include "policy/policy.h"
#include "seccomp/remedy.h"

namespace sbx::plan {

// What a call wants of a path or an address.
enum class Want : std::uint8_t {
  Flags,  // as its open flags say
  Look,   // that it is there
  Read,
  Write,  // what is there, or its directory
  Make,   // that can be made there
  Execute,
  Connect,
  Bind,
};

struct WatchedCall {
  std::string_view name;
  int directory = -1;  // argument that is a directory's descriptor; -1: none
  int path = 0;  // argument that points to the path, the address, or the msghdr that names one
  Want want = Want::Look;
  int flags = -1;  // argument of the open flags, for Want::Flags; of openat2 its struct
};

std::span<const WatchedCall> watched_calls();

// Sends what the filter allows of these calls to the supervisor. Error: there is no listener.
Status watch_accesses(const policy::Policy& policy, LaunchPlan& plan);

// What was found at a path inside, and on the host, with the caller's own rights there.
struct PathLook {
  std::string place;          // absolute, inside
  bool there = false;         // inside
  bool parent_there = false;  // its directory, inside
};

struct HostLook {
  bool there = false;
  bool is_device = false;
  bool readable = false, writable = false, executable = false;
};

using HostLooker = std::function<HostLook(const std::string& host_path)>;

struct Refusal {
  std::string object;  // the path or address
  std::string answer;  // "ENOENT": what the kernel will say
  std::string rule;    // "not there: nothing in filesystem shows it"
  Origin origin{};
  seccomp::Remedy remedy{};
  bool is_network = false;
};

// Nothing: the call does not fail there, or would fail without the policy too.
std::optional<Refusal> refused_path(const LaunchPlan& plan, const PathLook& look, Want want,
                                    const HostLooker& host);
// The path of a socket of the host's that is not shown.
std::optional<Refusal> refused_socket(const LaunchPlan& plan, const PathLook& look,
                                      const HostLooker& host);
std::optional<Refusal> refused_address(const LaunchPlan& plan, const Destination& place,
                                       bool binds);

}  // namespace sbx::plan
