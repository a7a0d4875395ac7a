// SPDX-License-Identifier: Apache-2.0
// The frame of an attack program: a table of ways, each a function that tries one. A way returns
// kOpen, or blocked("step") with errno as that step left it. It runs in a process of its own, so one
// that is killed or stuck does not end the others.
//
//   FAMILY all [NAME=VALUE...]      tries every way
//   FAMILY WAY [NAME=VALUE...]      tries one
//
// For each way a line on stdout: "WAY OPEN", "WAY BLOCKED step errno", "WAY BLOCKED killed signal" or
// "WAY MISSING what" where this machine lacks what the way needs.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kBlocked = 0, kOpen = 1, kMissing = 2, kPatienceSeconds = 8 };

struct way {
  const char* name;
  int (*run)(void);
};

static const char* attack_step = "?";
static int attack_errno;
static int attack_count;
static char** attack_values;

static inline int blocked(const char* step) {
  attack_errno = errno;
  attack_step = step;
  return kBlocked;
}

static inline int missing(const char* what) {
  attack_step = what;
  return kMissing;
}

// The value of NAME=VALUE on the command line.
static inline const char* value(const char* name, const char* otherwise) {
  const size_t length = strlen(name);
  for (int i = 2; i < attack_count; ++i) {
    if (strncmp(attack_values[i], name, length) == 0 && attack_values[i][length] == '=') {
      return attack_values[i] + length + 1;
    }
  }
  return otherwise;
}

static inline long number(const char* name) { return atol(value(name, "0")); }

// A file's beginning, as text; its length, or -1.
static inline ssize_t read_text(const char* path, char* into, size_t size) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  const ssize_t got = fd < 0 ? -1 : read(fd, into, size - 1);
  const int saved = errno;
  if (fd >= 0) close(fd);
  into[got > 0 ? got : 0] = 0;
  errno = saved;
  return got;
}

static inline int holds_secret(const char* text) {
  return strstr(text, value("secret", "\n no secret given")) != NULL;
}

// Runs a function in a child: its exit status, or -signal.
static inline int status_in_child(void (*run)(void* argument), void* argument) {
  const pid_t child = fork();
  if (child < 0) return -1000;
  if (child == 0) {
    run(argument);
    _exit(99);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static inline void attack_once(const struct way* way) {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    alarm(kPatienceSeconds);
    char line[200];
    const int result = way->run();
    const int length =
        result == kOpen      ? snprintf(line, sizeof line, "%s OPEN\n", way->name)
        : result == kMissing ? snprintf(line, sizeof line, "%s MISSING %s\n", way->name, attack_step)
                             : snprintf(line, sizeof line, "%s BLOCKED %s %s\n", way->name, attack_step,
                                        strerrorname_np(attack_errno) ? strerrorname_np(attack_errno) : "0");
    if (write(1, line, (size_t)length) < 0) _exit(3);
    _exit(0);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) < 0) {
    printf("%s MISSING a process\n", way->name);
  } else if (WIFSIGNALED(status)) {
    printf("%s BLOCKED killed %d\n", way->name, WTERMSIG(status));
  } else if (WEXITSTATUS(status) != 0) {
    printf("%s BLOCKED ended %d\n", way->name, WEXITSTATUS(status));
  }
  fflush(stdout);
}

static inline int attack_main(int count, char** values, const struct way* ways, size_t many) {
  if (count < 2) return 2;
  attack_count = count;
  attack_values = values;
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  for (size_t i = 0; i < many; ++i) {
    if (strcmp(values[1], "all") == 0 || strcmp(values[1], ways[i].name) == 0) attack_once(&ways[i]);
  }
  return 0;
}

#define ATTACK_MAIN(ways) \
  int main(int count, char** values) { \
    return attack_main(count, values, ways, sizeof(ways) / sizeof *(ways)); \
  }
