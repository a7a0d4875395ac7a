// SPDX-License-Identifier: Apache-2.0
// Other processes, and what all processes of a machine share. Parameters: victim (a
// process outside), shm and queue (System V keys outside, with the secret), mq (a POSIX queue's name),
// boss, host
// (the machine's name), many (more processes than the limit), files (more descriptors than the limit), secret.
#include "attack.h"

#include <mqueue.h>
#include <sys/msg.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/utsname.h>

static int opened(long result, const char* step) { return result < 0 ? blocked(step) : kOpen; }

static pid_t victim(void) { return (pid_t)number("victim"); }

static int signal_victim(void) { return opened(kill(victim(), 0), "kill"); }
static int signal_thread(void) { return opened(syscall(SYS_tgkill, victim(), victim(), 0), "tgkill"); }
static int signal_queue(void) {
  siginfo_t info = {.si_signo = SIGCONT, .si_code = SI_QUEUE};
  return opened(syscall(SYS_rt_sigqueueinfo, victim(), SIGCONT, &info), "rt_sigqueueinfo");
}
static int signal_pidfd(void) {
  const int fd = (int)syscall(SYS_pidfd_open, victim(), 0);
  if (fd < 0) return blocked("pidfd_open");
  return opened(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0), "pidfd_send_signal");
}
static int signal_by_proc(void) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d", victim());
  const int fd = open(path, O_RDONLY | O_DIRECTORY);
  if (fd < 0) return blocked("open");
  return opened(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0), "pidfd_send_signal");
}
static int signal_group(void) { return opened(kill(-getpgid(victim()), 0), "kill"); }
static int signal_owner(void) {
  int ends[2];
  if (pipe(ends) != 0) return blocked("pipe");
  return opened(fcntl(ends[0], F_SETOWN, victim()), "F_SETOWN");
}

static int priority(void) { return opened(setpriority(PRIO_PROCESS, (id_t)victim(), 5), "setpriority"); }
static int io_priority(void) { return opened(syscall(SYS_ioprio_set, 1, victim(), 2 << 13 | 7), "ioprio_set"); }
static int limits(void) {
  struct rlimit limit;
  return opened(prlimit(victim(), RLIMIT_CORE, NULL, &limit), "prlimit");
}
static int scheduler(void) {
  struct sched_param parameter = {0};
  return opened(sched_setscheduler(victim(), SCHED_OTHER, &parameter), "sched_setscheduler");
}
static int affinity(void) {
  cpu_set_t set;
  if (sched_getaffinity(victim(), sizeof set, &set) != 0) return blocked("sched_getaffinity");
  return opened(sched_setaffinity(victim(), sizeof set, &set), "sched_setaffinity");
}
static int trace(void) { return opened(ptrace(PTRACE_SEIZE, victim(), 0, 0), "ptrace"); }
static int session_of(void) { return opened(getsid(victim()), "getsid"); }
static int memory_of_victim(void) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/mem", victim());
  return opened(open(path, O_RDONLY), "open");
}

// init of the sandbox; in the control some process of the same user.
static pid_t boss(void) { return (pid_t)number("boss"); }
static int of_boss(const char* name, int flags) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", boss(), name);
  return opened(open(path, flags), "open");
}
static int boss_memory(void) { return of_boss("mem", O_RDONLY); }
static int boss_environment(void) { return of_boss("environ", O_RDONLY); }
static int boss_descriptors(void) { return of_boss("fd", O_RDONLY | O_DIRECTORY); }
static int boss_program(void) { return of_boss("exe", O_RDONLY); }
static int boss_signal(void) { return opened(kill(boss(), 0), "kill"); }
static int boss_trace(void) { return opened(ptrace(PTRACE_SEIZE, boss(), 0, 0), "ptrace"); }

