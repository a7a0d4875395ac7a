// SPDX-License-Identifier: Apache-2.0
// clone(2), prctl(2) and what else a launch asks of the kernel about processes. Raw system calls,
// no allocation; every function returns 0 (or what its comment says) or a negative errno.
#pragma once

#include <linux/filter.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sbx::sys {

// fork(2) with namespaces: returns the pid (0 in the child); the pidfd is stored in *pidfd.
// The child has a copy of the memory, as after fork. Only for single-threaded callers.
int clone_namespaces(std::uint64_t namespaces, int* pidfd);

// vfork(2)-like: the child runs `entry(argument)` on its own stack in the caller's memory and with
// the caller's descriptor table; the caller sleeps until the child has exec'ed or ended. Returns the pid.
int clone_sharing_memory(int (*entry)(void*), void* argument, std::byte* stack_top);

int set_no_new_privs();
// prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN), Linux 6.3: no mapping that was writable becomes executable.
int refuse_exec_gain();
int set_parent_death_signal(int signal);
// PR_SET_DUMPABLE 0, with a mark in the argument that the kernel does not read: seccomp(2) sees it.
int hide_memory(std::uint64_t mark);
int set_dumpable(bool dumpable);

// PR_SET_CHILD_SUBREAPER: processes below this one that lose their parent become its children.
int adopt_orphans();

// Kills and reaps every child of this process and whatever it adopts meanwhile, until there is none,
// or none outside of this process's own session. Reads /proc/thread-self/children
// (CONFIG_PROC_CHILDREN); 0 or a negative errno.
int end_children(bool spare_own_session);

// seccomp(2), SECCOMP_SET_MODE_FILTER with a listener, whose descriptor it returns.
int install_filter(const sock_fprog& program, bool wait_killable);

// The same for sbx's own processes, without a listener.
int restrict_calls(const sock_fprog& program);

// A descriptor of another process, by its pidfd (pidfd_getfd(2), Linux 5.6).
int take_descriptor(int pidfd, int descriptor);

// close_range(2): every descriptor from `first` up closes at exec.
int close_on_exec_from(unsigned first);
int keep_over_exec(int descriptor);

// Closes every descriptor but this one.
int close_all_but(int descriptor);
// But these; not for the child of a launch, since it allocates.
void close_all_but(std::vector<int> kept);
// Closes what came with this program's own execve, from descriptor 3 up: whatever does not close at
// exec, since all that sbx opens does. Needs /proc.
int close_inherited();

// Both limits, or the present hard limit where that is lower: a limit is never raised.
int lower_limit(int resource, std::uint64_t soft, std::uint64_t hard);

// Brings the loopback interface of this network namespace up (netdevice(7)).
int loopback_up();

// Writes a short text to a file of procfs.
int write_file(const char* path, const char* text, std::size_t length);

}  // namespace sbx::sys
