// SPDX-License-Identifier: Apache-2.0
// Code that the process wrote itself, made to run: by memory, by files, by other processes.
// Parameters: home, work (directories that may be written).
#include "attack.h"

#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/uio.h>

// mov $42, %eax; ret — and the same for aarch64.
#if defined(__x86_64__)
static const unsigned char kCode[] = {0xb8, 42, 0, 0, 0, 0xc3};
#else
static const unsigned char kCode[] = {0x40, 0x05, 0x80, 0x52, 0xc0, 0x03, 0x5f, 0xd6};
#endif
enum { kPage = 4096, kRw = PROT_READ | PROT_WRITE, kRx = PROT_READ | PROT_EXEC, kRwx = kRw | PROT_EXEC };

static int runs(void* at) {
  __builtin___clear_cache((char*)at, (char*)at + sizeof kCode);
  return ((int (*)(void))at)() == 42 ? kOpen : kBlocked;
}

static int write_and_run(void* writable, void* executable) {
  memcpy(writable, kCode, sizeof kCode);
  return runs(executable);
}

static void* anonymous(int protection, int flags) {
  return mmap(NULL, kPage, protection, MAP_ANONYMOUS | flags, -1, 0);
}

static int map_rwx(void) {
  void* page = anonymous(kRwx, MAP_PRIVATE);
  return page == MAP_FAILED ? blocked("mmap") : write_and_run(page, page);
}

static int map_rwx_low(void) {
  void* page = anonymous(kRwx, MAP_PRIVATE | MAP_32BIT);
  return page == MAP_FAILED ? blocked("mmap") : write_and_run(page, page);
}

// The kernel reads protection as a long, of which unknown bits are ignored.
static int map_rwx_upper_bits(void) {
  void* page = (void*)syscall(SYS_mmap, 0, kPage, (1UL << 40) | kRwx, MAP_PRIVATE | MAP_ANONYMOUS, -1L, 0);
  return page == MAP_FAILED ? blocked("mmap") : write_and_run(page, page);
}

static int make_executable(void) {
  void* page = anonymous(kRw, MAP_PRIVATE);
  memcpy(page, kCode, sizeof kCode);
  return mprotect(page, kPage, kRx) != 0 ? blocked("mprotect") : runs(page);
}

static int make_writable(void) {
  void* page = anonymous(kRx, MAP_PRIVATE);
  if (page == MAP_FAILED) return blocked("mmap");
  return mprotect(page, kPage, kRwx) != 0 ? blocked("mprotect") : write_and_run(page, page);
}

static int back_and_forth(void) {
  void* page = anonymous(kRx, MAP_PRIVATE);
  if (page == MAP_FAILED || mprotect(page, kPage, kRw) != 0) return blocked("mprotect rw");
  memcpy(page, kCode, sizeof kCode);
  return mprotect(page, kPage, kRx) != 0 ? blocked("mprotect rx") : runs(page);
}

static int none_then_executable(void) {
  void* page = anonymous(kRw, MAP_PRIVATE);
  memcpy(page, kCode, sizeof kCode);
  if (mprotect(page, kPage, PROT_NONE) != 0) return blocked("mprotect none");
  return mprotect(page, kPage, PROT_EXEC) != 0 ? blocked("mprotect x") : runs(page);
}

static int protection_key(void) {
  void* page = anonymous(kRw, MAP_PRIVATE);
  memcpy(page, kCode, sizeof kCode);
  return syscall(SYS_pkey_mprotect, page, kPage, kRx, -1) != 0 ? blocked("pkey_mprotect") : runs(page);
}

static int shared_twice(void) {
  void* page = anonymous(kRx, MAP_SHARED);
  if (page == MAP_FAILED) return blocked("mmap");
  void* alias = mremap(page, 0, kPage, MREMAP_MAYMOVE);
  if (alias == MAP_FAILED) return blocked("mremap");
  return mprotect(alias, kPage, kRw) != 0 ? blocked("mprotect") : write_and_run(alias, page);
}

