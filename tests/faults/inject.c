// SPDX-License-Identifier: Apache-2.0
// inject [-l LOG] [-p PROCESS -k CALL (-e ERRNO | -s SIGNAL)] -- COMMAND...
//
// Runs a launch under ptrace(2), and makes one system call of one of its processes fail: the CALLth
// of PROCESS, which is "supervisor" (the command itself), "init" (cloned into a new pid namespace),
// "sandboxee" (init's first child, until it executes the command), or "other". The call does not
// reach the kernel; its caller sees ERRNO. With -s the process gets SIGNAL there instead.
//
// LOG has a line for each call in order: process, which one, number, a path if an argument is one.
// At the end it says "exec" if the command was executed, "hit" if the call was reached, and
// "left PID" for each process that outlived the supervisor by a second.
// Exit status: that of the supervisor, 128+n for a signal; 99 if the tracer itself cannot.
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kSupervisor, kInit, kSandboxee, kOther, kCommand };
static const char* const kNames[] = {"supervisor", "init", "sandboxee", "other", "command"};
enum { kMost = 64, kTracerFailed = 99, kPatienceMs = 1000 };

struct process {
  pid_t pid;
  int role;
  int calls;            // entered so far
  int failing;          // the present call is the one
  int held;             // stopped until its parent's event says who it is
  unsigned long entered;  // its number
  unsigned long first;    // its first argument
};

static struct process processes[kMost];
static int count;
static FILE* log_file;
static int wanted_role = -1, wanted_call = -1, wanted_errno, wanted_signal;
static int executed, reached, have_sandboxee;

static void give_up(const char* what) {
  fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
  exit(kTracerFailed);
}

static struct process* find(pid_t pid) {
  for (int i = 0; i < count; ++i) {
    if (processes[i].pid == pid) return &processes[i];
  }
  return NULL;
}

static struct process* add(pid_t pid, int role) {
  struct process* known = find(pid);
  if (known == NULL) {
    if (count == kMost) {
      errno = ENOSPC;
      give_up("too many processes");
    }
    known = &processes[count++];
    memset(known, 0, sizeof *known);
    known->pid = pid;
    known->role = kOther;
  }
  if (role >= 0) known->role = role;
  return known;
}

static void forget(pid_t pid) {
  struct process* gone = find(pid);
  if (gone != NULL) *gone = processes[--count];
}

// Puts restart_syscall(2) in the call's place, which does nothing where nothing was interrupted, and
// which every filter of a launch allows. brk(2) answers where the break is, never an errno: it is
// made to fail by asking for 0.
static void skip_call(const struct process* process) {
#if defined(__x86_64__)
  const int is_break = process->entered == SYS_brk;
  const size_t where = is_break ? offsetof(struct user_regs_struct, rdi)
                                : offsetof(struct user_regs_struct, orig_rax);
  if (ptrace(PTRACE_POKEUSER, process->pid, where, is_break ? 0L : (long)SYS_restart_syscall) != 0) {
    give_up("cannot skip the call");
  }
#elif defined(__aarch64__)
  int none = SYS_restart_syscall;
  struct iovec vector = {&none, sizeof none};
  if (ptrace(PTRACE_SETREGSET, process->pid, NT_ARM_SYSTEM_CALL, &vector) != 0) {
    give_up("cannot skip the call");
  }
#endif
}

static void set_result(pid_t pid, long value) {
#if defined(__x86_64__)
  if (ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, rax), value) != 0) {
    give_up("cannot set the result");
  }
#elif defined(__aarch64__)
  struct user_regs_struct registers;
  struct iovec vector = {&registers, sizeof registers};
  if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &vector) != 0) give_up("cannot read the registers");
  registers.regs[0] = (unsigned long long)value;
  if (ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &vector) != 0) give_up("cannot set the result");
#endif
}

// A text that an argument may point to; only what looks like a path is one.
static int read_path(pid_t pid, uint64_t at, char* into, size_t size) {
  struct iovec here = {into, size - 1}, there = {(void*)(uintptr_t)at, size - 1};
  ssize_t got = process_vm_readv(pid, &here, 1, &there, 1, 0);
  if (got <= 0) {  // the end of the mapping: a page's rest
    there.iov_len = here.iov_len = 4096 - at % 4096 < size - 1 ? 4096 - at % 4096 : size - 1;
    got = process_vm_readv(pid, &here, 1, &there, 1, 0);
  }
  if (got <= 1) return 0;
  into[got] = 0;
  for (char* c = into; *c; ++c) {
    if (*c <= ' ' || *c > '~') return 0;
  }
  return strchr(into, '/') != NULL || (into[0] == '.' && into[1] == 0);
}

static void note_call(const struct process* process, const struct __ptrace_syscall_info* call) {
  char path[128] = "";
  for (int i = 0; i < 2 && path[0] == 0; ++i) {
    char text[128];
    if (call->entry.args[i] > 4096 && read_path(process->pid, call->entry.args[i], text, sizeof text)) {
      strcpy(path, text);
    }
  }
  fprintf(log_file, "%s %d %llu %s\n", kNames[process->role], process->calls,
          (unsigned long long)call->entry.nr, path);
}

// What skip_call has changed: the caller relies on its registers (x86-64 ABI).
static void set_failure(const struct process* process) {
#if defined(__x86_64__)
  if (process->entered == SYS_brk) {
    if (ptrace(PTRACE_POKEUSER, process->pid, offsetof(struct user_regs_struct, rdi), process->first) != 0) {
      give_up("cannot restore the argument");
    }
    return;
  }
#endif
  set_result(process->pid, -wanted_errno);
}

