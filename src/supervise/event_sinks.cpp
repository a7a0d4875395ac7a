// SPDX-License-Identifier: Apache-2.0
#include "supervise/event_sinks.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "events/notice.h"
#include "supervise/sink_process.h"
#include "sys/pidfd.h"
#include "sys/process.h"

namespace sbx::supervise {
namespace {

std::string_view name_of(const plan::Sink& sink) {
  return sink.kind == plan::Sink::Kind::Journal ? "the journal" : "syslog";
}

std::optional<Error> unreachable(const plan::Reporting& reporting) {
  for (const plan::Sink& sink : reporting.sinks) {
    if (sink.kind == plan::Sink::Kind::Descriptor) {
      continue;
    }
    if (const int errno_value = try_datagram_socket(sink.path); errno_value != 0) {
      return Error{"cannot report to " + std::string(name_of(sink)) + " at " + sink.path, errno_value,
                   sink.origin, "the run goes on; another socket may be named, as \"syslog:/path\""};
    }
  }
  return std::nullopt;
}

}  // namespace

Result<EventSinks> EventSinks::start(const plan::Reporting& reporting) {
  EventSinks sinks;
  if (reporting.sinks.empty() && reporting.notify_command.empty()) {
    return sinks;
  }
  sinks.problem_ = unreachable(reporting);
  sinks.has_failed_ = sinks.problem_.has_value();
  int ends[2] = {-1, -1};
  // Each event stays one, and the end is seen: SOCK_SEQPACKET (unix(7)).
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error{"cannot open a socket pair for the sinks of events", errno};
  }
  sinks.channel_.reset(ends[0]);
  const sys::UniqueFd other_end(ends[1]);
  if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
    return Error{"cannot open a socket pair for the sinks of events", errno};
  }
  std::vector<int> kept{ends[1]};
  for (const plan::Sink& sink : reporting.sinks) {
    if (sink.kind == plan::Sink::Kind::Descriptor) {
      kept.push_back(sink.descriptor);
      sinks.wants_all_ = true;
    }
  }
  int pidfd = -1;
  const int process = sys::clone_namespaces(0, &pidfd);
  if (process == 0) {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_BLOCK, &all, nullptr);
    sys::close_all_but(std::move(kept));
    run_sinks(reporting, ends[1]);
  }
  if (process < 0) {
    return Error{"cannot start a process for the sinks of events", -process, {},
                 "the limit of processes may be reached"};
  }
  sinks.process_.reset(pidfd);
  return sinks;
}

EventSinks::~EventSinks() {
  if (process_) {
    ::shutdown(channel_.get(), SHUT_RDWR);
    sys::Ended ignored;
    sys::reap(process_.get(), true, ignored);
  }
}

void EventSinks::take(const events::Event& event, const std::string& json) {
  if (!channel_ || (!wants_all_ && !events::is_notable(event))) {
    return;
  }
  // Not send(2), which the supervisor's filter does not know; the socket was made not to block.
  if (::write(channel_.get(), json.data(), json.size()) < 0 && !has_failed_) {
    has_failed_ = true;
    problem_ = Error{"cannot report all events to the policy's sinks", errno, {},
                     "they come faster than the sinks take them; the log and --report have them"};
  }
}

std::optional<Error> EventSinks::take_problem() { return std::exchange(problem_, std::nullopt); }

void EventSinks::leave_to_parent() { process_.reset(); }

}  // namespace sbx::supervise
