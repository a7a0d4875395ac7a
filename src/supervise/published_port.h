// SPDX-License-Identifier: Apache-2.0
// One socket of a published port, bound outside; private to publish.cpp and the mediation of bind.
#pragma once

#include "plan/launch_plan.h"
#include "sys/socket_options.h"
#include "sys/unique_fd.h"

namespace sbx::supervise {

// What the sandboxee binds inside decides what is bound outside.
enum class SocketKind : std::uint8_t { Ipv4, DualStack, Ipv6Only };

// The address outside, for a socket of that kind; an IPv4 address is v4-mapped for DualStack.
sys::SocketAddress outside_address(const plan::Publish& publish, SocketKind kind);

// Binds it. The errno is negative in place of the descriptor. `share`: SO_REUSEPORT, for a
// sandboxee that binds one port from several processes.
int bind_outside(const plan::Publish& publish, SocketKind kind, bool share);

}  // namespace sbx::supervise
