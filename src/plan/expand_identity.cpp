// SPDX-License-Identifier: Apache-2.0
// Who the sandboxee is, inside and outside.
#include <fmt/format.h>

#include "base/text.h"
#include "plan/expand.h"

namespace sbx::plan {
namespace {

// Started by root, every policy has an unprivileged uid of its own outside, the same at every
// start. The range is used by nobody: it lies between systemd's container ranges and 2^31 (systemd,
// "Users, Groups, UIDs and GIDs on systemd Systems").
constexpr std::uint32_t kFirstDerivedUid = 1'879'048'192;
constexpr std::uint32_t kDerivedUids = 1u << 16;

std::uint32_t derived_uid(const std::string& policy_name) {
  std::uint32_t hash = 2'166'136'261u;  // FNV-1a
  for (const char c : policy_name) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 16'777'619u;
  }
  return kFirstDerivedUid + (hash ^ (hash >> 16)) % kDerivedUids;
}

using IdOf = std::function<std::optional<std::uint32_t>(const std::string&)>;

Result<std::uint32_t> id_from(const policy::Text& setting, const IdOf& id_of, const char* what) {
  constexpr std::uint32_t kNoId = 0xffff'ffff;  // (uid_t)-1 means "do not change" to the kernel
  if (const auto number = parse_number(setting.value); number && *number < kNoId) {
    return static_cast<std::uint32_t>(*number);
  }
  if (const auto id = id_of(setting.value)) {
    return *id;
  }
  return Error{fmt::format("unknown {} {}", what, quote(setting.value)), 0, setting.origin,
               fmt::format("name one that is in /etc/{}, or give its number",
                           what == std::string_view("user") ? "passwd" : "group")};
}

// Only the command line may ask for the host's uid 0, never a file.
bool asks_for_host_root(const policy::Text& user, std::uint32_t uid) {
  return uid == 0 && !user.value.empty() && user.origin.line == 0 &&
         user.origin.source.starts_with("--user");
}

}  // namespace

Result<Identity> expand_identity(const policy::Policy& policy, const HostFacts& facts,
                                 const Probes& probes) {
  Identity id;
  id.inside_uid = id.outside_uid = facts.uid;
  id.inside_gid = id.outside_gid = facts.gid;
  id.user_name = facts.user_name;
  id.home = facts.home;

  const bool by_root = facts.uid == 0;
  if (by_root) {
    id.inside_uid = id.inside_gid = id.outside_uid = id.outside_gid = derived_uid(policy.name);
    id.user_name = "sbx";
    id.home = "/home/sbx";
    id.leave_root = true;
  }
  if (!policy.user.value.empty()) {
    const auto uid = id_from(policy.user, probes.accounts.uid_of, "user");
    if (!uid) {
      return uid.error();
    }
    id.origin = policy.user.origin;
    id.inside_uid = id.inside_gid = *uid;
    id.user_name = policy.user.value;
    if (by_root && asks_for_host_root(policy.user, *uid)) {
      id.outside_uid = id.outside_gid = 0;
      id.leave_root = false;
      id.home = facts.home;
    } else if (by_root && *uid != 0) {
      id.outside_uid = *uid;
      id.outside_gid = probes.accounts.gid_of(policy.user.value).value_or(*uid);
      id.inside_gid = id.outside_gid;
    }
  }
  if (!policy.group.value.empty()) {
    const auto gid = id_from(policy.group, probes.accounts.gid_of, "group");
    if (!gid) {
      return gid.error();
    }
    id.inside_gid = *gid;
    if (id.leave_root && *gid != 0) {
      id.outside_gid = *gid;
    }
  }
  return id;
}

}  // namespace sbx::plan
