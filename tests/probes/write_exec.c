// SPDX-License-Identifier: Apache-2.0
// Asks for memory that is writable and executable in every plain way, one line for each:
// NAME OPEN, or NAME and the errno's number. "OPEN" means that the code really ran where that can
// be tried without a fault.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { kSize = 4096 };

#if defined(__x86_64__)
static const unsigned char kReturn42[] = {0xb8, 42, 0, 0, 0, 0xc3};  // mov $42,%eax; ret
#elif defined(__aarch64__)
static const unsigned char kReturn42[] = {0x40, 0x05, 0x80, 0x52, 0xc0, 0x03, 0x5f, 0xd6};
#endif

static void say(const char* name, int open) {
  if (open) {
    printf("%s OPEN\n", name);
  } else {
    printf("%s %d\n", name, errno);
  }
  fflush(stdout);
}

static int runs(void* code) {
  int (*function)(void);
  memcpy(&function, &code, sizeof function);
  return function() == 42;
}

static void* writable(int flags) {
  void* memory = mmap(NULL, kSize, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (memory == MAP_FAILED) {
    return NULL;
  }
  memcpy(memory, kReturn42, sizeof kReturn42);
  return memory;
}

static void try_mmap(void) {
  void* memory = mmap(NULL, kSize, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory != MAP_FAILED) {
    memcpy(memory, kReturn42, sizeof kReturn42);
  }
  say("mmap-wx", memory != MAP_FAILED && runs(memory));
}

static void try_mprotect(void) {
  void* memory = writable(MAP_PRIVATE | MAP_ANONYMOUS);
  say("mprotect-x", memory && mprotect(memory, kSize, PROT_READ | PROT_EXEC) == 0 && runs(memory));
  memory = writable(MAP_PRIVATE | MAP_ANONYMOUS);
  say("mprotect-wx", memory && mprotect(memory, kSize, PROT_READ | PROT_WRITE | PROT_EXEC) == 0 &&
                         runs(memory));
}

static void try_pkey_mprotect(void) {
  // Key -1 makes it mprotect by another number, on machines without protection keys too.
  void* memory = writable(MAP_PRIVATE | MAP_ANONYMOUS);
  say("pkey_mprotect-x",
      memory && syscall(SYS_pkey_mprotect, memory, kSize, PROT_READ | PROT_EXEC, -1) == 0 &&
          runs(memory));
}

static void try_shmat(void) {
  int segment = shmget(IPC_PRIVATE, kSize, IPC_CREAT | 0700);
  if (segment < 0) {
    say("shmat-exec", 0);
    return;
  }
  void* plain = shmat(segment, NULL, 0);
  if (plain != (void*)-1) {
    memcpy(plain, kReturn42, sizeof kReturn42);
  }
  void* code = shmat(segment, NULL, SHM_EXEC);
  int saved = errno;
  shmctl(segment, IPC_RMID, NULL);
  errno = saved;
  say("shmat-exec", code != (void*)-1 && runs(code));
}

static void try_memfd(void) {
  int fd = (int)syscall(SYS_memfd_create, "x", 0);
  if (fd < 0 || write(fd, kReturn42, sizeof kReturn42) != (ssize_t)sizeof kReturn42) {
    say("memfd", 0);
    return;
  }
  void* code = mmap(NULL, kSize, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
  say("memfd", code != MAP_FAILED && runs(code));
}

static void try_file(const char* name, const char* path) {
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0700);
  if (fd < 0 || write(fd, kReturn42, sizeof kReturn42) != (ssize_t)sizeof kReturn42) {
    say(name, 0);
    return;
  }
  void* code = mmap(NULL, kSize, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
  int saved = errno;
  unlink(path);
  errno = saved;
  say(name, code != MAP_FAILED && runs(code));
}

static void try_proc_mem(void) {
  // The kernel lets the owner write through page protections here (FOLL_FORCE).
  static int (*const function)(void) = getpagesize;
  int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
  char byte;
  off_t place = (off_t)(unsigned long)function;
  say("proc-mem",
      fd >= 0 && pread(fd, &byte, 1, place) == 1 && pwrite(fd, &byte, 1, place) == 1);
}

static void try_personality(void) {
  // READ_IMPLIES_EXEC makes every readable mapping executable, so that no call names PROT_EXEC.
  int open = personality(READ_IMPLIES_EXEC) >= 0;
  if (open) {
    void* memory = writable(MAP_PRIVATE | MAP_ANONYMOUS);
    open = memory && (personality(0xffffffff) & READ_IMPLIES_EXEC) != 0;
  }
  say("personality", open);
}

int main(void) {
  try_mmap();
  try_mprotect();
  try_pkey_mprotect();
  try_shmat();
  try_memfd();
  try_file("file-in-tmp", "/tmp/sbx-write-exec");
  try_file("file-in-shm", "/dev/shm/sbx-write-exec");
  try_proc_mem();
  try_personality();
  return 0;
}
