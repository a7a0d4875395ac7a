// SPDX-License-Identifier: Apache-2.0
// Tries, in a process of its own that then ends, each thing a launch asks of the kernel. Trying is
// the only honest answer: sysctls, LSMs, container managers and chroots refuse in ways that no
// single file tells.
#pragma once

#include <array>
#include <cstddef>

#include "base/result.h"

namespace sbx::host {

enum class Trial : std::size_t {
  UserNamespace,
  IdMap,
  MountNamespace,
  PidNamespace,
  NetworkNamespace,
  IpcNamespace,
  UtsNamespace,
  CgroupNamespace,
  PrivateMounts,
  Tmpfs,
  BindByDescriptor,
  Devpts,
  Procfs,
  NewRoot,
  Loopback,
  LowPorts,
  NoNewPrivs,
  Listener,
  AddDescriptor,
  TakeDescriptor,
};
inline constexpr std::size_t kTrials = static_cast<std::size_t>(Trial::TakeDescriptor) + 1;

inline constexpr int kNotTried = -1;  // an earlier trial failed

// For each trial 0, an errno, or kNotTried.
struct TrialResults {
  std::array<int, kTrials> errno_of{};

  int operator[](Trial trial) const { return errno_of[static_cast<std::size_t>(trial)]; }
  bool passed(Trial trial) const { return (*this)[trial] == 0; }
};

// Started by root, the trials are made as an unprivileged user, as a launch's sandboxee is.
Result<TrialResults> try_launch();

}  // namespace sbx::host
