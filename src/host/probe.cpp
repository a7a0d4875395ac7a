// SPDX-License-Identifier: Apache-2.0
#include "host/probe.h"

#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <linux/capability.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <string_view>

#include "host/accounts.h"
#include "host/files.h"
#include "host/kernel_version.h"
#include "sys/terminal.h"

extern char** environ;

namespace sbx::host {
namespace {

// prctl(2): PR_GET_MDWE is Linux 6.3, newer than Debian 12's headers.
constexpr int kPrGetMdwe = 66;
// seccomp(2): Linux 5.19, newer than some headers.
constexpr unsigned long kWaitKillableRecv = 1ul << 5;

// A kernel that has a layer must not pass for one without because the question failed: each of these
// takes only the answer that such a kernel gives.
Result<bool> knows_mdwe(std::string_view os_release) {
  constexpr KernelVersion kFirstWithMdwe{6, 3};
  if (::prctl(kPrGetMdwe, 0, 0, 0, 0) >= 0) {
    return true;
  }
  if (errno == EINVAL && !is_at_least(os_release, kFirstWithMdwe)) {
    return false;
  }
  return Error{.action = "cannot ask the kernel about memory-deny-write-execute (prctl)", .errno_value = errno};
}

// The kernel looks at the flags before it reads the program: EFAULT means that it knows them.
bool knows_filter_flags(unsigned long flags) {
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, nullptr) < 0 && errno == EFAULT;
}

Result<int> landlock_abi() {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, std::size_t{0},
                                 LANDLOCK_CREATE_RULESET_VERSION);
  if (version > 0) {
    return static_cast<int>(version);
  }
  // landlock(7): not built in, or not among the security modules of this boot.
  if (errno == ENOSYS || errno == EOPNOTSUPP) {
    return 0;
  }
  return Error{.action = "cannot ask the kernel for its version of Landlock", .errno_value = errno};
}

bool has_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data{};
  if (::syscall(SYS_capget, &header, data.data()) != 0) {
    return true;  // fail closed
  }
  return (data[0].permitted | data[1].permitted) != 0;
}

Status fill_account(plan::HostFacts& facts) {
  const auto passwd = read_file("/etc/passwd");
  if (!passwd && passwd.error().errno_value != ENOENT) {
    return passwd.error();
  }
  const auto account = passwd ? find_user(*passwd, facts.uid) : std::nullopt;
  facts.user_name = account ? account->name : std::to_string(facts.uid);
  if (account && account->home.starts_with('/')) {
    facts.home = account->home;
    return {};
  }
  // Not in passwd(5): a directory service's user. Their login set HOME.
  const auto home = facts.environment.find("HOME");
  const bool usable = !account && home != facts.environment.end() && home->second.starts_with('/');
  facts.home = usable ? home->second : "/";
  return {};
}

void fill_environment(plan::HostFacts& facts) {
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != 0 && equals != std::string_view::npos) {
      facts.environment.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
}

}  // namespace

// sbx must never be a way to privileges that its user lacks: every file it opens for a policy, and
// every mount it makes, is decided by that user.
Status refuse_borrowed_privilege() {
  uid_t ruid = 0, euid = 0, suid = 0;
  gid_t rgid = 0, egid = 0, sgid = 0;
  if (::getresuid(&ruid, &euid, &suid) != 0 || ::getresgid(&rgid, &egid, &sgid) != 0) {
    return Error{.action = "cannot read the user ids", .errno_value = errno};
  }
  if (ruid != euid || ruid != suid) {
    return Error{.action = "sbx is installed setuid, and refuses to run so",
                 .hint = "chmod u-s the sbx program: it needs no privilege"};
  }
  if (rgid != egid || rgid != sgid) {
    return Error{.action = "sbx is installed setgid, and refuses to run so",
                 .hint = "chmod g-s the sbx program: it needs no privilege"};
  }
  // AT_SECURE alone may come from a change of the LSM's domain, which gives no privilege.
  if (ruid != 0 && ::getauxval(AT_SECURE) != 0 && has_capabilities()) {
    return Error{.action = "sbx is installed with file capabilities, and refuses to run so",
                 .hint = "setcap -r the sbx program: it needs no privilege"};
  }
  return {};
}

Result<plan::HostFacts> probe() {
  SBX_TRY(refuse_borrowed_privilege());
  plan::HostFacts facts;
  utsname names{};
  if (::uname(&names) != 0) {
    return Error{.action = "cannot ask for the kernel's version", .errno_value = errno};
  }
  facts.os_release = names.release;
  facts.hostname = names.nodename;
  if (!is_at_least(facts.os_release, kOldestKernel)) {
    return Error{.action = "Linux " + facts.os_release + " is too old for sbx",
                 .hint = "sbx needs Linux 5.14 or later; `sbx doctor` lists what is missing"};
  }
  std::array<char, PATH_MAX> cwd{};
  if (::getcwd(cwd.data(), cwd.size()) == nullptr) {
    return Error{.action = "cannot find the current directory",
                 .errno_value = errno,
                 .hint = "it may have been removed: cd to one that exists"};
  }
  // getcwd(2): "(unreachable)/…" for a directory outside the root of this process.
  facts.cwd = cwd[0] == '/' ? cwd.data() : "/";
  facts.uid = ::getuid();
  facts.gid = ::getgid();
  fill_environment(facts);
  SBX_TRY(fill_account(facts));
  for (int descriptor = 0; descriptor <= 2; ++descriptor) {
    facts.terminals[static_cast<std::size_t>(descriptor)] = sys::is_terminal(descriptor);
  }
  facts.arch = seccomp::native_arch();
  const auto has_mdwe = knows_mdwe(facts.os_release);
  const auto abi = landlock_abi();
  if (!has_mdwe || !abi) {
    return has_mdwe ? abi.error() : has_mdwe.error();
  }
  facts.has_mdwe = *has_mdwe;
  facts.has_wait_killable =
      knows_filter_flags(SECCOMP_FILTER_FLAG_NEW_LISTENER | kWaitKillableRecv);
  facts.landlock_abi = *abi;
  return facts;
}

}  // namespace sbx::host
