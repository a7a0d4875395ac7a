// SPDX-License-Identifier: Apache-2.0
#include "sys/audit_multicast.h"

#include <linux/audit.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace sbx::sys {
namespace {

constexpr std::size_t kMostBytes = 32u << 10;
constexpr int kSocketBytes = 8 << 20;  // some 20'000 records between two reads

}  // namespace

Result<UniqueFd> open_audit_multicast() {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_AUDIT));
  if (!fd) {
    return Error{"cannot open an audit socket", errno};
  }
  // A smaller buffer than asked for is no error: an overrun is told.
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kSocketBytes, sizeof kSocketBytes);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = 1u << (AUDIT_NLGRP_READLOG - 1);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return Error{"cannot listen to the kernel's audit records", errno};
  }
  return fd;
}

Result<AuditRead> read_audit_message(int fd, std::string& buffer, AuditMessage& message) {
  buffer.resize(kMostBytes);
  sockaddr_nl sender{};
  iovec part{buffer.data(), buffer.size()};
  msghdr header{};
  header.msg_name = &sender;
  header.msg_namelen = sizeof sender;
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  const ssize_t length = ::recvmsg(fd, &header, 0);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
    return AuditRead::Nothing;
  }
  if (length < 0 && errno == ENOBUFS) {
    return AuditRead::Overrun;
  }
  if (length < 0) {
    return Error{"cannot read the kernel's audit records", errno};
  }
  nlmsghdr netlink{};
  const bool whole = static_cast<std::size_t>(length) >= sizeof netlink &&
                     (header.msg_flags & MSG_TRUNC) == 0 && sender.nl_pid == 0;
  message = {};
  if (!whole) {
    return AuditRead::Message;  // of type 0: not the kernel's, or none
  }
  std::memcpy(&netlink, buffer.data(), sizeof netlink);
  // Not nlmsg_len: kernels before 3.16 counted the payload alone. The datagram has the one message.
  message.type = netlink.nlmsg_type;
  message.payload = std::string_view(buffer).substr(
      sizeof netlink, static_cast<std::size_t>(length) - sizeof netlink);
  return AuditRead::Message;
}

}  // namespace sbx::sys
