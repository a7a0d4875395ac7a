// SPDX-License-Identifier: Apache-2.0
#include "supervise/supervise.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "base/errno_name.h"
#include "base/text.h"
#include "plan/answer.h"
#include "seccomp/compile.h"
#include "seccomp/remedy.h"
#include "seccomp/syscall_table.h"
#include "supervise/crash_watch.h"
#include "supervise/denial.h"
#include "supervise/denial_log.h"
#include "supervise/network_mediator.h"
#include "supervise/process_facts.h"
#include "supervise/signal_relay.h"
#include "supervise/watch.h"
#include "sys/event_loop.h"
#include "sys/pidfd.h"
#include "sys/process.h"
#include "sys/seccomp_notify.h"

namespace sbx::supervise {
namespace {

constexpr std::uint64_t kMercyMilliseconds = 5000;  // between SIGTERM and SIGKILL at the time limit
constexpr int kMainProcess = 2;  // init is 1 and forks once (launch/sequence.cpp)

// What epoll gives back for each source; higher ones are the network mediator's.
constexpr std::uint64_t kInitTag = 0;
constexpr std::uint64_t kSignalTag = 1;
constexpr std::uint64_t kNotifyTag = 2;
constexpr std::uint64_t kTimerTag = 3;
constexpr std::uint64_t kStatusTag = 4;
constexpr std::uint64_t kTerminalTag = 5;
constexpr std::uint64_t kFirstLimitTag = 32;  // then one for each LimitWatch
static_assert(kTerminalTag + TerminalRelay::kTags <= kFirstLimitTag);

DenialKey key_of(const seccomp::FilterSpec& spec, const seccomp::Rule& rule,
                 const seccomp_data& call) {
  DenialKey key{&rule, call.nr, call.arch, call.instruction_pointer, {}};
  const auto arguments = seccomp::arguments_of(seccomp::name_of(spec.arch, call.nr));
  for (std::size_t i = 0; i < arguments.size() && i < key.named_arguments.size(); ++i) {
    if (!arguments[i].constants.empty()) {
      key.named_arguments[i] = call.args[i];
    }
  }
  return key;
}

class Supervisor {
 public:
  Supervisor(const plan::LaunchPlan& plan, Running running, const EventSink& sink, sys::Epoll epoll)
      : plan_(plan),
        running_(std::move(running)),
        sink_(sink),
        epoll_(std::move(epoll)),
        listener_(running_.notify.get()),
        crashes_(epoll_),
        denials_([this](events::What what) { tell(std::move(what)); }) {}

  Status begin();
  const Running& running() const { return running_; }
  Result<Outcome> run();
  void kill_everything();

 private:
  int end_the_rest();
  Status take(const epoll_event& event);
  void read_signals();
  bool terminal_takes(const signalfd_siginfo& info);
  void look_at_status();
  Status read_call();
  void decide(const seccomp_notif& notification);
  void deny(const seccomp_notif& notification, const seccomp::Rule& rule);
  void watch(const seccomp_notif& notification);
  ProcessFacts tell_denial(const seccomp_notif& notification, const seccomp::Rule& rule,
                           const plan::Answer& answer, const DenialKey& key,
                           const NetworkMediator::Denial* address = nullptr);
  plan::Answer deny_address(const seccomp_notif& notification,
                            const NetworkMediator::Denial& denial);
  void kill_caller(const seccomp_notif& notification, const ProcessFacts& process);
  NetworkMediator& network();
  void tell(events::What what);
  void tell_crash(events::Crashed crashed);
  void follow(pid_t thread, const ProcessFacts& process);
  void set_timer();
  void look_at_clock();
  void look_at_limits();
  void look_at_end(std::uint64_t tag);
  void note_signalled_limit(int signal);
  std::optional<int> read_status();
  Result<Outcome> conclude(const sys::Ended& init);

