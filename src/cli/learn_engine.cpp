// SPDX-License-Identifier: Apache-2.0
#include "cli/learn_engine.h"

#include <sched.h>
#include <unistd.h>

#include <string>

#include <fmt/format.h>

#include "cli/output.h"
#include "learn/ebpf_support.h"

namespace sbx::cli {
void say(const Command& command, const std::string& text) {
  if (!command.quiet) {
    write_all(STDERR_FILENO, "sbx: " + text + "\n");
  }
}

Result<std::unique_ptr<learn::EbpfWatch>> choose_engine(const plan::LaunchPlan& plan,
                                                        const Command& command) {
  const bool is_wanted = command.learn.engine == "ebpf";
  if (command.learn.engine == "notify" ||
      (!is_wanted && !learn::ebpf_possible(learn::ebpf_facts()))) {
    return std::unique_ptr<learn::EbpfWatch>{};
  }
  // By it the command is told from what sbx itself starts.
  if ((plan.namespaces.own & CLONE_NEWPID) == 0) {
    const Error error{"the eBPF engine cannot follow a command without a pid namespace of its own",
                      0,
                      {},
                      "leave namespaces.pid = true, or --engine notify"};
    return is_wanted
               ? Result<std::unique_ptr<learn::EbpfWatch>>(error)
               : Result<std::unique_ptr<learn::EbpfWatch>>(std::unique_ptr<learn::EbpfWatch>{});
  }
  auto engine = learn::EbpfWatch::open({plan.filter.arch, command.learn.exact});
  if (!engine && !is_wanted) {
    say(command, fmt::format("watching by notification, since this did not work: {}",
                             engine.error().action));
    return std::unique_ptr<learn::EbpfWatch>{};
  }
  return engine;
}

void tell_losses(const learn::EbpfLosses& losses, const Command& command) {
  const auto tell = [&](std::uint64_t count, std::string_view what) {
    if (count != 0) {
      say(command, fmt::format("{} {}, and are missing in what was learned", count, what));
    }
  };
  tell(losses.names, "names of files or addresses came faster than they could be read");
  tell(losses.classes, "calls had more different arguments than can be held");
  tell(losses.tasks, "processes or threads could not be followed");
  tell(losses.foreign, "calls were those of another ABI (32 bit)");
}

}  // namespace sbx::cli
