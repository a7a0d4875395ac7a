// SPDX-License-Identifier: Apache-2.0
#include "supervise/outgoing_message.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/uio.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "supervise/address_text.h"
#include "supervise/process_facts.h"
#include "sys/process.h"
#include "sys/process_memory.h"

namespace sbx::supervise {
namespace {

constexpr std::size_t kMostData = 256 * 1024;
constexpr std::size_t kMostControl = 4096;
constexpr std::size_t kMostVectors = 1024;  // UIO_MAXIOV
constexpr int kUdpSegment = 103;

// All of it or EFAULT.
int copy_whole(pid_t thread, std::uint64_t address, std::span<std::byte> into) {
  while (!into.empty()) {
    const std::int64_t copied = sys::copy_memory(thread, address, into);
    if (copied <= 0) {
      return copied < 0 ? static_cast<int>(-copied) : EFAULT;
    }
    address += static_cast<std::uint64_t>(copied);
    into = into.subspan(static_cast<std::size_t>(copied));
  }
  return 0;
}

int append(pid_t thread, std::uint64_t address, std::uint64_t length, bool is_stream,
           std::vector<std::byte>& data) {
  const std::size_t room = kMostData - data.size();
  if (length > room && !is_stream) {
    return EMSGSIZE;
  }
  const std::size_t taken = std::min<std::uint64_t>(length, room);
  const std::size_t before = data.size();
  data.resize(before + taken);
  return copy_whole(thread, address, std::span(data).subspan(before));
}

// What travels with a datagram and leads it nowhere else.
bool is_harmless(const cmsghdr& header) {
  switch (header.cmsg_level) {
    case IPPROTO_UDP:
      return header.cmsg_type == kUdpSegment;
    case IPPROTO_IP:
      return header.cmsg_type == IP_TOS || header.cmsg_type == IP_TTL;
    case IPPROTO_IPV6:
      return header.cmsg_type == IPV6_TCLASS || header.cmsg_type == IPV6_HOPLIMIT;
    default:
      return false;
  }
}

// The caller's numbers in an SCM_RIGHTS message become ours.
int take_passed(pid_t thread, std::span<std::byte> numbers, std::vector<sys::UniqueFd>& passed) {
  const sys::UniqueFd process(open_process_of(thread));
  if (!process) {
    return EPERM;
  }
  for (std::size_t at = 0; at + sizeof(int) <= numbers.size(); at += sizeof(int)) {
    int number = 0;
    std::memcpy(&number, &numbers[at], sizeof number);
    const int taken = sys::take_descriptor(process.get(), number);
    if (taken < 0) {
      return -taken;
    }
    passed.emplace_back(taken);
    std::memcpy(&numbers[at], &taken, sizeof taken);
  }
  return 0;
}

}  // namespace

int copy_sendto(pid_t thread, const seccomp_data& call, OutgoingMessage& message) {
  const auto& arguments = call.args;
  if (arguments[4] != 0) {
    if (const int error = copy_address(thread, arguments[4], arguments[5], message.address);
        error != 0) {
      return error;
    }
  }
  return append(thread, arguments[1], arguments[2], false, message.data);
}

int copy_sendmsg(pid_t thread, std::uint64_t header, bool is_stream, OutgoingMessage& message) {
  msghdr copy{};
  if (const int error = copy_whole(thread, header, std::as_writable_bytes(std::span(&copy, 1)));
      error != 0) {
    return error;
  }
  const auto pointer = [](const void* value) {
    return std::uint64_t{std::bit_cast<std::uintptr_t>(value)};
  };
  // copy_msghdr_from_user: a length without a name, or a name without a length, is no name; one
  // that is too long is cut.
  if (copy.msg_name != nullptr && copy.msg_namelen != 0) {
    const auto length = std::min<std::uint64_t>(copy.msg_namelen, sizeof(sockaddr_storage));
    if (const int error = copy_address(thread, pointer(copy.msg_name), length, message.address);
        error != 0) {
      return error;
    }
  }
  if (copy.msg_iovlen > kMostVectors || copy.msg_controllen > kMostControl) {
    return copy.msg_iovlen > kMostVectors ? EMSGSIZE : ENOBUFS;
  }
  std::vector<iovec> vectors(copy.msg_iovlen);
  if (const int error = copy_whole(thread, pointer(copy.msg_iov),
                                   std::as_writable_bytes(std::span(vectors)));
      error != 0) {
    return error;
  }
  for (const iovec& vector : vectors) {
    if (const int error =
            append(thread, pointer(vector.iov_base), vector.iov_len, is_stream, message.data);
        error != 0) {
      return error;
    }
  }
  message.control.resize(copy.msg_control == nullptr ? 0 : copy.msg_controllen);
  return copy_whole(thread, pointer(copy.msg_control), message.control);
}

int check_control(pid_t thread, OutgoingMessage& message) {
  std::size_t at = 0;
  while (at + sizeof(cmsghdr) <= message.control.size()) {
    cmsghdr header{};
    std::memcpy(&header, &message.control[at], sizeof header);
    if (header.cmsg_len < sizeof header || header.cmsg_len > message.control.size() - at) {
      return EINVAL;  // CMSG_OK
    }
    if (header.cmsg_level == SOL_SOCKET && header.cmsg_type == SCM_RIGHTS) {
      const auto numbers = std::span(message.control)
                               .subspan(at + CMSG_LEN(0), header.cmsg_len - CMSG_LEN(0));
      if (const int error = take_passed(thread, numbers, message.passed); error != 0) {
        return error;
      }
    } else if (!is_harmless(header)) {
      return EPERM;
    }
    at += CMSG_ALIGN(header.cmsg_len);
  }
  return 0;
}

std::int64_t send_now(int socket, const OutgoingMessage& message, int flags) {
  iovec vector{const_cast<std::byte*>(message.data.data()), message.data.size()};
  msghdr header{};
  sys::SocketAddress address = message.address;
  if (address.length > 0) {
    header.msg_name = address.data();
    header.msg_namelen = address.length;
  }
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  if (!message.control.empty()) {
    header.msg_control = const_cast<std::byte*>(message.control.data());
    header.msg_controllen = message.control.size();
  }
  const ssize_t sent = ::sendmsg(socket, &header, flags | MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent < 0 ? -errno : sent;
}

}  // namespace sbx::supervise
