// SPDX-License-Identifier: Apache-2.0
// The machine's answers for the doctor.
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>

#include "base/path.h"
#include "base/text.h"
#include "host/doctor.h"
#include "host/files.h"
#include "host/probe.h"

namespace sbx::host {
namespace {

// "Seccomp:\t2" of /proc/self/status.
std::string own_seccomp_mode() {
  const auto status = read_file("/proc/self/status");
  if (!status) {
    return "";
  }
  for (const std::string& line : split(*status, '\n')) {
    if (line.starts_with("Seccomp:")) {
      return line.substr(line.find_last_of("\t ") + 1);
    }
  }
  return "";
}

// In a chroot the mount table names no mount at "/", unless the new root is a mount itself.
bool is_chroot() {
  const auto mounts = read_file("/proc/self/mountinfo");
  if (!mounts) {
    return false;
  }
  for (const std::string& line : split(*mounts, '\n')) {
    const std::vector<std::string> fields = split(line, ' ');
    constexpr std::size_t kMountPoint = 4;  // proc(5)
    if (fields.size() > kMountPoint && fields[kMountPoint] == "/") {
      return false;
    }
  }
  return true;
}

}  // namespace

Result<DoctorFacts> collect() {
  DoctorFacts facts;
  utsname names{};
  if (::uname(&names) != 0) {
    return Error{.action = "cannot ask for the kernel's version", .errno_value = errno};
  }
  facts.os_release = names.release;
  facts.borrowed_privilege = !refuse_borrowed_privilege();
  // On a kernel that is too old there are no facts to have; its version says so.
  if (const auto probed = probe(); probed) {
    facts.landlock_abi = probed->landlock_abi;
    facts.has_mdwe = probed->has_mdwe;
    facts.has_wait_killable = probed->has_wait_killable;
  }
  auto trials = try_launch();
  if (!trials) {
    return std::move(trials).error();
  }
  facts.trials = *trials;
  facts.unprivileged_userns_clone = read_line("/proc/sys/kernel/unprivileged_userns_clone");
  facts.max_user_namespaces = read_line("/proc/sys/user/max_user_namespaces");
  facts.apparmor_restrict_userns =
      read_line("/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
  facts.unprivileged_port_start = read_line("/proc/sys/net/ipv4/ip_unprivileged_port_start");
  facts.ptrace_scope = read_line("/proc/sys/kernel/yama/ptrace_scope");
  facts.legacy_tiocsti = read_line("/proc/sys/dev/tty/legacy_tiocsti");
  facts.seccomp_mode = own_seccomp_mode();
  facts.is_chroot = is_chroot();
  facts.cgroup = probe_cgroup();
  return facts;
}

}  // namespace sbx::host
