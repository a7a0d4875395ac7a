// SPDX-License-Identifier: Apache-2.0
// What the arguments of each call are called and how wide the kernel reads them, from the
// SYSCALL_DEFINE lines of Linux 6.18 and the manual pages' names.
#include <array>
#include <map>

#include "seccomp/syscall_table.h"

namespace sbx::seccomp {
namespace {

// One line for each call, sorted by name: TYPE NAME [FAMILY OF CONSTANTS], ...
//   int, uint    32 bits, with and without sign: the kernel drops the upper half
//   fd, dirfd    int; a dirfd may be AT_FDCWD
//   mode         umode_t: 16 bits
//   long, ulong  64 bits, with and without sign; size: size_t
//   ptr          an address in the caller's memory, which a filter cannot read
// clone's flags are an unsigned long that the kernel cuts to its lower half (lower_32_bits).
constexpr std::string_view kPrototypes = R"(
accept(fd fd, ptr addr, ptr addrlen)
accept4(fd fd, ptr addr, ptr addrlen, int flags SOCK)
access(ptr path, int mode ACCESS)
acct(ptr path)
add_key(ptr type, ptr description, ptr payload, size plen, int ringid KEYRING)
adjtimex(ptr txc)
alarm(uint seconds)
arch_prctl(int option ARCH, ulong arg2)
bind(fd fd, ptr addr, int addrlen)
bpf(int cmd BPF, ptr attr, uint size)
brk(ulong brk)
cachestat(fd fd, ptr range, ptr cstat, uint flags)
capget(ptr header, ptr data)
capset(ptr header, ptr data)
chdir(ptr path)
chmod(ptr path, mode mode)
chown(ptr path, uint owner, uint group)
chroot(ptr path)
clock_adjtime(int clockid CLOCK, ptr tx)
clock_getres(int clockid CLOCK, ptr res)
clock_gettime(int clockid CLOCK, ptr tp)
clock_nanosleep(int clockid CLOCK, int flags TIMER, ptr request, ptr remain)
clock_settime(int clockid CLOCK, ptr tp)
clone(uint flags CLONE, ptr stack, ptr parent_tid, ptr child_tid, ptr tls)
clone3(ptr args, size size)
close(fd fd)
close_range(uint first, uint last, uint flags CLOSERANGE)
connect(fd fd, ptr addr, int addrlen)
copy_file_range(fd fd_in, ptr off_in, fd fd_out, ptr off_out, size len, uint flags)
creat(ptr path, mode mode)
delete_module(ptr name, uint flags O)
dup(fd fd)
dup2(fd oldfd, fd newfd)
dup3(fd oldfd, fd newfd, int flags O)
epoll_create(int size)
epoll_create1(int flags EPOLL)
epoll_ctl(fd epfd, int op EPOLLCTL, fd fd, ptr event)
epoll_pwait(fd epfd, ptr events, int maxevents, int timeout, ptr sigmask, size sigsetsize)
epoll_pwait2(fd epfd, ptr events, int maxevents, ptr timeout, ptr sigmask, size sigsetsize)
epoll_wait(fd epfd, ptr events, int maxevents, int timeout)
eventfd(uint initval)
eventfd2(uint initval, int flags EFD)
execve(ptr path, ptr argv, ptr envp)
execveat(dirfd dirfd, ptr path, ptr argv, ptr envp, int flags AT)
exit(int status)
exit_group(int status)
faccessat(dirfd dirfd, ptr path, int mode ACCESS)
faccessat2(dirfd dirfd, ptr path, int mode ACCESS, int flags AT)
fadvise64(fd fd, long offset, size len, int advice FADV)
fallocate(fd fd, int mode FALLOC, long offset, long len)
fanotify_init(uint flags FAN, uint event_f_flags O)
fanotify_mark(fd fanotify_fd, uint flags FANMARK, ulong mask, dirfd dirfd, ptr path)
fchdir(fd fd)
fchmod(fd fd, mode mode)
fchmodat(dirfd dirfd, ptr path, mode mode)
fchmodat2(dirfd dirfd, ptr path, mode mode, uint flags AT)
fchown(fd fd, uint owner, uint group)
fchownat(dirfd dirfd, ptr path, uint owner, uint group, int flags AT)
fcntl(fd fd, uint cmd F, ulong arg)
fdatasync(fd fd)
fgetxattr(fd fd, ptr name, ptr value, size size)
file_getattr(dirfd dirfd, ptr path, ptr attr, size size, uint flags AT)
file_setattr(dirfd dirfd, ptr path, ptr attr, size size, uint flags AT)
finit_module(fd fd, ptr args, int flags MODULE)
flistxattr(fd fd, ptr list, size size)
flock(fd fd, uint cmd FLOCK)
fork()
fremovexattr(fd fd, ptr name)
fsconfig(fd fd, uint cmd FSCONFIG, ptr key, ptr value, int aux)
fsetxattr(fd fd, ptr name, ptr value, size size, int flags XATTR)
fsmount(fd fs_fd, uint flags FSMOUNT, uint attr_flags MOUNTATTR)
fsopen(ptr fs_name, uint flags FSOPEN)
fspick(dirfd dirfd, ptr path, uint flags FSPICK)
fstat(fd fd, ptr statbuf)
fstatfs(fd fd, ptr buf)
fsync(fd fd)
ftruncate(fd fd, long length)
futex(ptr uaddr, int op FUTEX, uint val, ptr timeout, ptr uaddr2, uint val3)
futex_requeue(ptr waiters, uint flags, int nr_wake, int nr_requeue)
futex_wait(ptr uaddr, ulong val, ulong mask, uint flags FUTEX2, ptr timeout, int clockid CLOCK)
futex_waitv(ptr waiters, uint nr_futexes, uint flags, ptr timeout, int clockid CLOCK)
futex_wake(ptr uaddr, ulong mask, int nr, uint flags FUTEX2)
futimesat(dirfd dirfd, ptr path, ptr times)
get_mempolicy(ptr policy, ptr nmask, ulong maxnode, ulong addr, ulong flags)
get_robust_list(int pid, ptr head, ptr len)
get_thread_area(ptr u_info)
getcpu(ptr cpu, ptr node, ptr unused)
getcwd(ptr buf, ulong size)
getdents(fd fd, ptr dirent, uint count)
getdents64(fd fd, ptr dirent, uint count)
getegid()
geteuid()
getgid()
getgroups(int size, ptr list)
getitimer(int which ITIMER, ptr value)
getpeername(fd fd, ptr addr, ptr addrlen)
getpgid(int pid)
getpgrp()
getpid()
getppid()
getpriority(int which PRIO, int who)
getrandom(ptr buf, size count, uint flags GRND)
getresgid(ptr rgid, ptr egid, ptr sgid)
getresuid(ptr ruid, ptr euid, ptr suid)
getrlimit(uint resource RLIMIT, ptr rlim)
getrusage(int who RUSAGE, ptr usage)
getsid(int pid)
getsockname(fd fd, ptr addr, ptr addrlen)
getsockopt(fd fd, int level SOL, int optname, ptr optval, ptr optlen)
gettid()
gettimeofday(ptr tv, ptr tz)
getuid()
getxattr(ptr path, ptr name, ptr value, size size)
getxattrat(dirfd dirfd, ptr path, uint at_flags AT, ptr name, ptr args, size size)
init_module(ptr image, ulong len, ptr args)
inotify_add_watch(fd fd, ptr path, uint mask INMASK)
inotify_init()
inotify_init1(int flags IN)
inotify_rm_watch(fd fd, int wd)
io_cancel(ulong ctx_id, ptr iocb, ptr result)
io_destroy(ulong ctx_id)
io_getevents(ulong ctx_id, long min_nr, long nr, ptr events, ptr timeout)
io_pgetevents(ulong ctx_id, long min_nr, long nr, ptr events, ptr timeout, ptr sig)
io_setup(uint nr_events, ptr ctx_idp)
io_submit(ulong ctx_id, long nr, ptr iocbpp)
io_uring_enter(fd fd, uint to_submit, uint min_complete, uint flags IORINGENTER, ptr argp, size argsz)
io_uring_register(fd fd, uint opcode, ptr arg, uint nr_args)
io_uring_setup(uint entries, ptr params)
ioctl(fd fd, uint request IOCTL, ulong arg)
ioperm(ulong from, ulong num, int turn_on)
iopl(uint level)
ioprio_get(int which IOPRIO, int who)
ioprio_set(int which IOPRIO, int who, int ioprio)
kcmp(int pid1, int pid2, int type KCMP, ulong idx1, ulong idx2)
kexec_file_load(fd kernel_fd, fd initrd_fd, ulong cmdline_len, ptr cmdline, ulong flags KEXECFILE)
kexec_load(ulong entry, ulong nr_segments, ptr segments, ulong flags)
keyctl(int operation KEYCTL, ulong arg2, ulong arg3, ulong arg4, ulong arg5)
kill(int pid, int sig SIG)
landlock_add_rule(fd ruleset_fd, uint rule_type LANDLOCKRULE, ptr rule_attr, uint flags)
landlock_create_ruleset(ptr attr, size size, uint flags LANDLOCK)
landlock_restrict_self(fd ruleset_fd, uint flags)
lchown(ptr path, uint owner, uint group)
lgetxattr(ptr path, ptr name, ptr value, size size)
link(ptr oldpath, ptr newpath)
linkat(dirfd olddirfd, ptr oldpath, dirfd newdirfd, ptr newpath, int flags AT)
listen(fd fd, int backlog)
listmount(ptr req, ptr mnt_ids, size nr_mnt_ids, uint flags)
listxattr(ptr path, ptr list, size size)
listxattrat(dirfd dirfd, ptr path, uint at_flags AT, ptr list, size size)
llistxattr(ptr path, ptr list, size size)
lookup_dcookie(ulong cookie, ptr buf, size len)
lremovexattr(ptr path, ptr name)
lseek(fd fd, long offset, uint whence SEEK)
lsetxattr(ptr path, ptr name, ptr value, size size, int flags XATTR)
lsm_get_self_attr(uint attr, ptr ctx, ptr size, uint flags)
lsm_list_modules(ptr ids, ptr size, uint flags)
lsm_set_self_attr(uint attr, ptr ctx, uint size, uint flags)
lstat(ptr path, ptr statbuf)
madvise(ulong addr, size len, int advice MADV)
map_shadow_stack(ulong addr, ulong size, uint flags SHSTK)
mbind(ulong addr, ulong len, ulong mode MPOL, ptr nmask, ulong maxnode, uint flags MEMPOLICY)
membarrier(int cmd MEMBARRIER, uint flags, int cpu_id)
memfd_create(ptr name, uint flags MFD)
memfd_secret(uint flags O)
migrate_pages(int pid, ulong maxnode, ptr old_nodes, ptr new_nodes)
mincore(ulong addr, size len, ptr vec)
mkdir(ptr path, mode mode)
mkdirat(dirfd dirfd, ptr path, mode mode)
mknod(ptr path, mode mode, uint dev)
mknodat(dirfd dirfd, ptr path, mode mode, uint dev)
mlock(ulong addr, size len)
mlock2(ulong addr, size len, int flags MLOCK)
mlockall(int flags MLOCKALL)
mmap(ulong addr, ulong len, ulong prot PROT, ulong flags MAP, fd fd, ulong offset)
modify_ldt(int func, ptr ptr, ulong bytecount)
mount(ptr source, ptr target, ptr fstype, ulong flags MOUNT, ptr data)
mount_setattr(dirfd dirfd, ptr path, uint flags AT, ptr attr, size size)
move_mount(dirfd from_dirfd, ptr from_path, dirfd to_dirfd, ptr to_path, uint flags MOVEMOUNT)
move_pages(int pid, ulong nr_pages, ptr pages, ptr nodes, ptr status, int flags MEMPOLICY)
mprotect(ulong addr, size len, ulong prot PROT)
mq_getsetattr(fd mqdes, ptr newattr, ptr oldattr)
mq_notify(fd mqdes, ptr notification)
mq_open(ptr name, int flags O, mode mode, ptr attr)
mq_timedreceive(fd mqdes, ptr msg, size len, ptr prio, ptr timeout)
mq_timedsend(fd mqdes, ptr msg, size len, uint prio, ptr timeout)
mq_unlink(ptr name)
mremap(ulong old_addr, ulong old_len, ulong new_len, ulong flags MREMAP, ulong new_addr)
mseal(ulong addr, size len, ulong flags)
msgctl(int msqid, int cmd IPCCTL, ptr buf)
msgget(int key, int flags IPCGET)
msgrcv(int msqid, ptr msg, size size, long type, int flags)
msgsnd(int msqid, ptr msg, size size, int flags)
msync(ulong addr, size len, int flags MSYNC)
munlock(ulong addr, size len)
munlockall()
munmap(ulong addr, size len)
name_to_handle_at(dirfd dirfd, ptr path, ptr handle, ptr mount_id, int flags AT)
nanosleep(ptr request, ptr remain)
newfstatat(dirfd dirfd, ptr path, ptr statbuf, int flags AT)
nfsservctl(int cmd, ptr arg, ptr result)
open(ptr path, int flags O, mode mode)
open_by_handle_at(fd mount_fd, ptr handle, int flags O)
open_tree(dirfd dirfd, ptr path, uint flags OPENTREE)
open_tree_attr(dirfd dirfd, ptr path, uint flags OPENTREE, ptr attr, size size)
openat(dirfd dirfd, ptr path, int flags O, mode mode)
openat2(dirfd dirfd, ptr path, ptr how, size size)
pause()
perf_event_open(ptr attr, int pid, int cpu, fd group_fd, ulong flags PERF)
personality(uint persona PERSONALITY)
pidfd_getfd(fd pidfd, fd fd, uint flags)
pidfd_open(int pid, uint flags PIDFD)
pidfd_send_signal(fd pidfd, int sig SIG, ptr info, uint flags)
pipe(ptr pipefd)
pipe2(ptr pipefd, int flags O)
pivot_root(ptr new_root, ptr put_old)
pkey_alloc(ulong flags, ulong access_rights PKEY)
pkey_free(int pkey)
pkey_mprotect(ulong addr, size len, ulong prot PROT, int pkey)
poll(ptr fds, uint nfds, int timeout)
ppoll(ptr fds, uint nfds, ptr timeout, ptr sigmask, size sigsetsize)
prctl(int option PR, ulong arg2, ulong arg3, ulong arg4, ulong arg5)
pread64(fd fd, ptr buf, size count, long offset)
preadv(fd fd, ptr iov, ulong iovcnt, ulong pos_l, ulong pos_h)
preadv2(fd fd, ptr iov, ulong iovcnt, ulong pos_l, ulong pos_h, int flags RWF)
prlimit64(int pid, uint resource RLIMIT, ptr new_rlim, ptr old_rlim)
process_madvise(fd pidfd, ptr vec, size vlen, int advice MADV, uint flags)
process_mrelease(fd pidfd, uint flags)
process_vm_readv(int pid, ptr local_iov, ulong liovcnt, ptr remote_iov, ulong riovcnt, ulong flags)
process_vm_writev(int pid, ptr local_iov, ulong liovcnt, ptr remote_iov, ulong riovcnt, ulong flags)
pselect6(int nfds, ptr readfds, ptr writefds, ptr exceptfds, ptr timeout, ptr sig)
ptrace(long request PTRACE, long pid, ulong addr, ulong data)
pwrite64(fd fd, ptr buf, size count, long offset)
pwritev(fd fd, ptr iov, ulong iovcnt, ulong pos_l, ulong pos_h)
pwritev2(fd fd, ptr iov, ulong iovcnt, ulong pos_l, ulong pos_h, int flags RWF)
quotactl(uint cmd, ptr special, uint id, ptr addr)
quotactl_fd(fd fd, uint cmd, uint id, ptr addr)
read(fd fd, ptr buf, size count)
readahead(fd fd, long offset, size count)
readlink(ptr path, ptr buf, int bufsiz)
readlinkat(dirfd dirfd, ptr path, ptr buf, int bufsiz)
readv(fd fd, ptr iov, ulong iovcnt)
reboot(int magic, int magic2, uint cmd REBOOT, ptr arg)
recvfrom(fd fd, ptr buf, size len, uint flags MSG, ptr addr, ptr addrlen)
recvmmsg(fd fd, ptr msgvec, uint vlen, uint flags MSG, ptr timeout)
recvmsg(fd fd, ptr msg, uint flags MSG)
remap_file_pages(ulong addr, ulong size, ulong prot PROT, ulong pgoff, ulong flags MAP)
removexattr(ptr path, ptr name)
removexattrat(dirfd dirfd, ptr path, uint at_flags AT, ptr name)
rename(ptr oldpath, ptr newpath)
renameat(dirfd olddirfd, ptr oldpath, dirfd newdirfd, ptr newpath)
renameat2(dirfd olddirfd, ptr oldpath, dirfd newdirfd, ptr newpath, uint flags RENAME)
request_key(ptr type, ptr description, ptr callout_info, int ringid KEYRING)
restart_syscall()
rmdir(ptr path)
rseq(ptr rseq, uint rseq_len, int flags RSEQ, uint sig)
rt_sigaction(int sig SIG, ptr act, ptr oldact, size sigsetsize)
rt_sigpending(ptr set, size sigsetsize)
rt_sigprocmask(int how SIGHOW, ptr set, ptr oldset, size sigsetsize)
rt_sigqueueinfo(int pid, int sig SIG, ptr info)
rt_sigreturn()
rt_sigsuspend(ptr set, size sigsetsize)
rt_sigtimedwait(ptr set, ptr info, ptr timeout, size sigsetsize)
rt_tgsigqueueinfo(int tgid, int pid, int sig SIG, ptr info)
sched_get_priority_max(int policy SCHED)
sched_get_priority_min(int policy SCHED)
sched_getaffinity(int pid, uint len, ptr mask)
sched_getattr(int pid, ptr attr, uint size, uint flags)
sched_getparam(int pid, ptr param)
sched_getscheduler(int pid)
sched_rr_get_interval(int pid, ptr interval)
sched_setaffinity(int pid, uint len, ptr mask)
sched_setattr(int pid, ptr attr, uint flags)
sched_setparam(int pid, ptr param)
sched_setscheduler(int pid, int policy SCHED, ptr param)
sched_yield()
seccomp(uint op SECCOMP, uint flags SECCOMPFLAG, ptr args)
select(int nfds, ptr readfds, ptr writefds, ptr exceptfds, ptr timeout)
semctl(int semid, int semnum, int cmd SEMCTL, ulong arg)
semget(int key, int nsems, int flags IPCGET)
semop(int semid, ptr sops, uint nsops)
semtimedop(int semid, ptr sops, uint nsops, ptr timeout)
sendfile(fd out_fd, fd in_fd, ptr offset, size count)
sendmmsg(fd fd, ptr msgvec, uint vlen, uint flags MSG)
sendmsg(fd fd, ptr msg, uint flags MSG)
sendto(fd fd, ptr buf, size len, uint flags MSG, ptr addr, int addrlen)
set_mempolicy(int mode MPOL, ptr nmask, ulong maxnode)
set_mempolicy_home_node(ulong addr, ulong len, ulong home_node, ulong flags)
set_robust_list(ptr head, size len)
set_thread_area(ptr u_info)
set_tid_address(ptr tidptr)
setdomainname(ptr name, int len)
setfsgid(uint gid)
setfsuid(uint uid)
setgid(uint gid)
setgroups(int size, ptr list)
sethostname(ptr name, int len)
setitimer(int which ITIMER, ptr new_value, ptr old_value)
setns(fd fd, int nstype CLONE)
setpgid(int pid, int pgid)
setpriority(int which PRIO, int who, int niceval)
setregid(uint rgid, uint egid)
setresgid(uint rgid, uint egid, uint sgid)
setresuid(uint ruid, uint euid, uint suid)
setreuid(uint ruid, uint euid)
setrlimit(uint resource RLIMIT, ptr rlim)
setsid()
setsockopt(fd fd, int level SOL, int optname, ptr optval, int optlen)
settimeofday(ptr tv, ptr tz)
setuid(uint uid)
setxattr(ptr path, ptr name, ptr value, size size, int flags XATTR)
setxattrat(dirfd dirfd, ptr path, uint at_flags AT, ptr name, ptr args, size size)
shmat(int shmid, ptr addr, int flags SHMAT)
shmctl(int shmid, int cmd IPCCTL, ptr buf)
shmdt(ptr addr)
shmget(int key, size size, int flags IPCGET)
shutdown(fd fd, int how SHUT)
sigaltstack(ptr ss, ptr old_ss)
signalfd(fd fd, ptr mask, size sizemask)
signalfd4(fd fd, ptr mask, size sizemask, int flags SFD)
socket(int domain AF, int type SOCK, int protocol IPPROTO)
socketpair(int domain AF, int type SOCK, int protocol IPPROTO, ptr sv)
splice(fd fd_in, ptr off_in, fd fd_out, ptr off_out, size len, uint flags SPLICE)
stat(ptr path, ptr statbuf)
statfs(ptr path, ptr buf)
statmount(ptr req, ptr buf, size bufsize, uint flags)
statx(dirfd dirfd, ptr path, uint flags AT, uint mask STATX, ptr statxbuf)
swapoff(ptr path)
swapon(ptr path, int flags SWAP)
symlink(ptr target, ptr linkpath)
symlinkat(ptr target, dirfd newdirfd, ptr linkpath)
sync()
sync_file_range(fd fd, long offset, long nbytes, uint flags SYNCRANGE)
syncfs(fd fd)
sysfs(int option, ulong arg1, ulong arg2)
sysinfo(ptr info)
syslog(int type, ptr buf, int len)
tee(fd fd_in, fd fd_out, size len, uint flags SPLICE)
tgkill(int tgid, int pid, int sig SIG)
time(ptr tloc)
timer_create(int clockid CLOCK, ptr sevp, ptr timerid)
timer_delete(int timerid)
timer_getoverrun(int timerid)
timer_gettime(int timerid, ptr value)
timer_settime(int timerid, int flags TIMER, ptr new_value, ptr old_value)
timerfd_create(int clockid CLOCK, int flags TFD)
timerfd_gettime(fd fd, ptr value)
timerfd_settime(fd fd, int flags TFDSET, ptr new_value, ptr old_value)
times(ptr buf)
tkill(int pid, int sig SIG)
truncate(ptr path, long length)
umask(int mask)
umount2(ptr target, int flags UMOUNT)
uname(ptr name)
unlink(ptr path)
unlinkat(dirfd dirfd, ptr path, int flags UNLINKAT)
unshare(ulong flags UNSHARE)
uprobe()
uretprobe()
uselib(ptr library)
userfaultfd(int flags O)
ustat(uint dev, ptr ubuf)
utime(ptr path, ptr times)
utimensat(dirfd dirfd, ptr path, ptr times, int flags AT)
utimes(ptr path, ptr times)
vfork()
vhangup()
vmsplice(fd fd, ptr iov, ulong nr_segs, uint flags SPLICE)
wait4(int pid, ptr status, int options WAIT, ptr rusage)
waitid(int idtype IDTYPE, int id, ptr infop, int options WAIT, ptr rusage)
write(fd fd, ptr buf, size count)
writev(fd fd, ptr iov, ulong iovcnt)
)";

struct Type {
  std::string_view name;
  ArgumentInfo info;
};

constexpr std::uint64_t kLow32 = 0xffff'ffff;

constexpr Type kTypes[] = {
    {"int", {.name = {}, .width = 32, .is_signed = true, .mask = kLow32}},
    {"uint", {.name = {}, .width = 32, .mask = kLow32}},
    {"fd", {.name = {}, .width = 32, .is_signed = true, .mask = kLow32}},
    {"dirfd", {.name = {}, .width = 32, .is_signed = true, .constants = "FD", .mask = kLow32}},
    {"mode", {.name = {}, .width = 32, .constants = "S", .mask = 0xffff}},
    {"long", {.name = {}, .width = 64, .is_signed = true}},
    {"ulong", {.name = {}, .width = 64}},
    {"size", {.name = {}, .width = 64}},
    {"ptr", {.name = {}, .width = 64, .is_pointer = true}},
};

struct Arguments {
  std::array<ArgumentInfo, 6> info{};
  std::size_t count = 0;
};

std::string_view cut(std::string_view& text, std::string_view separator) {
  const std::size_t end = text.find(separator);
  const std::string_view first = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + separator.size());
  return first;
}

