// SPDX-License-Identifier: Apache-2.0
// What procfs tells about a sandboxee's thread. All of it can be chosen by the sandboxee but for
// the pids; all of it is bounded. The caller asks the listener afterwards whether the call still
// waits: only then was it this thread's, and not a later one's with the same number.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace sbx::supervise {

struct ProcessFacts {
  pid_t process = 0;   // the thread's group leader, as seen from outside
  int pid_inside = 0;  // in the sandbox's pid namespace
  int threads = 0;
  mode_t umask = 022;
  std::string program;     // base name of the executable
  std::string executable;  // its path, as the kernel shows it
  std::string thread_name;
};

std::optional<ProcessFacts> read_process(pid_t thread);

// The part of read_process that a text of /proc/PID/status gives.
std::optional<ProcessFacts> parse_status(std::string_view text);

// A pidfd through which that thread's descriptors can be taken, or a negative errno. By thread where
// the kernel can (6.9): threads may have descriptor tables of their own.
int open_process_of(pid_t thread);

// A signal with a handler waits for this very thread: its call should end now, as connect(2) does.
bool has_caught_signal(pid_t thread);
// From the text of /proc/PID/status.
bool shows_caught_signal(std::string_view status);

// The open flags of a descriptor (proc(5), fdinfo), O_CLOEXEC among them.
std::optional<int> descriptor_flags(pid_t thread, int descriptor);
std::optional<int> parse_fdinfo(std::string_view text);

// O_PATH on a path as that thread sees it, relative ones from its working directory; or a negative
// errno.
int open_as_seen_by(pid_t thread, const std::string& path);

// At most so much of a small file of procfs; empty on any error.
std::string read_proc_file(const std::string& path, std::size_t most);

}  // namespace sbx::supervise