  const plan::LaunchPlan& plan_;
  Running running_;
  const EventSink& sink_;
  sys::Epoll epoll_;
  sys::UniqueFd signals_;
  sys::UniqueFd timer_;
  sys::SeccompListener listener_;
  CrashWatch crashes_;
  DenialLog denials_;
  std::optional<NetworkMediator> network_;
  std::optional<std::uint64_t> time_limit_at_;
  std::optional<std::uint64_t> kill_at_;
  std::uint64_t armed_for_ = 0;
  std::optional<int> last_status_;  // the sandboxee's
  events::Actor main_;              // the sandboxee, if it was ever denied anything
  bool out_of_memory_ = false;      // the kernel has killed something inside for want of memory
  bool timed_out_ = false;
  bool killed_main_ = false;
  bool ended_ = false;
};

Status Supervisor::begin() {
  auto signals = sys::create_signalfd();
  if (!signals) {
    return std::move(signals).error();
  }
  auto timer = sys::create_timer();
  if (!timer) {
    return std::move(timer).error();
  }
  signals_ = *std::move(signals);
  timer_ = *std::move(timer);
  const std::pair<int, std::uint64_t> sources[] = {{running_.init.get(), kInitTag},
                                                   {signals_.get(), kSignalTag},
                                                   {running_.notify.get(), kNotifyTag},
                                                   {timer_.get(), kTimerTag}};
  for (const auto& [fd, tag] : sources) {
    // A plan whose filter asks nobody has no listener.
    if (const int result = fd < 0 && tag == kNotifyTag ? 0 : epoll_.add(fd, EPOLLIN, tag);
        result < 0) {
      return Error{"cannot watch over the command", -result};
    }
  }
  if (running_.terminal != nullptr) {
    const int result = epoll_.add(running_.status.get(), EPOLLIN, kStatusTag);
    if (result < 0) {
      return Error{"cannot watch over the command", -result};
    }
    SBX_TRY(running_.terminal->begin(epoll_, kTerminalTag, running_.init.get()));
  }
  for (std::size_t i = 0; i < running_.limits.size(); ++i) {
    if (const int result =
            epoll_.add(running_.limits[i].descriptor(), EPOLLPRI, kFirstLimitTag + i);
        result < 0) {
      return Error{"cannot watch the sandbox's cgroup", -result};
    }
  }
  if (plan_.observed) {
    listener_.wake_at_once();
  }
  if (plan_.time_limit_seconds) {
    time_limit_at_ = sys::monotonic_milliseconds() + *plan_.time_limit_seconds * 1000;
  }
  return {};
}

Result<Outcome> Supervisor::run() {
  std::array<epoll_event, 16> ready{};
  while (!ended_) {
    set_timer();
    for (const epoll_event& event : epoll_.wait(ready)) {
      SBX_TRY(take(event));
    }
  }
  sys::Ended init;
  if (const int result = sys::reap(running_.init.get(), true, init); result < 0) {
    return Error{"cannot learn how the sandbox ended", -result};
  }
  if (const int result = end_the_rest(); result < 0) {
    return Error{"cannot end what the command has left running", -result};
  }
  if (running_.terminal != nullptr) {
    running_.terminal->finish();
  }
  return conclude(init);
}

Status Supervisor::take(const epoll_event& event) {
  switch (event.data.u64) {
    case kInitTag:
      ended_ = true;
      return {};
    case kSignalTag:
      read_signals();
      return {};
    case kNotifyTag:
      if ((event.events & EPOLLIN) != 0) {
        return read_call();
      }
      // EPOLLHUP: the last process with the filter is dead. Left in, it would wake us for ever.
      epoll_.remove(running_.notify.get());
      return {};
    case kTimerTag:
      sys::drain_timer(timer_.get());
      look_at_clock();
      return {};
    case kStatusTag:
      look_at_status();
      return {};
    default:
      if (event.data.u64 >= CrashWatch::kFirstTag) {
        look_at_end(event.data.u64);
        return {};
      }
      if (event.data.u64 < NetworkMediator::kFirstTag) {
        if (event.data.u64 >= kFirstLimitTag) {
          look_at_limits();
        } else {
          running_.terminal->take(event);
        }
        return {};
      }
      network().finish_connect(event.data.u64);
      return {};
  }
}

void Supervisor::kill_everything() {
  // pid 1's death is everybody's inside (pid_namespaces(7)).
  sys::send_signal(running_.init.get(), SIGKILL);
  sys::Ended ignored;
  sys::reap(running_.init.get(), true, ignored);
  end_the_rest();
}

// Without a pid namespace init's own end is nobody else's: what is left became a child of this process.
// Its helpers, which put a report in place and remove a directory, share its session; init has its own.
int Supervisor::end_the_rest() {
  return plan_.on_host_tree ? sys::end_children(true) : 0;
}

void Supervisor::read_signals() {
  signalfd_siginfo info{};
  while (sys::next_signal(signals_.get(), info)) {
    const auto relayed = relay(info, ::getpid());
    if (!relayed || terminal_takes(info)) {
      continue;
    }
    // An error means that init is dead or dying, which its pidfd tells.
    if (relayed->to_group) {
      sys::queue_signal(running_.init.get(), relayed->signal, sys::kToGroup);
    } else {
      sys::send_signal(running_.init.get(), relayed->signal);
    }
    // With a terminal we stop when the command has: it may have other plans.
    if (relayed->stop_self && running_.terminal == nullptr) {
      // SIGTSTP's own default action is blocked. The SIGCONT that ends this is relayed in its turn.
      ::kill(::getpid(), SIGSTOP);
    }
  }
}

// What concerns the terminal more than the command: its size, which the terminal inside announces
// itself, and the end of a stop.
bool Supervisor::terminal_takes(const signalfd_siginfo& info) {
  if (running_.terminal == nullptr) {
    return false;
  }
  if (info.ssi_signo == SIGWINCH && info.ssi_code == SI_KERNEL) {
    running_.terminal->resize();
    return true;
  }
  if (info.ssi_signo == SIGCONT) {
    running_.terminal->continued();
    return true;
  }
  return false;
}

void Supervisor::look_at_status() {
  int status = 0;
  const ssize_t length = ::read(running_.status.get(), &status, sizeof status);
  if (length == static_cast<ssize_t>(sizeof status) && WIFSTOPPED(status)) {
    running_.terminal->command_stopped(WSTOPSIG(status));
    return;
  }
  if (length > 0) {
    last_status_ = status;
  }
  epoll_.remove(running_.status.get());  // that was the last one
}

Status Supervisor::read_call() {
  seccomp_notif notification{};
  const int result = listener_.receive(notification);
  if (result == -ENOENT || result == -EINTR) {
    return {};  // the caller was killed between epoll and here
  }
  if (result < 0) {
    return Error{"cannot read a denied call", -result};
  }
  decide(notification);
  return {};
}

void Supervisor::decide(const seccomp_notif& notification) {
  const seccomp::Rule& rule = seccomp::evaluate(plan_.filter, notification.data);
  if (running_.observe) {
    running_.observe(notification, rule, listener_);
  }
  const bool mediated = rule.action.verdict == seccomp::Verdict::Notify;
  switch (mediated ? rule.mediation : seccomp::Mediation::Deny) {
    case seccomp::Mediation::Deny:
    case seccomp::Mediation::Log:
      return deny(notification, rule);
    case seccomp::Mediation::Bind:
      return network().bind(notification);
    case seccomp::Mediation::Connect:
      return network().connect(notification);
    case seccomp::Mediation::Listen:
      return network().listen(notification);
    case seccomp::Mediation::Send:
      return network().send(notification);
    case seccomp::Mediation::Observe:
    case seccomp::Mediation::ObserveLacking:
      // Whatever is in memory by now: the number alone, or registers, have let it run.
      listener_.let_run(notification.id);
      return;
    case seccomp::Mediation::ObserveRefused:
      listener_.answer_errno(notification.id, rule.denied_errno);
      return;
    case seccomp::Mediation::Watch:
      return watch(notification);
  }
  listener_.answer_errno(notification.id, EPERM);
}

void Supervisor::deny(const seccomp_notif& notification, const seccomp::Rule& rule) {
  const plan::Answer answer = plan::answer_to(rule, plan_.on_violation);
  const ProcessFacts process =
      tell_denial(notification, rule, answer, key_of(plan_.filter, rule, notification.data));
  switch (answer.kind) {
    case plan::Answer::Kind::RunTold:
      listener_.let_run(notification.id);  // registers alone decided, and they cannot change
      break;
    case plan::Answer::Kind::Run:  // the kernel does not ask about these
    case plan::Answer::Kind::Supervised:
    case plan::Answer::Kind::Fail:
      listener_.answer_errno(notification.id, answer.errno_value == 0 ? EPERM : answer.errno_value);
      break;
    case plan::Answer::Kind::Kill:
      kill_caller(notification, process);
      break;
  }
}

// sbx run --explain. The filter has allowed the call by its registers; what is read here decides
// nothing, and the kernel looks at the call again when it runs.
void Supervisor::watch(const seccomp_notif& notification) {
  const auto refusal = find_refusal(plan_, notification);
  if (refusal && listener_.is_waiting(notification.id)) {
    const std::uint64_t now = sys::realtime_microseconds();
    const DenialKey key = refusal_key(*refusal, notification.data);
    const auto thread = static_cast<pid_t>(notification.pid);
    if (!denials_.is_repeat(key, thread, now)) {
      const ProcessFacts process = read_process(thread).value_or(ProcessFacts{});
      events::Denied denied = describe(*refusal, plan_.filter, notification, process);
      if (listener_.is_waiting(notification.id)) {
        denials_.report(key, std::move(denied), now);
      }
    }
  }
  listener_.let_run(notification.id);
}

ProcessFacts Supervisor::tell_denial(const seccomp_notif& notification, const seccomp::Rule& rule,
                                     const plan::Answer& answer, const DenialKey& key,
                                     const NetworkMediator::Denial* address) {
  const std::uint64_t now = sys::realtime_microseconds();
  const auto thread = static_cast<pid_t>(notification.pid);
  const bool is_known = denials_.knows(thread);
  const bool repeat = denials_.is_repeat(key, thread, now);
  ProcessFacts process;
  if (!repeat || !is_known || answer.kind == plan::Answer::Kind::Kill) {
    process = read_process(thread).value_or(ProcessFacts{});
  }
  if (!is_known) {
    follow(thread, process);
  }
  if (repeat) {
    denials_.learn(thread, process.process, process.threads == 1);
    return process;
  }
  events::Denied denied = describe(plan_.filter, rule, notification, process);
  if (!listener_.is_waiting(notification.id)) {
    // Killed meanwhile, and what was read may have been another process's. What the kernel has
    // handed over is certain, and is told: a denied call is not hidden by its thread's death.
    seccomp_notif bare = notification;
    bare.pid = 0;
    denied = describe(plan_.filter, rule, bare, {});
  }
  if (address != nullptr) {
    denied.object = plan::to_text(address->address);
    denied.remedy = {.option = address->option + " " + address->entry,
                     .key = address->key,
                     .value = quote(address->entry),
                     .is_list = true,
                     .advice = {},
                     .warning = address->warning};
  }
  denied.answer = answer.kind == plan::Answer::Kind::Kill ? "killed"
                  : plan::is_granted(answer)              ? "allowed (log)"
                                                          : errno_name(answer.errno_value);
  denials_.report(key, std::move(denied), now);
  denials_.learn(thread, process.process, process.threads == 1);
  return process;
}

// Its first denial: from now on its end matters.
void Supervisor::follow(pid_t thread, const ProcessFacts& process) {
  events::Actor actor = actor_of(thread, process);
  actor.thread_name.clear();
  actor.thread_outside = 0;
  if (process.pid_inside == kMainProcess && !plan_.on_host_tree) {
    main_ = std::move(actor);  // init tells how that one ends
  } else {
    crashes_.watch(actor);
  }
}

plan::Answer Supervisor::deny_address(const seccomp_notif& notification,
                                      const NetworkMediator::Denial& denial) {
  seccomp::Rule rule;
  rule.action.verdict = seccomp::Verdict::Notify;
  rule.denied_errno = static_cast<std::uint16_t>(denial.errno_value);
  rule.purpose = seccomp::Purpose::Address;
  rule.origin = denial.rules.origin;
  rule.text = fmt::format("{} is not in {}", plan::to_text(denial.address), denial.key);
  // What has no way outside cannot be let by.
  const bool refuses = plan_.on_violation == plan::OnViolation::Log && !denial.can_run;
  const plan::Answer answer =
      plan::answer_to(rule, refuses ? plan::OnViolation::Errno : plan_.on_violation);
  // Addresses make denials differ, where else only named arguments do.
  DenialKey key{&denial.rules, notification.data.nr, notification.data.arch,
                notification.data.instruction_pointer, {}};
  std::memcpy(key.named_arguments.data(), denial.address.address.data(),
              denial.address.address.size());
  key.named_arguments[2] = denial.address.port;
  key.named_arguments[3] = static_cast<std::uint64_t>(denial.address.transport);
  const ProcessFacts process = tell_denial(notification, rule, answer, key, &denial);
  if (answer.kind == plan::Answer::Kind::Kill) {
    kill_caller(notification, process);
  }
  return answer;
}

// SIGKILL, not SIGSYS: that could be caught or blocked, and the call would return to the sandboxee.
// It is never answered: the thread dies where it waits. A main process ended so counts as ended by
// SIGSYS, as if the kernel had done it (SECCOMP_RET_KILL_PROCESS).
void Supervisor::kill_caller(const seccomp_notif& notification, const ProcessFacts& process) {
  const sys::UniqueFd pidfd(sys::open_pidfd(
      process.process > 0 ? process.process : static_cast<pid_t>(notification.pid)));
  if (!listener_.is_waiting(notification.id)) {
    return;  // dead already; the pid may be another's by now
  }
  if (!pidfd || sys::send_signal(pidfd.get(), SIGKILL) < 0) {
    sys::send_signal(running_.init.get(), SIGKILL);  // cannot single it out: all of them
    killed_main_ = true;
    return;
  }
  // Without a pid namespace there is no telling by the number; conclude() looks at the signal as well.
  killed_main_ = killed_main_ || plan_.on_host_tree || process.pid_inside == kMainProcess;
}

NetworkMediator& Supervisor::network() {
  if (!network_) {
    network_.emplace(plan_, std::move(running_.published), listener_, epoll_,
                     [this](const std::string& text, const Origin& origin) {
                       tell(events::NetworkNote{text, origin});
                     },
                     [this](const seccomp_notif& call, const NetworkMediator::Denial& denial) {
                       return deny_address(call, denial);
                     });
  }
  return *network_;
}

void Supervisor::tell(events::What what) {
  sink_(events::Event{sys::realtime_microseconds(), {}, {}, std::move(what)});
}

// With what was last denied to the process: that is often the cause.
void Supervisor::tell_crash(events::Crashed crashed) {
  const auto last = denials_.last_of(crashed.actor.pid_outside);
  const std::uint64_t now = sys::realtime_microseconds();
  if (last && crashed.actor.pid_outside > 0) {
    crashed.denial = last->denied.id;
    crashed.denied_call = fmt::format("{}({})", last->denied.call, last->denied.arguments_text);
    crashed.denied_before_us = now - std::min(now, last->time_us);
    crashed.same_thread = last->only_thread;
  }
  tell(std::move(crashed));
}

void Supervisor::look_at_end(std::uint64_t tag) {
  if (auto crashed = crashes_.take(tag)) {
    tell_crash(*std::move(crashed));
  }
}

// One timer for whatever comes first.
void Supervisor::set_timer() {
  std::uint64_t next = 0;
  for (const auto& at :
       {time_limit_at_, kill_at_, network_ ? network_->next_look() : std::nullopt}) {
    if (at && (next == 0 || *at < next)) {
      next = *at;
    }
  }
  if (next != armed_for_) {
    const std::uint64_t now = sys::monotonic_milliseconds();
    sys::arm_timer(timer_.get(), next == 0 ? 0 : std::max<std::uint64_t>(next, now + 1) - now);
    armed_for_ = next;
  }
}

void Supervisor::look_at_clock() {
  const std::uint64_t now = sys::monotonic_milliseconds();
  armed_for_ = 0;
  if (time_limit_at_ && now >= *time_limit_at_) {
    time_limit_at_.reset();
    kill_at_ = now + kMercyMilliseconds;
    timed_out_ = true;
    tell(events::LimitHit{fmt::format("the time limit of {} s is over: the command is asked to end",
                                      *plan_.time_limit_seconds),
                          plan_.time_limit_origin, 0});
    sys::send_signal(running_.init.get(), SIGTERM);
    sys::send_signal(running_.init.get(), SIGCONT);  // a stopped program could not end (timeout(1))
  }
  if (kill_at_ && now >= *kill_at_) {
    kill_at_.reset();
    sys::send_signal(running_.init.get(), SIGKILL);
  }
  if (network_ && network_->next_look() && now >= *network_->next_look()) {
    network_->look_around(now);
  }
}

void Supervisor::look_at_limits() {
  for (LimitWatch& watch : running_.limits) {
    if (const auto text = watch.look()) {
      out_of_memory_ = out_of_memory_ || watch.counts_kills();
      tell(events::LimitHit{*text, watch.origin(), 0});
    }
  }
}

// The limits that the kernel tells by a signal (setrlimit(2)).
void Supervisor::note_signalled_limit(int signal) {
  const int resource = signal == SIGXCPU ? RLIMIT_CPU : signal == SIGXFSZ ? RLIMIT_FSIZE : -1;
  for (const plan::ResourceLimit& limit : plan_.limits) {
    if (limit.resource == resource) {
      tell(events::LimitHit{
          fmt::format("the limit {} = {} was reached: the command was ended", limit.name,
                      limit.value),
          limit.origin, 0});
    }
  }
}

// What init wrote before it ended; nothing if it had no time to.
std::optional<int> Supervisor::read_status() {
  // Init is dead, but a descriptor that leaked must not make us wait.
  const int flags = ::fcntl(running_.status.get(), F_GETFL);
  if (last_status_ || flags < 0 ||
      ::fcntl(running_.status.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
    return last_status_;
  }
  for (int status = 0; ::read(running_.status.get(), &status, sizeof status) ==
                       static_cast<ssize_t>(sizeof status);) {
    if (!WIFSTOPPED(status)) {
      return status;
    }
  }
  return std::nullopt;
}

Result<Outcome> Supervisor::conclude(const sys::Ended& init) {
  const auto status = read_status();
  if (network_) {
    network_->look_around(UINT64_MAX);  // what was to be told later
  }
  look_at_limits();
  for (const std::uint64_t tag : crashes_.open_tags()) {
    look_at_end(tag);
  }
  denials_.close();
  if (timed_out_) {
    return Outcome(TimedOut{});
  }
  if (status && WIFEXITED(*status)) {
    return Outcome(Exited{WEXITSTATUS(*status)});
  }
  const bool signalled = status ? WIFSIGNALED(*status) : init.code != CLD_EXITED;
  if (!signalled) {
    return Error{"cannot learn how the command ended: init has left no status",
                 0,
                 {},
                 "this is a defect of sbx"};
  }
  const int signal = status ? WTERMSIG(*status) : init.status;
  if (killed_main_ && signal == SIGKILL) {
    return Outcome(Violation{SIGSYS});
  }
  note_signalled_limit(signal);
  if (const bool starved = signal == SIGKILL && out_of_memory_ && !timed_out_;
      status && (is_crash(signal) || starved)) {
    events::Crashed crashed;
    crashed.signal = signal;
    crashed.core_dumped = WCOREDUMP(*status);
    crashed.out_of_memory = starved;
    crashed.actor = main_;
    tell_crash(std::move(crashed));
  }
  return Outcome(Killed{signal});
}

}  // namespace

int exit_code(const Outcome& outcome) {
  constexpr int kSignalBase = 128;
  if (const auto* exited = std::get_if<Exited>(&outcome)) {
    return exited->code;
  }
  if (const auto* killed = std::get_if<Killed>(&outcome)) {
    return kSignalBase + killed->signal;
  }
  if (const auto* violation = std::get_if<Violation>(&outcome)) {
    return kSignalBase + violation->signal;
  }
  return static_cast<int>(ExitCode::TimeLimit);
}

Result<Outcome> supervise(const plan::LaunchPlan& plan, Running running, const EventSink& sink,
                          const Release& release) {
  auto epoll = sys::Epoll::create();
  if (!epoll) {
    sys::send_signal(running.init.get(), SIGKILL);
    sys::Ended ignored;
    sys::reap(running.init.get(), true, ignored);
    return std::move(epoll).error();
  }
  Supervisor supervisor(plan, std::move(running), sink, *std::move(epoll));
  if (Status begun = supervisor.begin(); !begun) {
    supervisor.kill_everything();
    return std::move(begun).error();
  }
  if (Status released = release(supervisor.running()); !released) {
    supervisor.kill_everything();
    return std::move(released).error();
  }
  auto outcome = supervisor.run();
  if (!outcome) {
    supervisor.kill_everything();
  }
  return outcome;
}

}  // namespace sbx::supervise
