// SPDX-License-Identifier: Apache-2.0
// A message that a caller wants to send, copied once: sendto(2), sendmsg(2), sendmmsg(2).
#pragma once

#include <linux/seccomp.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sys/socket_options.h"
#include "sys/unique_fd.h"

namespace sbx::supervise {

struct OutgoingMessage {
  sys::SocketAddress address;  // length 0: none was given
  std::vector<std::byte> data;
  std::vector<std::byte> control;      // ready to be sent from our process
  std::vector<sys::UniqueFd> passed;   // descriptors in `control` (SCM_RIGHTS)
  sys::UniqueFd path;                  // O_PATH of an AF_UNIX address
};

// Each returns 0 or the errno that the kernel would give. Bounds: 256 KiB of data (a stream sends
// the first part, a datagram of that size is EMSGSIZE), 1024 vectors, 4 KiB of control data.
int copy_sendto(pid_t thread, const seccomp_data& call, OutgoingMessage& message);
// `header` is the address of a struct msghdr; `is_stream`: the data may be cut.
int copy_sendmsg(pid_t thread, std::uint64_t header, bool is_stream, OutgoingMessage& message);

// Control data may choose another source, interface or route; taken are the sizes and marks of
// datagrams (UDP_SEGMENT, IP_TOS, IP_TTL, IPV6_TCLASS, IPV6_HOPLIMIT), and descriptors. EPERM for
// the rest.
int check_control(pid_t thread, OutgoingMessage& message);

// sendmsg(2) that never waits: bytes or a negative errno.
std::int64_t send_now(int socket, const OutgoingMessage& message, int flags);

}  // namespace sbx::supervise
