// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
// What the kernel's half of the eBPF engine (watch.bpf.c) and the process that loads it say to each
// other. C, since both include it.
#pragma once

#ifdef __cplusplus
#include <linux/types.h>
#endif

#define SBX_MOST_NUMBERS 1024  // system call numbers; a power of two
#define SBX_MOST_PROGRAMS 64   // bits of sbx_count.programs; the last one stands for all others
#define SBX_PROGRAM_LENGTH 64  // with its NUL
#define SBX_MOST_CLASSES 8192
#define SBX_MOST_NAMES (1 << 18)
#define SBX_PATH_MOST 4096      // PATH_MAX
#define SBX_NAME_MOST 256       // NAME_MAX and a NUL
#define SBX_MOST_LEVELS 16      // of cgroups
#define SBX_MOST_COMPONENTS 64  // of a working directory's path, mount points counted twice

enum sbx_state {
  SBX_LAUNCHER = 1,  // sbx and what it starts outside of the sandbox
  SBX_INSIDE = 2,    // in the sandbox's pid namespace, before the command's execve
  SBX_WATCHED = 3,
};

enum sbx_role {
  SBX_PLAIN = 0,
  SBX_LISTEN = 1,  // the first one is the end of the start
  SBX_SEND_TO = 2,  // and READY=1 of sd_notify(3) even more so
  SBX_SEND_MESSAGE = 3,
  SBX_BIND = 4,
  SBX_CONNECT = 5,
};

// A task's own storage. `program` is an index, SBX_MOST_PROGRAMS as long as it is not known.
struct sbx_member {
  __u32 state;
  __u32 program;
  __u32 pending;  // bits: the arguments whose memory was not there yet at the call's entry
  __u32 pending_call;
  __u64 pending_arguments[6];
};

// One argument that names a file; learn/path_arguments.h.
struct sbx_path {
  __s8 path, directory, flags;  // places of arguments; -1: none
  __u8 unused;
};

// What is kept of a call, beside that it was made.
struct sbx_shape {
  __u8 classes, paths, role,
      width32;  // width32: bits, of the class arguments the kernel reads 32 bits
  __u8 argument[3];
  __u8 presence;  // bits: the value counts as 0 or not
  __u64 mask[3];
  struct sbx_path path[2];
  // Where the file lies below an opened directory and (flags & quiet_mask) == quiet_value, its name
  // is no news (seccomp/everyday.h).
  __u32 skips_below, quiet_mask, quiet_value, unused;
};

// Times are CLOCK_MONOTONIC's, nanoseconds; `last` may lie a tick before the truth.
struct sbx_count {
  __u64 count, first, last, programs;
};

struct sbx_class_key {
  __u64 values[3];
  __u32 number, unused;
};

// Names are known by a hash of their bytes and of what they are relative to.
struct sbx_name_key {
  __u64 hash[2];
  __u32 number;  // of the call; which of its paths in the upper half
  __u32 flags;   // of open(2)
};

enum sbx_base {
  SBX_ABSOLUTE = 0,  // there is none
  SBX_KNOWN = 1,
  SBX_UNKNOWN = 2,  // removed, outside of the root, too deep
};

// A name that is new: through the ring. `data` has `length` bytes (a path without its NUL, or a
// socket address), then the base directory's components from the last to the first, each with a
// NUL.
struct sbx_record {
  struct sbx_name_key key;
  __u32 length, base_length;
  __u32 base;                            // sbx_base
  __u16 family, type, protocol, unused;  // of the socket
  char data[SBX_PATH_MOST + SBX_PATH_MOST + SBX_NAME_MOST];
};

// What could not be kept, and the most there was at one time.
struct sbx_totals {
  __u64 lost_names, lost_classes, lost_tasks, unresolved, foreign;
  __u64 ready;     // READY=1 of sd_notify(3), else the first listen
  __u64 notified;  // the former
  __u64 tasks, peak_tasks, peak_pages, peak_descriptors;
  __u64 marked;
};