static int shared_segment(void) {
  const int id = shmget((key_t)number("shm"), 0, 0);
  if (id < 0) return blocked("shmget");
  const char* text = shmat(id, NULL, SHM_RDONLY);
  return text != (const char*)-1 && holds_secret(text) ? kOpen : blocked("shmat");
}
static int message_queue(void) { return opened(msgget((key_t)number("queue"), 0), "msgget"); }
static int posix_queue(void) { return opened(mq_open(value("mq", "/none"), O_RDONLY), "mq_open"); }
static int posix_memory(void) {
  char path[200], text[100];
  snprintf(path, sizeof path, "/dev/shm%s", value("mq", "/none"));
  return opened(read_text(path, text, sizeof text), "open");
}

static int many_children(void) {
  setpgid(0, 0);
  const long many = number("many");
  long made = 0;
  int result = kOpen;
  for (; made < many; ++made) {
    const pid_t child = fork();
    if (child < 0) {
      result = blocked("fork");
      break;
    }
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      pause();
      _exit(0);
    }
  }
  const int saved = errno;
  signal(SIGTERM, SIG_IGN);
  kill(0, SIGTERM);
  while (wait(NULL) > 0) {
  }
  errno = saved;
  return result;
}

static int many_descriptors(void) {
  const long many = number("files");
  for (long made = 0; made < many; ++made) {
    if (dup(1) < 0) return blocked("dup");
  }
  return kOpen;
}

static int limit_raised(void) {
  struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
  if (setrlimit(RLIMIT_CORE, &limit) == 0) return kOpen;
  return blocked("setrlimit");
}

static int much_scratch(void) {
  static const char* const kPlaces[] = {"/tmp", "/dev/shm", "/var/tmp"};
  static char megabyte[1 << 20];
  for (size_t i = 0; i < 3; ++i) {
    const int fd = open(kPlaces[i], O_TMPFILE | O_RDWR, 0600);
    int written = 0;
    while (fd >= 0 && written < 48 && write(fd, megabyte, sizeof megabyte) == (ssize_t)sizeof megabyte) ++written;
    if (written == 48) return kOpen;
  }
  return blocked("write");
}

static int real_time(void) {
  struct sched_param parameter = {.sched_priority = 1};
  return opened(sched_setscheduler(0, SCHED_FIFO, &parameter), "sched_setscheduler");
}
static int deadline(void) {
  struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
  } wish = {48, 6, 0, 0, 0, 10000000, 20000000, 20000000};
  return opened(syscall(SYS_sched_setattr, 0, &wish, 0), "sched_setattr");
}
static int better_nice(void) { return opened(setpriority(PRIO_PROCESS, 0, -5), "setpriority"); }
static int host_name_seen(void) {
  struct utsname host;
  uname(&host);
  errno = 0;
  return strcmp(host.nodename, value("host", "?")) == 0 ? kOpen : blocked("another name");
}

static const struct way kWays[] = {
    {"signal-victim", signal_victim},
    {"signal-thread", signal_thread},
    {"signal-queue", signal_queue},
    {"signal-pidfd", signal_pidfd},
    {"signal-by-proc", signal_by_proc},
    {"signal-group", signal_group},
    {"signal-owner", signal_owner},
    {"priority", priority},
    {"io-priority", io_priority},
    {"limits", limits},
    {"scheduler", scheduler},
    {"affinity", affinity},
    {"trace", trace},
    {"session-of", session_of},
    {"memory-of-victim", memory_of_victim},
    {"boss-memory", boss_memory},
    {"boss-environment", boss_environment},
    {"boss-descriptors", boss_descriptors},
    {"boss-program", boss_program},
    {"boss-signal", boss_signal},
    {"boss-trace", boss_trace},
    {"shared-segment", shared_segment},
    {"message-queue", message_queue},
    {"posix-queue", posix_queue},
    {"posix-memory", posix_memory},
    {"many-children", many_children},
    {"many-descriptors", many_descriptors},
    {"limit-raised", limit_raised},
    {"much-scratch", much_scratch},
    {"real-time", real_time},
    {"deadline", deadline},
    {"better-nice", better_nice},
    {"host-name-seen", host_name_seen},
};

ATTACK_MAIN(kWays)
