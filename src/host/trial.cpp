// SPDX-License-Identifier: Apache-2.0
#include "host/trial.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <string>

#include "sys/mount_api.h"
#include "sys/process.h"
#include "sys/unique_fd.h"

namespace sbx::host {
namespace {

constexpr std::uint32_t kNobody = 65534;

// Shared with the trying processes, so that what was tried before a crash is known.
struct Board {
  std::array<int, kTrials> errno_of;
};

// `answer` as of sys/: 0, a descriptor, or a negative errno. True if it worked.
bool note(Board& board, Trial trial, int answer) {
  board.errno_of[static_cast<std::size_t>(trial)] = answer < 0 ? -answer : 0;
  return answer >= 0;
}

int result_of(int value) {
  return value < 0 ? -errno : value;
}

// A launch started by root runs as an ordinary user, so that is what must be tried. Where there is
// no other user (uid 0 of a user namespace with one uid), the trial goes on as it is.
void leave_root() {
  if (::geteuid() != 0) {
    return;
  }
  [[maybe_unused]] const bool left = ::setgroups(0, nullptr) == 0 &&
                                     ::setresgid(kNobody, kNobody, kNobody) == 0 &&
                                     ::setresuid(kNobody, kNobody, kNobody) == 0;
  // After a change of uid the files of /proc/self belong to root until the process is dumpable.
  (void)sys::set_dumpable(true);
}

int write_text(const char* path, const std::string& text) {
  return sys::write_file(path, text.c_str(), text.size());
}

int write_maps(std::uint32_t uid, std::uint32_t gid) {
  const std::string user = std::to_string(uid);
  const std::string group = std::to_string(gid);
  if (const int answer = write_text("/proc/self/setgroups", "deny"); answer < 0) {
    return answer;
  }
  if (const int answer = write_text("/proc/self/uid_map", user + " " + user + " 1"); answer < 0) {
    return answer;
  }
  return write_text("/proc/self/gid_map", group + " " + group + " 1");
}

int clone_usr(int root) {
  const sys::UniqueFd source(::open("/usr", O_PATH | O_CLOEXEC));
  if (!source || ::mkdirat(root, "usr", 0755) != 0) {
    return -errno;
  }
  const int tree = sys::clone_tree(source.get());
  if (tree < 0) {
    return tree;
  }
  const sys::UniqueFd owner(tree);
  const int attributes = sys::set_attributes(tree, sys::kReadOnly | sys::kNoSuid, true);
  if (attributes < 0) {
    return attributes;
  }
  const sys::UniqueFd place(::openat(root, "usr", O_PATH | O_CLOEXEC | O_NOFOLLOW));
  return place ? sys::attach(tree, place.get()) : -errno;
}

void try_mounts(Board& board) {
  constexpr sys::FilesystemOption kNone[] = {{nullptr, nullptr}};
  constexpr std::uint64_t kScratch = sys::kNoSuid | sys::kNoDev | sys::kNoExec;
  if (!note(board, Trial::PrivateMounts, sys::make_all_private())) {
    return;
  }
  const int devpts = sys::mount_new("devpts", kNone, sys::kNoSuid | sys::kNoExec);
  note(board, Trial::Devpts, devpts);
  // The kernel gives a new procfs only where a whole one is visible already (mount_too_revealing).
  const int proc = sys::mount_new("proc", kNone, kScratch);
  note(board, Trial::Procfs, proc);
  const int root = sys::mount_new("tmpfs", kNone, kScratch);
  if (!note(board, Trial::Tmpfs, root)) {
    return;
  }
  const int attached = sys::attach_at_root(root);
  if (attached < 0) {
    note(board, Trial::Tmpfs, attached);
    return;
  }
  note(board, Trial::BindByDescriptor, clone_usr(root));
  note(board, Trial::NewRoot, sys::pivot_into(root));
}

// Runs in a process of its own, inside a pid namespace if there is one.
void try_inside(Board& board, bool own_mounts, bool own_network) {
  if (own_network) {
    note(board, Trial::Loopback, sys::loopback_up());
    note(board, Trial::LowPorts, write_text("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0"));
  }
  if (own_mounts) {
    try_mounts(board);
  }
}

void try_filter(Board& board) {
  if (!note(board, Trial::NoNewPrivs, sys::set_no_new_privs())) {
    return;
  }
  sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
  const sock_fprog program{1, &allow};
  const int listener = sys::install_filter(program, false);
  if (!note(board, Trial::Listener, listener)) {
    return;
  }
  // The kernel reads the argument of an ioctl that it knows: EFAULT. Else it says EINVAL.
  const int answer = ::ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, nullptr);
  note(board, Trial::AddDescriptor, answer < 0 && errno == EFAULT ? 0 : -errno);
}

void try_namespaces(Board& board) {
  const std::uint32_t uid = ::geteuid();
  const std::uint32_t gid = ::getegid();
  if (!note(board, Trial::UserNamespace, result_of(::unshare(CLONE_NEWUSER)))) {
    return;
  }
  if (!note(board, Trial::IdMap, write_maps(uid, gid))) {
    return;
  }
  const bool mounts = note(board, Trial::MountNamespace, result_of(::unshare(CLONE_NEWNS)));
  const bool network = note(board, Trial::NetworkNamespace, result_of(::unshare(CLONE_NEWNET)));
  note(board, Trial::IpcNamespace, result_of(::unshare(CLONE_NEWIPC)));
  note(board, Trial::UtsNamespace, result_of(::unshare(CLONE_NEWUTS)));
  note(board, Trial::CgroupNamespace, result_of(::unshare(CLONE_NEWCGROUP)));
  if (!note(board, Trial::PidNamespace, result_of(::unshare(CLONE_NEWPID)))) {
    return;
  }
  const pid_t inside = ::fork();
  if (inside == 0) {
    try_inside(board, mounts, network);
    ::_exit(0);
  }
  int status = 0;
  if (inside < 0 || ::waitpid(inside, &status, 0) != inside) {
    note(board, Trial::PidNamespace, -errno);
  }
}

void try_take_descriptor(Board& board) {
  const auto own = static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0));
  note(board, Trial::TakeDescriptor, own < 0 ? -errno : sys::take_descriptor(own, 0));
}

// Runs `attempt` in a child and waits for it.
Status in_child(Board& board, void (*attempt)(Board&)) {
  const pid_t child = ::fork();
  if (child < 0) {
    return Error{.action = "cannot start a process to try a launch in", .errno_value = errno};
  }
  if (child == 0) {
    ::close(STDIN_FILENO);
    (void)::open("/dev/null", O_RDONLY);
    (void)sys::set_parent_death_signal(SIGKILL);
    leave_root();
    attempt(board);
    ::_exit(0);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) {
      return Error{.action = "cannot wait for the trial of a launch", .errno_value = errno};
    }
  }
  return {};
}

}  // namespace

Result<TrialResults> try_launch() {
  void* memory =
      ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    return Error{.action = "cannot get memory for the trial of a launch", .errno_value = errno};
  }
  Board& board = *static_cast<Board*>(memory);
  board.errno_of.fill(kNotTried);
  Status tried = in_child(board, try_namespaces);
  if (tried) {
    tried = in_child(board, try_filter);
  }
  if (tried) {
    tried = in_child(board, try_take_descriptor);
  }
  const TrialResults results{board.errno_of};
  ::munmap(memory, sizeof(Board));
  if (!tried) {
    return std::move(tried).error();
  }
  return results;
}

}  // namespace sbx::host