static int own_stack(void) {
  unsigned char code[64] __attribute__((aligned(64)));
  memcpy(code, kCode, sizeof kCode);
  void* page = (void*)((uintptr_t)code & ~(uintptr_t)(kPage - 1));
  return mprotect(page, kPage, kRwx) != 0 ? blocked("mprotect") : runs(code);
}

static int own_stack_downwards(void) {
  unsigned char code[64] __attribute__((aligned(64)));
  memcpy(code, kCode, sizeof kCode);
  void* page = (void*)((uintptr_t)code & ~(uintptr_t)(kPage - 1));
  return mprotect(page, kPage, kRwx | PROT_GROWSDOWN) != 0 ? blocked("mprotect") : runs(code);
}

static int heap(void) {
  unsigned char* page = (unsigned char*)(((uintptr_t)sbrk(3 * kPage) + kPage) & ~(uintptr_t)(kPage - 1));
  memcpy(page, kCode, sizeof kCode);
  return mprotect(page, kPage, kRx) != 0 ? blocked("mprotect") : runs(page);
}

static int shared_segment(void) {
  int id = shmget(IPC_PRIVATE, kPage, 0700 | IPC_CREAT);
  if (id < 0) return blocked("shmget");
  void* writable = shmat(id, NULL, 0);
  void* executable = shmat(id, NULL, SHM_EXEC | SHM_RDONLY);
  const int saved = errno;
  shmctl(id, IPC_RMID, NULL);
  errno = saved;
  return executable == (void*)-1 ? blocked("shmat") : write_and_run(writable, executable);
}

static int shared_segment_later(void) {
  int id = shmget(IPC_PRIVATE, kPage, 0700 | IPC_CREAT);
  void* page = id < 0 ? (void*)-1 : shmat(id, NULL, 0);
  shmctl(id, IPC_RMID, NULL);
  if (page == (void*)-1) return blocked("shmat");
  memcpy(page, kCode, sizeof kCode);
  return mprotect(page, kPage, kRx) != 0 ? blocked("mprotect") : runs(page);
}

static int everything_readable_runs(void) {
  if (syscall(SYS_personality, READ_IMPLIES_EXEC) < 0) return blocked("personality");
  void* page = anonymous(kRw, MAP_PRIVATE);
  return page == MAP_FAILED ? blocked("mmap") : write_and_run(page, page);
}

static int everything_readable_upper(void) {
  if (syscall(SYS_personality, (1UL << 32) | READ_IMPLIES_EXEC) < 0) return blocked("personality");
  void* page = anonymous(kRw, MAP_PRIVATE);
  return page == MAP_FAILED ? blocked("mmap") : write_and_run(page, page);
}

// --- memory with a name -----------------------------------------------------------------------

static int map_executable(int fd) {
  if (write(fd, kCode, sizeof kCode) < 0) return blocked("write");
  void* page = mmap(NULL, kPage, kRx, MAP_PRIVATE, fd, 0);
  return page == MAP_FAILED ? blocked("mmap") : runs(page);
}

static int map_twice(int fd) {
  if (ftruncate(fd, kPage) != 0) return blocked("ftruncate");
  void* writable = mmap(NULL, kPage, kRw, MAP_SHARED, fd, 0);
  void* executable = mmap(NULL, kPage, kRx, MAP_SHARED, fd, 0);
  if (executable == MAP_FAILED) return blocked("mmap");
  return write_and_run(writable, executable);
}

static int memfd(unsigned flags) { return (int)syscall(SYS_memfd_create, "attack", flags); }

static int memfd_mapped(void) {
  int fd = memfd(0);
  return fd < 0 ? blocked("memfd_create") : map_executable(fd);
}

static int memfd_mapped_twice(void) {
  int fd = memfd(0);
  return fd < 0 ? blocked("memfd_create") : map_twice(fd);
}

static int memfd_sealed_mapped(void) {
  int fd = memfd(8 /* MFD_NOEXEC_SEAL */);
  return fd < 0 ? blocked("memfd_create") : map_executable(fd);
}

static int secret_memory(void) {
  return syscall(447 /* memfd_secret */, 0) < 0 ? blocked("memfd_secret") : kOpen;
}

