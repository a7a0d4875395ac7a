// SPDX-License-Identifier: Apache-2.0
// What runs in the process of event_sinks.h.
#pragma once

#include "plan/launch_plan.h"

namespace sbx::supervise {

// 0 or the errno of connect(2).
int try_datagram_socket(const std::string& path);

// Reads events from `channel`, a datagram each, until its other end is closed, and passes them on.
// Signals are blocked; nothing but `channel` and the sinks' own descriptors may be open.
[[noreturn]] void run_sinks(const plan::Reporting& reporting, int channel);

}  // namespace sbx::supervise
