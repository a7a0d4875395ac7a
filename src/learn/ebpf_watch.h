// SPDX-License-Identifier: Apache-2.0
// The eBPF engine: programs in the kernel (bpf/watch.bpf.c) that follow tasks and keep what they
// do. For root, or CAP_BPF and CAP_PERFMON. It confines nothing and changes nothing of what it
// watches, so it can watch what already runs.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "learn/observations.h"
#include "seccomp/filter_spec.h"

namespace sbx::learn {

struct EbpfOptions {
  seccomp::Arch arch = seccomp::Arch::X86_64;
  bool exact = false;  // every call and every name, as plan::Watching::Exact
  // Of a cgroup of version 2 (the inode of its directory): whatever is executed in it or below is
  // watched from then on. 0: none.
  std::uint64_t cgroup = 0;
};

// What could not be kept; a run is told of it.
struct EbpfLosses {
  std::uint64_t names = 0, classes = 0, tasks = 0;
  std::uint64_t foreign = 0;  // calls of another ABI (32 bit), which are not recorded
};

class EbpfWatch {
 public:
  // Loaded and attached; nothing is watched yet. The Error says what is missing.
  static Result<std::unique_ptr<EbpfWatch>> open(const EbpfOptions& options);
  ~EbpfWatch();
  EbpfWatch(const EbpfWatch&) = delete;
  EbpfWatch& operator=(const EbpfWatch&) = delete;

  // The process from which a sandbox is going to be launched: what enters a pid namespace below its
  // own is watched from its first execve on.
  Status follow_launcher(int pidfd);
  // Processes that run, with their threads and children. Those that are gone meanwhile are left
  // out.
  Status follow(std::span<const int> pidfds);

  // To be called every 100 ms or so, and when descriptor() is readable.
  Status collect();
  int descriptor() const;
  // False when all that was watched has ended.
  bool is_anything_left() const;

  // Ends it.
  Result<Observations> finish();
  EbpfLosses losses() const;

 private:
  EbpfWatch();
  struct Engine;
  std::unique_ptr<Engine> engine_;
};

}  // namespace sbx::learn
