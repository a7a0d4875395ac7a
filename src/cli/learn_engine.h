// SPDX-License-Identifier: Apache-2.0
// Which engine watches a run: eBPF programs in the kernel, for whoever may load them, or the
// supervisor, by notification, for everybody.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "cli/command.h"
#include "learn/ebpf_watch.h"
#include "plan/launch_plan.h"

namespace sbx::cli {

// As --engine says; null: the supervisor.
Result<std::unique_ptr<learn::EbpfWatch>> choose_engine(const plan::LaunchPlan& plan,
                                                        const Command& command);

// A line on standard error, unless --quiet.
void say(const Command& command, const std::string& text);

// What the kernel's half could not keep is told, each kind once.
void tell_losses(const learn::EbpfLosses& losses, const Command& command);

}  // namespace sbx::cli