static void at_call(struct process* process) {
  struct __ptrace_syscall_info call;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, process->pid, sizeof call, &call) <= 0) return;  // killed meanwhile
  if (call.op == PTRACE_SYSCALL_INFO_EXIT) {
    if (process->failing) set_failure(process);
    process->failing = 0;
    return;
  }
  if (call.op != PTRACE_SYSCALL_INFO_ENTRY) return;
  ++process->calls;
  process->entered = call.entry.nr;
  process->first = call.entry.args[0];
  if (log_file != NULL) note_call(process, &call);
  if (process->role != wanted_role || process->calls != wanted_call) return;
  reached = 1;
  if (wanted_signal != 0) {
    kill(process->pid, wanted_signal);
    return;
  }
  skip_call(process);
  process->failing = 1;
}

static void go_on(const struct process* process, int signal);

// Who the new process is, by how its parent made it.
static void at_fork(const struct process* parent, pid_t pid) {
  int role = kOther;
  if (parent->role == kSupervisor && parent->entered == SYS_clone &&
      (parent->first & CLONE_NEWPID) != 0) {
    role = kInit;
  } else if (parent->role == kInit && !have_sandboxee) {
    role = kSandboxee;
    have_sandboxee = 1;
  } else if (parent->role == kCommand) {
    role = kCommand;
  }
  struct process* child = add(pid, role);
  if (child->held) {
    child->held = 0;
    go_on(child, 0);
  }
}

// The signal to pass on, or -1 to leave the process stopped.
static int at_stop(struct process* process, int status) {
  const int signal = WSTOPSIG(status), event = status >> 16;
  switch (event) {
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE: {
      unsigned long child = 0;
      ptrace(PTRACE_GETEVENTMSG, process->pid, 0, &child);
      at_fork(process, (pid_t)child);
      return 0;
    }
    case PTRACE_EVENT_EXEC:
      if (process->role == kSandboxee) {
        executed = 1;
        process->role = kCommand;
      }
      return 0;
    case PTRACE_EVENT_STOP:
      return signal == SIGTRAP || signal == SIGSTOP ? 0 : -1;
    default:
      break;
  }
  if (signal == (SIGTRAP | 0x80)) {
    at_call(process);
    return 0;
  }
  return signal;
}

static void go_on(const struct process* process, int signal) {
  // The command is none of our business, but for its end.
  const enum __ptrace_request how = signal == -1                ? PTRACE_LISTEN
                                    : process->role == kCommand ? PTRACE_CONT
                                                                : PTRACE_SYSCALL;
  ptrace(how, process->pid, 0, signal == -1 ? 0 : signal);
}

static long now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

// Until every process of the launch is gone, or the supervisor is and the others stay.
static int trace(pid_t supervisor) {
  int result = -1;
  long ended_at = 0;
  while (count > 0) {
    int status = 0;
    const pid_t pid = waitpid(-1, &status, __WALL | (result >= 0 ? WNOHANG : 0));
    if (pid < 0) {
      if (errno == EINTR) continue;
      break;
    }
    if (pid == 0) {
      if (now_ms() - ended_at > kPatienceMs) break;
      usleep(500);
      continue;
    }
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      forget(pid);
      if (pid == supervisor) {
        result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        ended_at = now_ms();
      }
      continue;
    }
    struct process* process = find(pid);
    if (process == NULL) {  // a child that stops before its parent's event names it
      add(pid, -1)->held = 1;
      continue;
    }
    go_on(process, at_stop(process, status));
  }
  return result;
}

static pid_t start(char** command) {
  const pid_t pid = fork();
  if (pid < 0) give_up("cannot fork");
  if (pid == 0) {
    raise(SIGSTOP);
    execvp(command[0], command);
    _exit(kTracerFailed);
  }
  int status = 0;
  waitpid(pid, &status, WUNTRACED);
  const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                       PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
  if (ptrace(PTRACE_SEIZE, pid, 0, options) != 0) give_up("cannot trace");
  kill(pid, SIGCONT);
  return pid;
}

int main(int argc, char** argv) {
  int option;
  while ((option = getopt(argc, argv, "+l:p:k:e:s:")) != -1) {
    switch (option) {
      case 'l':
        log_file = fopen(optarg, "we");
        if (log_file == NULL) give_up(optarg);
        break;
      case 'p':
        for (int i = 0; i < kCommand; ++i) {
          if (strcmp(optarg, kNames[i]) == 0) wanted_role = i;
        }
        break;
      case 'k': wanted_call = atoi(optarg); break;
      case 'e': wanted_errno = atoi(optarg); break;
      case 's': wanted_signal = atoi(optarg); break;
      default: return kTracerFailed;
    }
  }
  if (optind == argc) return kTracerFailed;
  const pid_t supervisor = start(argv + optind);
  add(supervisor, kSupervisor);
  const int result = trace(supervisor);
  if (log_file != NULL) {
    if (executed) fputs("exec\n", log_file);
    if (reached) fputs("hit\n", log_file);
    for (int i = 0; i < count; ++i) fprintf(log_file, "left %d\n", processes[i].pid);
    fclose(log_file);
  }
  return result < 0 ? kTracerFailed : result;
}