// --- files ------------------------------------------------------------------------------------

static const char* directory(int i) {
  static const char* const kAlways[] = {"/tmp", "/dev/shm", "/var/tmp"};
  return i < 3 ? kAlways[i] : i == 3 ? value("home", NULL) : i == 4 ? value("work", NULL) : NULL;
}

// Tries one way in each directory that can be written; open if one lets it.
static int in_each_directory(int (*way)(const char* at)) {
  int result = blocked("open");
  for (int i = 0; i < 5; ++i) {
    const char* at = directory(i);
    if (at != NULL && access(at, W_OK) == 0 && (result = way(at)) == kOpen) return kOpen;
  }
  return result;
}

static int new_file(const char* at, char* path, mode_t mode) {
  snprintf(path, 200, "%s/attack-%d", at, getpid());
  unlink(path);
  return open(path, O_RDWR | O_CREAT | O_EXCL, mode);
}

static int map_in(const char* at) {
  char path[200];
  int fd = new_file(at, path, 0700);
  unlink(path);
  return fd < 0 ? blocked("open") : map_executable(fd);
}

static int map_twice_in(const char* at) {
  char path[200];
  int fd = new_file(at, path, 0700);
  unlink(path);
  return fd < 0 ? blocked("open") : map_twice(fd);
}

static int map_nameless_in(const char* at) {
  int fd = open(at, O_TMPFILE | O_RDWR, 0700);
  return fd < 0 ? blocked("open O_TMPFILE") : map_executable(fd);
}

static int file_mapped(void) { return in_each_directory(map_in); }
static int file_mapped_twice(void) { return in_each_directory(map_twice_in); }
static int nameless_file_mapped(void) { return in_each_directory(map_nameless_in); }

// The smallest program: exit(42).
static size_t program(unsigned char* into) {
  memset(into, 0, 256);
#if defined(__x86_64__)
  static const unsigned char kExit[] = {0xb8, 60, 0, 0, 0, 0xbf, 42, 0, 0, 0, 0x0f, 0x05};
  const uint16_t machine = 62;
#else
  static const unsigned char kExit[] = {0xa8, 0x0b, 0x80, 0xd2, 0x40, 0x05, 0x80, 0xd2, 0x01, 0, 0, 0xd4};
  const uint16_t machine = 183;
#endif
  const uint64_t base = 0x400000, start = 120, length = start + sizeof kExit;
  const uint16_t half[] = {2, machine};
  const uint64_t entry = base + start, header = 64, addresses[] = {0, base, base, length, length, kPage};
  const uint32_t version = 1, segment[] = {1, 5};
  const uint16_t sizes[] = {64, 56, 1};
  memcpy(into, "\177ELF\2\1\1", 7);
  memcpy(into + 16, half, sizeof half);
  memcpy(into + 20, &version, sizeof version);
  memcpy(into + 24, &entry, sizeof entry);
  memcpy(into + 32, &header, sizeof header);
  memcpy(into + 52, sizes, sizeof sizes);
  memcpy(into + 64, segment, sizeof segment);
  memcpy(into + 72, addresses, sizeof addresses);
  memcpy(into + start, kExit, sizeof kExit);
  return length;
}

static char* const kArguments[] = {(char*)"attack", NULL};
static char* const kNothing[] = {NULL};

static void execute_path(void* path) {
  execve(path, kArguments, kNothing);
  _exit(errno == EACCES ? 91 : 92);
}

static void execute_descriptor(void* fd) {
  syscall(SYS_execveat, *(int*)fd, "", kArguments, kNothing, AT_EMPTY_PATH);
  _exit(91);
}

static int ran(int status) {
  errno = status == 91 ? EACCES : status == 92 ? ENOEXEC : 0;
  return status == 42 ? kOpen : blocked("execve");
}

static int write_program(int fd) {
  unsigned char image[256];
  const size_t length = program(image);
  return write(fd, image, length) == (ssize_t)length ? 0 : -1;
}