// `list` is what stands between the parentheses.
Arguments parse_arguments(std::string_view list) {
  Arguments arguments;
  while (!list.empty() && arguments.count < arguments.info.size()) {
    std::string_view words = cut(list, ", ");
    const std::string_view type_name = cut(words, " ");
    ArgumentInfo& info = arguments.info[arguments.count++];
    for (const Type& type : kTypes) {
      if (type.name == type_name) {
        info = type.info;
      }
    }
    info.name = cut(words, " ");
    if (!words.empty()) {
      info.constants = words;
    }
  }
  return arguments;
}

// The line of this call, or nothing.
std::string_view find_prototype(std::string_view name) {
  std::size_t low = 1;  // the text begins with a newline
  std::size_t high = kPrototypes.size();
  while (low < high) {
    const std::size_t start = kPrototypes.rfind('\n', low + (high - low) / 2 - 1) + 1;
    const std::size_t end = kPrototypes.find('\n', start);
    const std::string_view line = kPrototypes.substr(start, end - start);
    const int order = name.compare(line.substr(0, line.find('(')));
    if (order == 0) {
      return line;
    }
    if (order < 0) {
      high = start;
    } else {
      low = end + 1;
    }
  }
  return {};
}

}  // namespace

std::span<const ArgumentInfo> arguments_of(std::string_view name) {
  // Parsed when first asked for: few launches look at more than a handful of prototypes, and a
  // table of string_views would be relocated at every start.
  static std::map<const char*, Arguments> parsed;
  const std::string_view line = find_prototype(name);
  if (line.empty()) {
    return {};
  }
  auto [entry, is_new] = parsed.try_emplace(line.data());
  if (is_new) {
    const std::size_t open = line.find('(');
    entry->second = parse_arguments(line.substr(open + 1, line.size() - open - 2));
  }
  return {entry->second.info.data(), entry->second.count};
}

}  // namespace sbx::seccomp
