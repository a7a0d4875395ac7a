// SPDX-License-Identifier: Apache-2.0
// The audit subsystem's multicast group AUDIT_NLGRP_READLOG (netlink(7), linux/audit.h): every
// record that the kernel makes, whether an audit daemon runs or not, beside it and without taking
// anything from it. Needs CAP_AUDIT_READ in the initial user namespace.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sys/unique_fd.h"

namespace sbx::sys {

// A descriptor that polls as readable; EPERM without the capability.
Result<UniqueFd> open_audit_multicast();

struct AuditMessage {
  unsigned type = 0;         // AUDIT_*
  std::string_view payload;  // "audit(SECONDS.mmm:SERIAL): …"; valid until the buffer changes
};

enum class AuditRead { Message, Nothing, Overrun };

// Takes one message. Overrun: the kernel had more of them than the socket holds, some are lost.
Result<AuditRead> read_audit_message(int fd, std::string& buffer, AuditMessage& message);

}  // namespace sbx::sys