static int execute_in(const char* at) {
  char path[200];
  int fd = new_file(at, path, 0700);
  if (fd < 0) return blocked("open");
  if (write_program(fd) != 0) return blocked("write");
  close(fd);
  const int status = status_in_child(execute_path, path);
  unlink(path);
  return ran(status);
}

static int execute_hard_link_in(const char* at) {
  char path[200], other[220];
  int fd = new_file(at, path, 0700);
  if (fd < 0) return blocked("open");
  if (write_program(fd) != 0) return blocked("write");
  close(fd);
  snprintf(other, sizeof other, "%s-link", path);
  if (link(path, other) != 0) strcpy(other, path);
  const int status = status_in_child(execute_path, other);
  unlink(path);
  unlink(other);
  return ran(status);
}

// A file without a name is opened anew for reading by /proc/self/fd: one that is open for writing
// cannot be executed (ETXTBSY).
static int execute_nameless_in(const char* at) {
  int fd = open(at, O_TMPFILE | O_RDWR, 0700);
  if (fd < 0) return blocked("open O_TMPFILE");
  if (write_program(fd) != 0) return blocked("write");
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int reading = open(path, O_RDONLY);
  close(fd);
  return reading < 0 ? blocked("open") : ran(status_in_child(execute_descriptor, &reading));
}

static int execute_script_in(const char* at) {
  static const char kScript[] = "#!/bin/sh\nexit 42\n";
  char path[200];
  int fd = new_file(at, path, 0700);
  if (fd < 0) return blocked("open");
  if (write(fd, kScript, sizeof kScript - 1) < 0) return blocked("write");
  close(fd);
  const int status = status_in_child(execute_path, path);
  unlink(path);
  return ran(status);
}

static void load_path(void* path) {
  int null = open("/dev/null", O_WRONLY);
  dup2(null, 1);
  dup2(null, 2);
  char* const arguments[] = {(char*)"ld.so", path, NULL};
  execve("/lib64/ld-linux-x86-64.so.2", arguments, kNothing);
  execve("/lib/ld-linux-aarch64.so.1", arguments, kNothing);
  _exit(92);
}

// The loader maps a program that lacks the execute bit: what the kernel refuses, it would do.
static int load_in(const char* at) {
  static char image[1 << 18];
  int from = open("/usr/bin/true", O_RDONLY);
  const ssize_t length = from < 0 ? -1 : read(from, image, sizeof image);
  if (length <= 0) return missing("/usr/bin/true");
  char path[200];
  int fd = new_file(at, path, 0600);
  if (fd < 0) return blocked("open");
  if (write(fd, image, (size_t)length) != length) return blocked("write");
  close(fd);
  const int status = status_in_child(load_path, path);
  unlink(path);
  errno = EACCES;
  return status == 0 ? kOpen : blocked("ld.so");
}

static int file_executed(void) { return in_each_directory(execute_in); }
static int hard_link_executed(void) { return in_each_directory(execute_hard_link_in); }
static int nameless_file_executed(void) { return in_each_directory(execute_nameless_in); }
static int script_executed(void) { return in_each_directory(execute_script_in); }
static int file_loaded(void) { return in_each_directory(load_in); }

static int memfd_executed(void) {
  int fd = memfd(1 /* MFD_CLOEXEC */);
  if (fd < 0) return blocked("memfd_create");
  if (write_program(fd) != 0) return blocked("write");
  return ran(status_in_child(execute_descriptor, &fd));
}

// --- another mapping of the same text, by way of a process ------------------------------------

// Long enough, and alone on its cache line.
static __attribute__((noinline, aligned(64))) int text(void) {
  __asm__ volatile("nop; nop; nop; nop; nop; nop; nop; nop" ::: "memory");
  return 7;
}

static int (*volatile text_pointer)(void) = text;

static int own_memory_file(const char* path) {
  int fd = open(path, O_RDWR);
  if (fd < 0) return blocked("open");
  if (pwrite(fd, kCode, sizeof kCode, (off_t)(uintptr_t)text_pointer) < 0) return blocked("pwrite");
  return text_pointer() == 42 ? kOpen : kBlocked;
}

