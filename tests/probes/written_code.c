// SPDX-License-Identifier: Apache-2.0
// written_code WAY [FILE]: tries to run code that it wrote, in one of the less plain ways. Prints
// OPEN, or BLOCKED and the errno's number; "stdout" prints to standard error, since it writes there.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kPage = 4096 };

#if defined(__x86_64__)
static const unsigned char kCode[8] = {0xb8, 42, 0, 0, 0, 0xc3, 0x90, 0x90};  // return 42
#elif defined(__aarch64__)
static const unsigned char kCode[8] = {0x40, 0x05, 0x80, 0x52, 0xc0, 0x03, 0x5f, 0xd6};
#endif

static FILE* out;

static void say(int open) {
  if (open) {
    fprintf(out, "OPEN\n");
  } else {
    fprintf(out, "BLOCKED %d\n", errno);
  }
  fflush(out);
  _exit(0);
}

static int runs(void* code) {
  int (*function)(void);
  __builtin___clear_cache((char*)code, (char*)code + sizeof kCode);
  memcpy(&function, &code, sizeof function);
  return function() == 42;
}

static void check(void* code) { say(code != MAP_FAILED && runs(code)); }

__attribute__((noinline, aligned(64))) static int seven(void) {
  __asm__ volatile("" ::: "memory");
  return 7;
}

// Writes over the text of a child that then calls it.
static void over_text_of_child(int by_ptrace) {
  int (*volatile function)(void) = seven;
  int go[2];
  if (pipe(go) != 0) {
    say(0);
  }
  const pid_t child = fork();
  if (child == 0) {
    if (by_ptrace) {
      if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0) {
        _exit(errno);
      }
      raise(SIGSTOP);
    } else {
      char byte;
      (void)!read(go[0], &byte, 1);
    }
    _exit(function() == 42 ? 142 : 0);
  }
  int status = 0;
  long answer = 0;
  if (by_ptrace) {
    waitpid(child, &status, 0);
    if (!WIFSTOPPED(status)) {
      errno = WEXITSTATUS(status);
      say(0);
    }
    long word;
    memcpy(&word, kCode, sizeof word);
    answer = ptrace(PTRACE_POKETEXT, child, (void*)(uintptr_t)function, word);
    ptrace(PTRACE_CONT, child, 0, 0);
  } else {
    struct iovec from = {(void*)kCode, sizeof kCode}, to = {(void*)(uintptr_t)function, sizeof kCode};
    answer = process_vm_writev(child, &from, 1, &to, 1, 0);
    const int saved = errno;
    (void)!write(go[1], "x", 1);
    errno = saved;
  }
  const int saved = errno;
  waitpid(child, &status, 0);
  errno = saved;
  say(answer >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 142);
}

// UFFDIO_COPY fills a page of a mapping that is not writable.
static void by_userfaultfd(void) {
  const int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
  struct uffdio_api api = {.api = UFFD_API};
  if (fd < 0 || ioctl(fd, UFFDIO_API, &api) != 0) {
    say(0);
  }
  void* code = mmap(NULL, kPage, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  static unsigned char page[kPage] __attribute__((aligned(kPage)));
  memcpy(page, kCode, sizeof kCode);
  struct uffdio_register region = {.range = {(uintptr_t)code, kPage}, .mode = UFFDIO_REGISTER_MODE_MISSING};
  struct uffdio_copy copy = {.dst = (uintptr_t)code, .src = (uintptr_t)page, .len = kPage};
  if (code == MAP_FAILED || ioctl(fd, UFFDIO_REGISTER, &region) != 0 || ioctl(fd, UFFDIO_COPY, &copy) != 0) {
    say(0);
  }
  check(code);
}

// Executable shared memory, had a second time, and that one made writable.
static void by_duplicate(int remap_file_pages_too) {
  void* code = mmap(NULL, 2 * kPage, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (code == MAP_FAILED) {
    say(0);
  }
  if (remap_file_pages_too && syscall(SYS_remap_file_pages, code, kPage, 0, 1, 0) != 0) {
    say(0);
  }
  void* twin = mremap(code, 0, kPage, MREMAP_MAYMOVE);
  if (twin == MAP_FAILED || mprotect(twin, kPage, PROT_READ | PROT_WRITE) != 0) {
    say(0);
  }
  memcpy(twin, kCode, sizeof kCode);
  check(code);
}

static void on_stack(void) {
  unsigned char here[64] __attribute__((aligned(64)));
  memcpy(here, kCode, sizeof kCode);
  const uintptr_t page = (uintptr_t)here & ~(uintptr_t)(kPage - 1);
  say(mprotect((void*)page, kPage, PROT_READ | PROT_WRITE | PROT_EXEC | PROT_GROWSDOWN) == 0 && runs(here));
}

static void by_zero_device(void) {
  const int fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
  void* code = mmap(NULL, kPage, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
  void* twin = code == MAP_FAILED ? MAP_FAILED : mremap(code, 0, kPage, MREMAP_MAYMOVE);
  if (twin == MAP_FAILED || mprotect(twin, kPage, PROT_READ | PROT_WRITE) != 0) {
    say(0);
  }
  memcpy(twin, kCode, sizeof kCode);
  check(code);
}

static void by_memfd(void) {
  const int fd = (int)syscall(SYS_memfd_create, "x", 0);
  if (fd < 0 || write(fd, kCode, sizeof kCode) != (ssize_t)sizeof kCode) {
    say(0);
  }
  check(mmap(NULL, kPage, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0));
}

static void by_stdout(void) {
  out = stderr;
  if (write(STDOUT_FILENO, kCode, sizeof kCode) != (ssize_t)sizeof kCode) {
    say(0);
  }
  const int fd = open("/proc/self/fd/1", O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    say(0);
  }
  check(mmap(NULL, kPage, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0));
}

static void by_modify_ldt(void) {
#if defined(SYS_modify_ldt)
  unsigned descriptor[4] = {3, 0, 0xfffff, 0x75};
  say(syscall(SYS_modify_ldt, 0x11, descriptor, sizeof descriptor) == 0);
#else
  errno = ENOSYS;
  say(0);
#endif
}

static void map(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    perror(path);
    _exit(2);
  }
  say(mmap(NULL, kPage, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) != MAP_FAILED);
}

int main(int argc, char** argv) {
  out = stdout;
  const char* way = argc > 1 ? argv[1] : "";
  if (strcmp(way, "ptrace-text") == 0) {
    over_text_of_child(1);
  } else if (strcmp(way, "vm-writev") == 0) {
    over_text_of_child(0);
  } else if (strcmp(way, "userfaultfd") == 0) {
    by_userfaultfd();
  } else if (strcmp(way, "remap-file-pages") == 0) {
    by_duplicate(1);
  } else if (strcmp(way, "mremap-duplicate") == 0) {
    by_duplicate(0);
  } else if (strcmp(way, "growsdown-stack") == 0) {
    on_stack();
  } else if (strcmp(way, "zero-device") == 0) {
    by_zero_device();
  } else if (strcmp(way, "memfd") == 0) {
    by_memfd();
  } else if (strcmp(way, "stdout") == 0) {
    by_stdout();
  } else if (strcmp(way, "modify-ldt") == 0) {
    by_modify_ldt();
  } else if (strcmp(way, "map") == 0 && argc > 2) {
    map(argv[2]);
  }
  fprintf(stderr, "written_code WAY [FILE]\n");
  return 2;
}
