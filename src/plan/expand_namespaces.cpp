// SPDX-License-Identifier: Apache-2.0
// [namespaces] and [capabilities]: both are about what the command may do in namespaces of its own.
#include <linux/sched.h>

#include "policy/capabilities.h"
#include "plan/expand.h"
#include "plan/namespaces.h"

namespace sbx::plan {
namespace {

using policy::Key;

// What the policy says of a kind, or what holds when it says nothing.
bool wants(const policy::Policy& policy, Key key, bool otherwise) {
  const auto found = policy.namespaces.find(key);
  return found == policy.namespaces.end() ? otherwise : found->second.value;
}

Status check_network(const policy::Policy& policy, bool own_network) {
  const auto net = policy.namespaces.find(Key::NamespacesNet);
  if (net == policy.namespaces.end() || net->second.value == own_network) {
    return {};
  }
  return Error{own_network ? "namespaces.net = false, but network.mode = " + policy.network_mode.value +
                                 " is a network of its own"
                           : std::string("namespaces.net = true, but network.mode = host shares the host's"),
               0, net->second.origin,
               own_network ? "write network.mode = \"host\", which says what it means"
                           : "write network.mode = \"private\" or \"none\""};
}

Status check_hostname(const policy::Policy& policy, bool own_uts) {
  const bool is_set = policy.hostname.origin.source != "built in";
  if (own_uts || !is_set) {
    return {};
  }
  return Error{"identity.hostname needs an own uts namespace, and namespaces.uts is false", 0,
               policy.namespaces.at(Key::NamespacesUts).origin, "take one of the two out"};
}

Status check_nested(const policy::Policy& policy, const Namespaces& namespaces) {
  if (namespaces.nested == 0) {
    return {};
  }
  if ((namespaces.nested & CLONE_NEWUSER) == 0) {
    return Error{"namespaces.nested without \"user\": every other kind needs CAP_SYS_ADMIN, which the "
                 "command has only in a user namespace that it makes",
                 0, namespaces.nested_origin, "add \"user\" to the list"};
  }
  // The map of ids is written to /proc, and through a /proc that can be written every process can
  // change its own code (/proc/self/mem). A tmpfs mounted inside can be executed, too.
  if (policy.wx.value != "allow") {
    return Error{"namespaces.nested and memory.wx = deny contradict each other: mapping ids needs a "
                 "/proc that can be written, and with that a program can change its own code",
                 0, namespaces.nested_origin, "write memory.wx = \"allow\" as well"};
  }
  return {};
}

}  // namespace

Result<Namespaces> expand_namespaces(const policy::Policy& policy) {
  const bool own_network = policy.network_mode.value != "host";
  const bool own_uts = wants(policy, Key::NamespacesUts, true);
  SBX_TRY(check_network(policy, own_network));
  SBX_TRY(check_hostname(policy, own_uts));
  Namespaces namespaces;
  namespaces.own = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID;
  namespaces.own |= own_network ? std::uint64_t{CLONE_NEWNET} : 0;
  namespaces.own |= own_uts ? std::uint64_t{CLONE_NEWUTS} : 0;
  namespaces.own |= wants(policy, Key::NamespacesIpc, true) ? std::uint64_t{CLONE_NEWIPC} : 0;
  namespaces.own |= wants(policy, Key::NamespacesCgroup, true) ? std::uint64_t{CLONE_NEWCGROUP} : 0;
  namespaces.own |= wants(policy, Key::NamespacesTime, false) ? std::uint64_t{CLONE_NEWTIME} : 0;
  namespaces.nested = flags_of(policy.nested);
  if (!policy.nested.empty()) {
    namespaces.nested_origin = policy.nested.back().origin;
  }
  SBX_TRY(check_nested(policy, namespaces));
  return namespaces;
}

std::uint64_t expand_capabilities(const policy::Policy& policy) {
  std::uint64_t kept = 0;
  for (const policy::Text& name : policy.capabilities) {
    if (const auto* capability = policy::find_capability(name.value)) {
      kept |= std::uint64_t{1} << (capability - policy::capabilities().data());
    }
  }
  return kept;
}

}  // namespace sbx::plan
