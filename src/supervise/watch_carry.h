// SPDX-License-Identifier: Apache-2.0
// epoll(7) watches an open file, not a number: a socket that takes another's place is watched by
// nobody, and a program that registers its sockets before it connects them (nginx, Envoy, Asio)
// would wait for ever. So its watches are made again for the new one.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string_view>
#include <vector>

namespace sbx::supervise {

// One watch of a descriptor, as /proc/PID/fdinfo of an epoll instance has it.
struct Watch {
  int epoll = -1;  // the instance's descriptor in that process
  std::uint32_t events = 0;
  std::uint64_t data = 0;

  friend bool operator==(const Watch&, const Watch&) = default;
};

// What the epoll instances of that thread's process watch the descriptor for.
std::vector<Watch> watches_on(pid_t thread, int descriptor);
// One instance's, from the text of its fdinfo; `inode` is the watched file's.
std::vector<Watch> parse_watches(std::string_view fdinfo, int descriptor, ino_t inode);

// Adds them for `socket`, a descriptor of ours that is `descriptor` there. What fails is left out:
// the process may have closed its instance.
void carry_watches(pid_t thread, const std::vector<Watch>& watches, int socket, int descriptor);

}  // namespace sbx::supervise
