// SPDX-License-Identifier: Apache-2.0
// The same calls by another entry, another number, or with bits that the kernel does not read.
#include "attack.h"

enum { kX32 = 0x40000000, kBeyondKnown = 470, kNewUser = 0x10000000, kNewNs = 0x20000 };

#if defined(__x86_64__)

// i386's int 0x80: its numbers, its 32-bit arguments.
static long entry32(long call, long a, long b, long c, long d, long e) {
  long result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(call), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
                   : "memory", "r8", "r9", "r10", "r11");
  return (int)result;
}

static int by_entry32(long result, const char* what) {
  if (result >= 0) return kOpen;
  errno = (int)-result;
  return blocked(what);
}

static int int80_getpid(void) { return by_entry32(entry32(20, 0, 0, 0, 0, 0), "getpid"); }
static int int80_unshare(void) { return by_entry32(entry32(310, kNewUser, 0, 0, 0, 0), "unshare"); }
static int int80_socket(void) { return by_entry32(entry32(359, 2, 2, 0, 0, 0), "socket"); }
static int int80_keyctl(void) { return by_entry32(entry32(288, 0, -5, 1, 0, 0), "keyctl"); }
static int int80_ptrace(void) { return by_entry32(entry32(26, 0, 0, 0, 0, 0), "ptrace"); }

static int int80_map(void) {
  const long result = entry32(192, 0, 4096, 7, 0x22, -1);
  return result < 0 && result > -4096 ? by_entry32(result, "mmap2") : kOpen;
}

// sysenter's page: the 32-bit entry by a far call into compatibility mode, without int 0x80.
static int compatibility_mode(void) {
  static unsigned char* low;
  low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  // mov $20, %eax; int $0x80; lret — in 32-bit code, so it must be executable and low.
  static const unsigned char kCode32[] = {0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xcb};
  memcpy(low, kCode32, sizeof kCode32);
  if (mprotect(low, 4096, PROT_READ | PROT_EXEC) != 0) return blocked("mprotect");
  return kOpen;
}

static int x32(long call, long argument, const char* what) {
  return syscall(kX32 | call, argument) < 0 ? blocked(what) : kOpen;
}

static int x32_getpid(void) { return x32(SYS_getpid, 0, "getpid"); }
static int x32_unshare(void) { return x32(SYS_unshare, kNewUser, "unshare"); }
static int x32_own_number(void) {  // x32's own ioctl and execve, 512 and above
  return syscall(kX32 | 514, 0, 0x5413, 0) < 0 && errno == ENOSYS ? blocked("ioctl") : kOpen;
}

static int vsyscall_time(void) {
  long (*const at)(long*) = (long (*)(long*))0xffffffffff600400ul;
  return at(NULL) > 1000000000 ? kOpen : blocked("time");
}

static int vsyscall_of_day(void) {
  long time[2] = {0, 0};
  long (*const at)(void*, void*) = (long (*)(void*, void*))0xffffffffff600000ul;
  return at(time, NULL) == 0 && time[0] > 1000000000 ? kOpen : blocked("gettimeofday");
}

#endif

// A number's upper half is not read: the lower one is the call.
static int number_upper_bits(void) {
  return syscall((1L << 32) | SYS_unshare, kNewUser) != 0 ? blocked("unshare") : kOpen;
}

// Calls of late kernels, by arguments that the kernel itself refuses with another errno than ENOSYS.
static int late_calls(void) {
  for (long call = 449; call < kBeyondKnown; ++call) {
    if (call == 449 /* futex_waitv */ || call == 452 /* fchmodat2 */ || call == 462 /* mseal */) continue;
    if (syscall(call, -1L, -1L, -1L, -1L, -1L, -1L) >= 0 || (errno != ENOSYS && errno != EPERM)) {
      return kOpen;
    }
  }
  return blocked("syscall");
}

static int unshare_upper_bits(void) {
  return syscall(SYS_unshare, (1UL << 40) | kNewNs | kNewUser) != 0 && syscall(SYS_unshare, kNewUser) != 0
             ? blocked("unshare")
             : kOpen;
}

static int family_upper_bits(void) {
  const int fd = (int)syscall(SYS_socket, (1UL << 32) | AF_PACKET, SOCK_DGRAM, 0);
  return fd < 0 ? blocked("socket") : kOpen;
}

static int type_upper_bits(void) {
  const int fd = (int)syscall(SYS_socket, AF_INET, (1UL << 32) | SOCK_RAW, 1);
  return fd < 0 ? blocked("socket") : kOpen;
}

static const struct way kWays[] = {
#if defined(__x86_64__)
    {"int80-getpid", int80_getpid},
    {"int80-unshare", int80_unshare},
    {"int80-map", int80_map},
    {"int80-socket", int80_socket},
    {"int80-keyctl", int80_keyctl},
    {"int80-ptrace", int80_ptrace},
    {"compatibility-mode", compatibility_mode},
    {"x32-getpid", x32_getpid},
    {"x32-unshare", x32_unshare},
    {"x32-own-number", x32_own_number},
    {"vsyscall-time", vsyscall_time},
    {"vsyscall-time-of-day", vsyscall_of_day},
#endif
    {"number-upper-bits", number_upper_bits},
    {"late-calls", late_calls},
    {"unshare-upper-bits", unshare_upper_bits},
    {"family-upper-bits", family_upper_bits},
    {"type-upper-bits", type_upper_bits},
};

ATTACK_MAIN(kWays)
