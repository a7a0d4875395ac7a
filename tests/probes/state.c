// SPDX-License-Identifier: Apache-2.0
// state: prints what confines this process, a line for each thing, in words that are the same for
// every run of one policy. Two runs that print the same are confined alike.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

extern char** environ;

static const char* answer(long result) { return result >= 0 ? "yes" : strerror(errno); }

// Lines of /proc/PID/status that say how a process is confined.
static void status_lines(const char* path) {
  static const char* const kWanted[] = {"NoNewPrivs", "Seccomp", "Cap",   "Uid", "Gid",
                                        "Groups",     "NSpid", "SigBlk", "SigIgn"};
  FILE* file = fopen(path, "re");
  char line[512];
  if (file == NULL) {
    printf("%s: %s\n", path, strerror(errno));
    return;
  }
  // init's signal mask and filter depend on the moment: it puts the filter on while the command starts.
  const int is_init = strstr(path, "/1/") != NULL;
  while (fgets(line, sizeof line, file) != NULL) {
    if (is_init && (strncmp(line, "SigBlk", 6) == 0 || strncmp(line, "Seccomp", 7) == 0)) continue;
    for (size_t i = 0; i < sizeof kWanted / sizeof *kWanted; ++i) {
      if (strncmp(line, kWanted[i], strlen(kWanted[i])) == 0) printf("%s %s", path, line);
    }
  }
  fclose(file);
}

static void namespaces(void) {
  static const char* const kKinds[] = {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"};
  for (size_t i = 0; i < sizeof kKinds / sizeof *kKinds; ++i) {
    char path[64], link[64] = "";
    snprintf(path, sizeof path, "/proc/self/ns/%s", kKinds[i]);
    printf("namespace %s\n", readlink(path, link, sizeof link - 1) > 0 ? link : strerror(errno));
  }
}

// Place, root, options and type: not the ids, which differ from run to run.
static void mounts(void) {
  FILE* file = fopen("/proc/self/mountinfo", "re");
  char line[1024];
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    char root[256], place[256], options[256];
    char* rest = strstr(line, " - ");
    if (sscanf(line, "%*s %*s %*s %255s %255s %255s", root, place, options) == 3 && rest != NULL) {
      printf("mount %s %s %s%s", place, root, options, rest);
    }
  }
  if (file != NULL) fclose(file);
}

static void limits(void) {
  for (int resource = 0; resource < RLIM_NLIMITS; ++resource) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) == 0) {
      printf("limit %d %lld %lld\n", resource, (long long)limit.rlim_cur, (long long)limit.rlim_max);
    }
  }
}

static void descriptors(void) {
  for (int fd = 0; fd < 1024; ++fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0) printf("descriptor %d mode %d\n", fd, flags & O_ACCMODE);
  }
}

static void one_file(const char* path) {
  char text[64] = "";
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  printf("file %s %s\n", path, got < 0 ? strerror(errno) : text);
  if (fd >= 0) close(fd);
}

// What a layer refuses when it is there: each line changes if one of them is not.
static void effects(void) {
  void* page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  printf("write then execute: %s\n", answer(mprotect(page, 4096, PROT_READ | PROT_EXEC)));
  printf("MDWE: %d\n", prctl(66 /* PR_GET_MDWE */, 0, 0, 0, 0));
  printf("securebits: %d\n", prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
  printf("dies with its parent: %d\n", prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0));
  printf("user namespace: %s\n", answer(unshare(CLONE_NEWUSER)));
  printf("signal to init: %s\n", answer(kill(1, 0)));  // Landlock's scope
  printf("file in /: %s\n", answer(open("/sbx-state", O_CREAT | O_WRONLY, 0600)));
  printf("file in /usr: %s\n", answer(open("/usr/sbx-state", O_CREAT | O_WRONLY, 0600)));
  printf("own memory: %s\n", answer(open("/proc/self/mem", O_RDWR)));
  printf("init's memory: %s\n", answer(open("/proc/1/mem", O_RDONLY)));
  printf("init's environment: %s\n", answer(open("/proc/1/environ", O_RDONLY)));
  printf("init's descriptors: %s\n", answer(open("/proc/1/fd", O_RDONLY | O_DIRECTORY)));
  printf("number 600: %s\n", answer(syscall(600)));
  printf("personality: %x\n", (unsigned)personality(0xffffffff));
}

static void network(void) {
  struct ifreq request = {.ifr_name = "lo"};
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  int done = fd < 0 ? -1 : ioctl(fd, SIOCGIFFLAGS, &request);
  printf("loopback: %s %x\n", answer(done), (unsigned)request.ifr_flags);
  one_file("/proc/sys/net/ipv4/ip_unprivileged_port_start");
  one_file("/proc/net/dev");
}

int main(void) {
  char text[256] = "";
  struct utsname host;
  status_lines("/proc/self/status");
  status_lines("/proc/1/status");
  namespaces();
  mounts();
  limits();
  uname(&host);
  printf("host %s, directory %s\n", host.nodename, getcwd(text, sizeof text) ? text : strerror(errno));
  printf("pid %d, group %d, session %d\n", getpid(), getpgrp(), getsid(0));
  descriptors();  // before anything below opens one
  one_file("/proc/sys/user/max_user_namespaces");
  one_file("/proc/1/cmdline");
  one_file("/proc/self/cgroup");
  network();
  effects();
  for (char** variable = environ; *variable != NULL; ++variable) printf("environment %s\n", *variable);
  puts("end of state");
  return 0;
}
