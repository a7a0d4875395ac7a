// SPDX-License-Identifier: Apache-2.0
// Makes calls that a policy denies, in the ways that a hostile program may choose. Each mode prints
// what it saw itself, for the test to hold against what sbx has told.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile long allowed_calls;
static volatile int over;

static void* flood(void* count) {
  for (long i = 0; i < (long)count; ++i) syscall(SYS_getpgid, 0);
  return NULL;
}

// Goes on with calls that are allowed, meanwhile.
static void* work(void* unused) {
  (void)unused;
  while (!over) {
    syscall(SYS_gettid);
    ++allowed_calls;
  }
  return NULL;
}

static int flood_with(int threads, long each) {
  pthread_t thread[64], worker;
  pthread_create(&worker, NULL, work, NULL);
  for (int i = 0; i < threads; ++i) pthread_create(&thread[i], NULL, flood, (void*)each);
  for (int i = 0; i < threads; ++i) pthread_join(thread[i], NULL);
  over = 1;
  pthread_join(worker, NULL);
  printf("done %d\n", allowed_calls > 1000);
  return 0;
}

static char path[64] = "/first";

static void* rewrite(void* unused) {
  (void)unused;
  while (!over) {
    memcpy(path, "/other", 6);
    memcpy(path, "/first", 6);
  }
  return NULL;
}

// The strings change under the report; the call and its numbers cannot.
static int rewriting(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, rewrite, NULL);
  for (int i = 0; i < 200; ++i) syscall(SYS_chroot, path);
  over = 1;
  pthread_join(thread, NULL);
  puts("done");
  return 0;
}

// Dies in the middle of its own denial.
static int dying(void) {
  for (int i = 0; i < 50; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      for (;;) syscall(SYS_chroot, path);
    }
    usleep(1000 + (useconds_t)i * 100);
    kill(child, i % 2 == 0 ? SIGKILL : SIGSTOP);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
  }
  puts("done");
  return 0;
}

// Stopped and continued in the middle of denials, its threads too, and at last killed while
// stopped.
static int stopping(void) {
  const pid_t child = fork();
  if (child == 0) {
    pthread_t thread[3];
    for (int i = 0; i < 3; ++i) pthread_create(&thread[i], NULL, flood, (void*)1000000000L);
    for (;;) syscall(SYS_chroot, path);
  }
  for (int i = 0; i < 40; ++i) {
    usleep(2000 + (useconds_t)i * 100);
    kill(child, SIGSTOP);
    if (waitpid(child, NULL, WUNTRACED) != child) return 1;
    syscall(SYS_chroot, "/beside");  // the supervisor answers others meanwhile
    if (i < 39) kill(child, SIGCONT);
  }
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  puts("done");
  return 0;
}

static int odd_pointers(void) {
  char* const pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(pages + 4096, 4096, PROT_NONE);
  memset(pages, 'a', 4096);
  syscall(SYS_chroot, 8);
  syscall(SYS_acct, pages + 4090);  // runs into the page that cannot be read
  syscall(SYS_umount2, ~0ul, 0);
  prctl(PR_SET_NAME, "\x1b]0;own\a\nsbx:");
  syscall(SYS_chdir, "\x1b[31mred\nsbx: denied nothing");
  puts("done");
  return 0;
}

__attribute__((noinline)) static int jump_to(void* code) {
  ((void (*)(void))code)();
  return 0;
}

static int jit(void) {
  void* const page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(page, 4096, PROT_READ | PROT_EXEC);
  return jump_to(page);
}

static int worker_crashes(void) {
  if (fork() == 0) _exit(jit());
  int status = 0;
  wait(&status);
  printf("worker ended by %d\n", WTERMSIG(status));
  return 0;
}

int main(int argc, char** argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  const char* const mode = argc > 1 ? argv[1] : "";
  if (strcmp(mode, "flood") == 0) return flood_with(atoi(argv[2]), atol(argv[3]));
  if (strcmp(mode, "rewriting") == 0) return rewriting();
  if (strcmp(mode, "dying") == 0) return dying();
  if (strcmp(mode, "stopping") == 0) return stopping();
  if (strcmp(mode, "pointers") == 0) return odd_pointers();
  if (strcmp(mode, "jit") == 0) return jit();
  if (strcmp(mode, "worker") == 0) return worker_crashes();
  return 2;
}
