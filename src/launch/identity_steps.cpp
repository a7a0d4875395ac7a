// SPDX-License-Identifier: Apache-2.0
// user_namespaces(7), prctl(2), uts_namespaces(7), time_namespaces(7).
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "launch/prepared.h"
#include "launch/steps.h"
#include "sys/process.h"
#include "sys/unique_fd.h"

namespace sbx::launch {

StepResult die_with_supervisor(const PreparedLaunch& prepared, ChildState&) noexcept {
  // Without a pid namespace init's death would free the others: it is told, and kills them first.
  const int signal = prepared.plan.on_host_tree ? SIGHUP : SIGKILL;
  if (const int answer = sys::set_parent_death_signal(signal); answer < 0) {
    return result_of(answer);
  }
  // A supervisor that died before the line above sends no signal any more. getppid(2) says 0 in a
  // new pid namespace either way; the pipe that only the supervisor reads tells (POLLERR).
  pollfd supervisor{prepared.status_write.get(), 0, 0};
  const int ready = ::poll(&supervisor, 1, 0);
  return {ready == 0 ? 0 : ready < 0 ? errno : ESRCH, 0};
}

StepResult adopt_orphans(const PreparedLaunch&, ChildState&) noexcept {
  return result_of(sys::adopt_orphans());
}

StepResult die_with_init(const PreparedLaunch& prepared, ChildState&) noexcept {
  if (const int answer = sys::set_parent_death_signal(SIGKILL); answer < 0) {
    return result_of(answer);
  }
  return {::getppid() == prepared.supervisor ? ESRCH : 0, 0};  // adopted already: init is dead
}

StepResult map_ids(const PreparedLaunch& prepared, ChildState&) noexcept {
  constexpr char kDeny[] = "deny";
  if (const int answer = sys::write_file("/proc/self/setgroups", kDeny, sizeof kDeny - 1);
      answer < 0) {
    return {-answer, 0};
  }
  if (const int answer = sys::write_file("/proc/self/uid_map", prepared.uid_map.data(),
                                         prepared.uid_map.size());
      answer < 0) {
    return {-answer, 1};
  }
  const int answer =
      sys::write_file("/proc/self/gid_map", prepared.gid_map.data(), prepared.gid_map.size());
  return {answer < 0 ? -answer : 0, 2};
}

StepResult own_clocks(const PreparedLaunch& prepared, ChildState&) noexcept {
  if ((prepared.plan.namespaces.own & CLONE_NEWTIME) == 0) {
    return {};
  }
  if (::unshare(CLONE_NEWTIME) != 0) {
    return {errno, 0};
  }
  const int answer = sys::write_file("/proc/self/timens_offsets", prepared.time_offsets.data(),
                                     prepared.time_offsets.size());
  if (answer < 0) {
    return {-answer, 1};
  }
  // unshare moves only later children, and not those that share this process's memory (before Linux
  // 6.1): so enter it here.
  const sys::UniqueFd own(::open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC));
  return {!own || ::setns(own.get(), CLONE_NEWTIME) != 0 ? errno : 0, 2};
}

StepResult loopback_up(const PreparedLaunch& prepared, ChildState&) noexcept {
  if (!prepared.plan.own_network || !prepared.plan.loopback) {
    return {};
  }
  return result_of(sys::loopback_up());
}

StepResult set_hostname(const PreparedLaunch& prepared, ChildState&) noexcept {
  if ((prepared.plan.namespaces.own & CLONE_NEWUTS) == 0) {
    return {};
  }
  const std::string& name = prepared.plan.hostname;
  return {::sethostname(name.data(), name.size()) != 0 ? errno : 0, 0};
}

StepResult open_low_ports(const PreparedLaunch& prepared, ChildState&) noexcept {
  if (!prepared.plan.own_network) {
    return {};
  }
  constexpr char kFirstPort[] = "0";
  return result_of(
      sys::write_file("/proc/sys/net/ipv4/ip_unprivileged_port_start", kFirstPort, 1));
}

}  // namespace sbx::launch
