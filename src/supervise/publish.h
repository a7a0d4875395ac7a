// SPDX-License-Identifier: Apache-2.0
// Published ports: opened outside before anything starts, so that a taken port is a clear error,
// and injected (SECCOMP_IOCTL_NOTIF_ADDFD) when the sandboxee binds the port inside. From then on
// traffic never passes through sbx.
//
// The injected socket belongs to the outside network namespace and would be a way out if it, or a
// connection accepted from it, could become a client. See mediate_connect.
#pragma once

#include <vector>

#include "base/result.h"
#include "plan/launch_plan.h"
#include "sys/unique_fd.h"

namespace sbx::supervise {

// One published port's sockets, bound outside but not listening: one for each kind of socket that
// the sandboxee may bind, since neither family nor IPV6_V6ONLY can be changed after bind, and since
// sbx may have left root by then, without which a low port cannot be bound again. For an IPv4
// address: `ipv4`, and `ipv6` bound to the v4-mapped address for dual-stack programs. For an IPv6
// address: `ipv6` (IPV6_V6ONLY = 0) and `ipv6_only`.
struct PublishedSocket {
  sys::UniqueFd ipv4;
  sys::UniqueFd ipv6;
  sys::UniqueFd ipv6_only;
};

// Binds all of plan.publish, outside. Errors: port taken, address not of this host, no permission
// for a low port; each with the entry's origin and a hint. Called before sbx leaves root.
Result<std::vector<PublishedSocket>> open_published(const std::vector<plan::Publish>& publish);

}  // namespace sbx::supervise
