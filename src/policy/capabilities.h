// SPDX-License-Identifier: Apache-2.0
// The capabilities of Linux, and what each is worth in a user namespace of one's own with one user
// id in it (capabilities(7), user_namespaces(7), kernel/capability.c of 6.18: capable() asks for the
// initial namespace, ns_capable() for the object's).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace sbx::policy {

struct Capability {
  enum class Effect : std::uint8_t {
    Works,    // over what the own namespaces hold
    Inert,    // the kernel asks for it in the initial namespace, or there is nobody else inside
    Refused,  // it could undo the confinement
  };
  std::string_view name;    // "CAP_NET_RAW"; its number is its place in the table
  Effect effect = Effect::Inert;
  std::string_view reason;  // what it opens, why it has no effect, why it is refused
};

// By number, from CAP_CHOWN (0) to CAP_CHECKPOINT_RESTORE (40).
std::span<const Capability> capabilities();

// Null for an unknown name.
const Capability* find_capability(std::string_view name);

}  // namespace sbx::policy
