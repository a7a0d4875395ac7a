// SPDX-License-Identifier: Apache-2.0
#include "supervise/signal_relay.h"

#include <signal.h>

#include <catch2/catch.hpp>

TEST_CASE("signals go on to whom they were meant for") {
  constexpr int kSelf = 4711;
  struct Row {
    int signal;
    int code;
    int sender;
    bool relayed;
    bool to_group;
    bool stop_self;
  };
  const auto row = GENERATE(values<Row>({
      {SIGINT, SI_KERNEL, 0, true, true, false},  // Ctrl-C
      {SIGINT, SI_USER, 1, true, false, false},   // kill -INT
      {SIGTERM, SI_USER, 1, true, false, false},
      {SIGHUP, SI_USER, 1, true, false, false},   // reload
      {SIGHUP, SI_KERNEL, 0, true, true, false},  // the terminal has gone
      {SIGWINCH, SI_KERNEL, 0, true, true, false},
      {SIGTSTP, SI_KERNEL, 0, true, true, true},  // Ctrl-Z
      {SIGCONT, SI_USER, 1, true, true, false},   // fg
      {SIGUSR1, SI_QUEUE, 1, true, false, false},
      {SIGCHLD, CLD_EXITED, 1, false, false, false},
      {SIGPIPE, SI_USER, kSelf, false, false, false},  // our own write
      {SIGPIPE, SI_USER, 1, true, false, false},
      {SIGALRM, SI_KERNEL, 0, false, false, false},  // our own timer
      {SIGALRM, SI_USER, 1, true, false, false},
  }));
  signalfd_siginfo info{};
  info.ssi_signo = static_cast<std::uint32_t>(row.signal);
  info.ssi_code = row.code;
  info.ssi_pid = static_cast<std::uint32_t>(row.sender);
  INFO(row.signal << " " << row.code);
  const auto relayed = sbx::supervise::relay(info, kSelf);
  REQUIRE(relayed.has_value() == row.relayed);
  if (relayed) {
    CHECK(relayed->signal == row.signal);
    CHECK(relayed->to_group == row.to_group);
    CHECK(relayed->stop_self == row.stop_self);
  }
}
