// SPDX-License-Identifier: Apache-2.0
#include "live_sandbox.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sys/process.h"

namespace sbx::live {
namespace {

sock_filter statement(unsigned code, std::uint32_t k) {
  return {static_cast<std::uint16_t>(code), 0, 0, k};
}

void install_filter_and_send_listener(const plan::LaunchPlan& plan, int channel) {
  std::vector<sock_filter> program{statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const auto& [number, rules] : plan.filter.calls) {
    program.push_back({BPF_JMP | BPF_JEQ | BPF_K, 0, 1, static_cast<std::uint32_t>(number)});
    program.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF));
  }
  program.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  sys::set_no_new_privs();
  int listener =
      sys::install_filter({static_cast<std::uint16_t>(program.size()), program.data()}, true);

  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &listener, sizeof listener);
  ::sendmsg(channel, &message, 0);
  ::close(listener);
  ::close(channel);
}

int receive_listener(int channel) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  int listener = -1;
  if (::recvmsg(channel, &message, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&message) != nullptr) {
    std::memcpy(&listener, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof listener);
  }
  return listener;
}

// What launch/init does, in small.
[[noreturn]] void act_as_init(const plan::LaunchPlan& plan, const std::function<int()>& inside,
                              int status, int channel) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  sys::loopback_up();
  const pid_t main_process = ::fork();
  if (main_process == 0) {
    ::setpgid(0, 0);
    for (int signal = 1; signal < SIGRTMIN; ++signal) {
      ::signal(signal, SIG_DFL);  // the test framework's handlers are not the command's
    }
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::close(status);
    install_filter_and_send_listener(plan, channel);
    ::_exit(inside());
  }
  ::close(channel);
  sigset_t all;
  sigfillset(&all);
  for (;;) {
    siginfo_t info{};
    const int signal = ::sigwaitinfo(&all, &info);
    if (signal > 0 && signal != SIGCHLD) {
      const bool group = info.si_code == SI_QUEUE && info.si_value.sival_int == 1;
      ::kill(group ? -main_process : main_process, signal);
    }
    int wait_status = 0;
    for (pid_t ended = 0; (ended = ::waitpid(-1, &wait_status, WNOHANG)) > 0;) {
      if (ended == main_process) {
        [[maybe_unused]] const ssize_t written = ::write(status, &wait_status, sizeof wait_status);
        ::_exit(0);
      }
    }
  }
}

}  // namespace

Shared& shared() {
  static auto* const memory = static_cast<Shared*>(
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  return *memory;
}

void add_call(plan::LaunchPlan& plan, int number, seccomp::Mediation mediation) {
  seccomp::Rule rule;
  rule.mediation = mediation;
  rule.purpose = seccomp::Purpose::Default;
  rule.text = "not in allow";
  rule.origin = {"policies/test.toml", 9, 0};
  plan.filter.calls[number] = {rule};
}

plan::LaunchPlan plan_asking(std::initializer_list<int> numbers, seccomp::Mediation mediation) {
  plan::LaunchPlan plan;
  plan.filter.arch = seccomp::native_arch();
  for (const int number : numbers) {
    add_call(plan, number, mediation);
  }
  return plan;
}

Run run(const plan::LaunchPlan& plan, const std::function<int()>& inside, Options options) {
  shared() = Shared{};
  Run result;
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  std::array<int, 2> channel{};
  std::array<int, 2> status{};
  int init = -1;
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel.data()) != 0 ||
      ::pipe2(status.data(), O_CLOEXEC) != 0) {
    return result;
  }
  const int pid = sys::clone_namespaces(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET, &init);
  if (pid == 0) {
    ::close(channel[0]);
    ::close(status[0]);
    options.published.clear();
    act_as_init(plan, inside, status[1], channel[1]);
  }
  ::close(channel[1]);
  ::close(status[1]);
  if (pid < 0) {
    result.outcome = Error{"cannot make namespaces", -pid};
    return result;
  }
  supervise::Running running;
  running.init.reset(init);
  running.status.reset(status[0]);
  running.notify.reset(receive_listener(channel[0]));
  ::close(channel[0]);
  pid_t outside = -1;
  if (options.outside) {
    std::array<int, 2> closed{};
    if (::pipe2(closed.data(), O_CLOEXEC) != 0) {
      return result;
    }
    outside = ::fork();
    if (outside == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      options.published.clear();
      ::close(closed[0]);
      ::close(closed[1]);
      options.outside();
      ::_exit(0);
    }
    // A second holder of a published socket would keep it listening after the command's close.
    char byte = 0;
    ::close(closed[1]);
    [[maybe_unused]] const ssize_t end = ::read(closed[0], &byte, 1);
    ::close(closed[0]);
  }
  running.published = std::move(options.published);
  const supervise::EventSink sink = [&](const events::Event& event) {
    result.events.push_back(event);
    if (options.on_event) {
      options.on_event(event, init);
    }
  };
  result.outcome = supervise::supervise(plan, std::move(running), sink,
                                       [](const supervise::Running&) { return Status{}; });
  if (outside > 0) {
    ::waitpid(outside, nullptr, 0);
  }
  // What is still pending was for the supervisor.
  const timespec now{};
  while (::sigtimedwait(&all, nullptr, &now) > 0) {
  }
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  return result;
}

}  // namespace sbx::live