static int memory_file(void) { return own_memory_file("/proc/self/mem"); }
static int memory_file_of_thread(void) { return own_memory_file("/proc/thread-self/mem"); }

// Reopened by its descriptor: what may be read must not become writable.
static int memory_file_reopened(void) {
  int fd = open("/proc/self/mem", O_RDONLY);
  if (fd < 0) return blocked("open");
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  return own_memory_file(path);
}

static int vm_write_data(void) {
  static char byte = 'a';
  char other = 'b';
  struct iovec from = {&other, 1}, into = {&byte, 1};
  return process_vm_writev(getpid(), &from, 1, &into, 1, 0) == 1 ? kOpen : blocked("process_vm_writev");
}

static int poke_child(void) {
  pid_t child = fork();
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0) _exit(98);
    raise(SIGSTOP);
    _exit(text_pointer());
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFSTOPPED(status)) {
    errno = EPERM;
    return blocked("ptrace");
  }
  long word = 0;
  memcpy(&word, kCode, sizeof kCode);
  if (ptrace(PTRACE_POKETEXT, child, (void*)text_pointer, word) != 0) return blocked("ptrace poke");
  ptrace(PTRACE_CONT, child, 0, 0);
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 42 ? kOpen : blocked("ptrace");
}

static int code_segment(void) {
#if defined(__x86_64__)
  struct {
    unsigned entry, base, limit;
    unsigned bits;
  } descriptor = {3, 0, 0xfffff, 1 | 2 << 1 | 1 << 4 | 1 << 6};
  return syscall(SYS_modify_ldt, 0x11, &descriptor, sizeof descriptor) != 0 ? blocked("modify_ldt") : kOpen;
#else
  return missing("segments");
#endif
}

static int user_faults(void) {
  return syscall(SYS_userfaultfd, O_CLOEXEC | 1) < 0 ? blocked("userfaultfd") : kOpen;
}

static int pages_remapped(void) {
#if defined(SYS_remap_file_pages)
  int fd = open("/dev/zero", O_RDWR);
  void* pages = mmap(NULL, 2 * kPage, kRw, MAP_SHARED, fd, 0);
  return syscall(SYS_remap_file_pages, pages, kPage, 0, 1, 0) != 0 ? blocked("remap_file_pages") : kOpen;
#else
  return missing("remap_file_pages");
#endif
}

static const struct way kWays[] = {
    {"map-rwx", map_rwx},
    {"map-rwx-low", map_rwx_low},
    {"map-rwx-upper-bits", map_rwx_upper_bits},
    {"make-executable", make_executable},
    {"make-writable", make_writable},
    {"back-and-forth", back_and_forth},
    {"none-then-executable", none_then_executable},
    {"protection-key", protection_key},
    {"shared-twice", shared_twice},
    {"own-stack", own_stack},
    {"own-stack-downwards", own_stack_downwards},
    {"heap", heap},
    {"shared-segment", shared_segment},
    {"shared-segment-later", shared_segment_later},
    {"read-implies-exec", everything_readable_runs},
    {"read-implies-exec-upper-bits", everything_readable_upper},
    {"memfd-mapped", memfd_mapped},
    {"memfd-mapped-twice", memfd_mapped_twice},
    {"memfd-sealed-mapped", memfd_sealed_mapped},
    {"memfd-executed", memfd_executed},
    {"secret-memory", secret_memory},
    {"file-mapped", file_mapped},
    {"file-mapped-twice", file_mapped_twice},
    {"nameless-file-mapped", nameless_file_mapped},
    {"file-executed", file_executed},
    {"hard-link-executed", hard_link_executed},
    {"nameless-file-executed", nameless_file_executed},
    {"script-executed", script_executed},
    {"file-loaded", file_loaded},
    {"memory-file", memory_file},
    {"memory-file-of-thread", memory_file_of_thread},
    {"memory-file-reopened", memory_file_reopened},
    {"vm-write-data", vm_write_data},
    {"poke-child", poke_child},
    {"code-segment", code_segment},
    {"user-faults", user_faults},
    {"pages-remapped", pages_remapped},
};

ATTACK_MAIN(kWays)
