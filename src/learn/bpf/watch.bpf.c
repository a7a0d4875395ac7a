// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
// The kernel's half of the eBPF engine (learn/ebpf_watch.h). It follows the watched tasks through
// fork, and counts their calls by number; by the classes of their arguments where those make a
// difference; and the names of files and addresses, each told once. Whatever it sees again costs a
// look into a map and wakes nobody.
//
// tp_btf programs need BTF of the kernel; the types below name the fields that are read, and libbpf
// finds their places in the running kernel (CO-RE).
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "learn/bpf/watch_types.h"

#define STABLE __attribute__((preserve_access_index))
#define AT_FDCWD (-100)
#define AF_UNIX 1

typedef int pid_t;
typedef _Bool bool;

struct qstr {
  __u64 hash_len;
  const unsigned char* name;
} STABLE;
struct hlist_bl_node {
  struct hlist_bl_node** pprev;
} STABLE;
struct inode {
  unsigned long i_ino;
} STABLE;
struct dentry {
  struct hlist_bl_node d_hash;
  struct dentry* d_parent;
  struct qstr d_name;
  struct inode* d_inode;
} STABLE;
struct vfsmount {
  struct dentry* mnt_root;
} STABLE;
struct mount {
  struct mount* mnt_parent;
  struct dentry* mnt_mountpoint;
  struct vfsmount mnt;
} STABLE;
struct path {
  struct vfsmount* mnt;
  struct dentry* dentry;
} STABLE;
struct file {
  struct path f_path;
  void* private_data;
} STABLE;
struct fdtable {
  unsigned int max_fds;
  struct file** fd;
  unsigned long* open_fds;
} STABLE;
struct files_struct {
  struct fdtable* fdt;
} STABLE;
struct fs_struct {
  struct path root, pwd;
} STABLE;
struct sock_common {
  unsigned short skc_family;
} STABLE;
struct sock {
  struct sock_common __sk_common;
  __u16 sk_protocol;
} STABLE;
struct socket {
  short type;
  struct sock* sk;
} STABLE;
typedef struct {
  int counter;
} atomic_t;
struct signal_struct {
  atomic_t live;
  unsigned long maxrss;
} STABLE;
struct percpu_counter {
  __s64 count;
} STABLE;
struct mm_struct {
  struct file* exe_file;
  unsigned long hiwater_rss;
  struct percpu_counter rss_stat[4];
} STABLE;
struct pid {
  unsigned int level;
} STABLE;
struct thread_info {
  unsigned long flags;
  __u32 status;
} STABLE;
struct task_struct {
  struct thread_info thread_info;
  struct task_struct *real_parent, *group_leader;
  struct mm_struct* mm;
  struct fs_struct* fs;
  struct files_struct* files;
  struct signal_struct* signal;
  struct pid* thread_pid;
} STABLE;
struct linux_binprm {
  struct file* file;
  const char* filename;
} STABLE;
struct bpf_iter__task {
  struct task_struct* task;
} STABLE;

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
  unsigned long di, si, dx, r10, r8, r9;
} STABLE;
static __always_inline void read_arguments(const struct pt_regs* regs, __u64* to) {
  to[0] = regs->di;
  to[1] = regs->si;
  to[2] = regs->dx;
  to[3] = regs->r10;
  to[4] = regs->r8;
  to[5] = regs->r9;
}
// TS_COMPAT: entered by int 0x80 or the 32-bit sysenter. x32's numbers are out of range anyway.
static __always_inline bool is_foreign(struct task_struct* task) {
  return (task->thread_info.status & 2) != 0;
}
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
  __u64 regs[31];
} STABLE;
struct pt_regs {
  struct user_pt_regs user_regs;
  __u64 orig_x0;
} STABLE;
static __always_inline void read_arguments(const struct pt_regs* regs, __u64* to) {
  to[0] = regs->orig_x0;
  to[1] = regs->user_regs.regs[1];
  to[2] = regs->user_regs.regs[2];
  to[3] = regs->user_regs.regs[3];
  to[4] = regs->user_regs.regs[4];
  to[5] = regs->user_regs.regs[5];
}
// TIF_32BIT
static __always_inline bool is_foreign(struct task_struct* task) {
  return (task->thread_info.flags >> 22 & 1) != 0;
}
#else
#error "no such architecture"
#endif

char LICENSE[] SEC("license") = "GPL";  // the kernel lets no other read a program's memory

const volatile struct sbx_shape shapes[SBX_MOST_NUMBERS];
const volatile __u64 seed = 0;    // so that nobody finds two names of one hash
const volatile __u64 cgroup = 0;  // whose executed programs become watched; 0: none
struct sbx_totals totals = {};
__u64 this_tick = 0, tick_time = 0;
__u64 pending = 0;  // tasks with pending arguments
__u32 marking = 0;
__u32 programs = 0;

struct {
  __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct sbx_member);
} members SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, SBX_MOST_NUMBERS);
  __type(key, __u32);
  __type(value, struct sbx_count);
} numbers SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, SBX_MOST_CLASSES);
  __type(key, struct sbx_class_key);
  __type(value, struct sbx_count);
} classes SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, SBX_MOST_NAMES);
  __type(key, struct sbx_name_key);
  __type(value, struct sbx_count);
} names SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, SBX_MOST_PROGRAMS);
  __type(key, char[SBX_PROGRAM_LENGTH]);
  __type(value, __u32);
} program_names SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1 << 24);
} ring SEC(".maps");

struct scratch {
  __u64 busy;
  __u64 arguments[8];
  struct sbx_record record;
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct scratch);
} scratches SEC(".maps");

static __always_inline void add(__u64* to, __s64 what) {
  __sync_fetch_and_add(to, what);
}

static __always_inline void raise(__u64* peak, __u64 value) {
  if (value > *peak) {
    *peak = value;
  }
}

static __always_inline __u64 program_bit(const struct sbx_member* member) {
  return 1ull << (member->program & (SBX_MOST_PROGRAMS - 1));
}

// The clock is read once a tick: the counter behind it costs more than all else here. What comes
// after the start must not seem to be before.
static __always_inline __u64 coarse_time(void) {
  const __u64 tick = bpf_jiffies64();
  if (tick != this_tick) {
    tick_time = bpf_ktime_get_ns();
    this_tick = tick;
  }
  const __u64 now = tick_time, ready = totals.ready;
  return ready != 0 && now < ready + 1000 ? ready + 1000 : now;
}

// One that others may touch at the same time.
static __always_inline void touch(struct sbx_count* count, const struct sbx_member* member) {
  const __u64 bit = program_bit(member);
  add(&count->count, 1);
  count->last = coarse_time();
  if ((count->programs & bit) == 0) {
    __sync_fetch_and_or(&count->programs, bit);
  }
}

static __always_inline struct sbx_count first_use(const struct sbx_member* member) {
  const __u64 now = bpf_ktime_get_ns();
  struct sbx_count count = {1, now, now, program_bit(member)};
  return count;
}

// One call at a time has this processor's scratch. Tracepoints of some kernels can be preempted.
static __always_inline struct scratch* take_scratch(void) {
  const __u32 zero = 0;
  struct scratch* scratch = bpf_map_lookup_elem(&scratches, &zero);
  if (scratch == 0 || __sync_val_compare_and_swap(&scratch->busy, 0, 1) != 0) {
    return 0;
  }
  return scratch;
}

static __always_inline void release(struct scratch* scratch) {
  __sync_lock_test_and_set(&scratch->busy, 0);
}

// The verifier sees the bound in the mask alone; the compiler, which knows better, must leave it
// there.
static __always_inline const volatile struct sbx_shape* shape_of(__u32 number) {
  asm volatile("" : "+r"(number));
  return &shapes[number & (SBX_MOST_NUMBERS - 1)];
}

static __always_inline __u64 argument_at(const struct scratch* scratch, __s8 place) {
  return scratch->arguments[place & 7];
}

// Functions that are not static are verified once, not for each call of them.
__noinline int count_class(struct scratch* scratch, struct sbx_member* member, __u32 number) {
  if (scratch == 0 || member == 0) {
    return 0;
  }
  const volatile struct sbx_shape* shape = shape_of(number);
  struct sbx_class_key key = {};
  key.number = number;
#pragma unroll
  for (int i = 0; i < 3; ++i) {
    if (i < shape->classes) {
      __u64 value = argument_at(scratch, shape->argument[i]) & shape->mask[i];
      value = (shape->width32 >> i & 1) != 0 ? (__u32)value : value;
      key.values[i] = (shape->presence >> i & 1) != 0 ? value != 0 : value;
    }
  }
  struct sbx_count* known = bpf_map_lookup_elem(&classes, &key);
  if (known != 0) {
    touch(known, member);
    return 0;
  }
  const struct sbx_count count = first_use(member);
  const long answer = bpf_map_update_elem(&classes, &key, &count, BPF_NOEXIST);
  if (answer != 0) {
    known = bpf_map_lookup_elem(&classes, &key);  // another processor's was first
    if (known != 0) {
      touch(known, member);
    } else {
      add(&totals.lost_classes, 1);
    }
  }
  return 0;
}

// 16 bytes of hash. `length` bytes of data count.
__noinline int hash_data(struct sbx_record* record, __u32 length) {
  if (record == 0) {
    return 0;
  }
  // Whole words: what an earlier name has left behind the end must not count.
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    record->data[(length & (SBX_PATH_MOST - 1)) + i] = 0;
  }
  __u64 one = seed, other = ~seed;
  for (__u32 i = 0; i < SBX_PATH_MOST / 8; ++i) {
    if (i * 8 >= length) {
      break;
    }
    const __u64 word = *(__u64*)(record->data + i * 8);
    one = (one ^ word) * 0x9e3779b97f4a7c15ull;
    one ^= one >> 29;
    other = (other + word) * 0xc2b2ae3d27d4eb4full;
    other ^= other >> 31;
  }
  record->key.hash[0] = one ^ length;
  record->key.hash[1] = other;
  return 0;
}

static __always_inline struct file* file_of(struct task_struct* task, int descriptor) {
  struct file* file = 0;
  struct fdtable* table = BPF_CORE_READ(task, files, fdt);
  if (table == 0 || (__u32)descriptor >= BPF_CORE_READ(table, max_fds)) {
    return 0;
  }
  struct file** all = BPF_CORE_READ(table, fd);
  bpf_probe_read_kernel(&file, sizeof file, all + (__u32)descriptor);
  return file;
}

static __always_inline bool find_base(struct task_struct* task, int descriptor, struct path* base) {
  if (descriptor == AT_FDCWD) {
    struct fs_struct* fs = BPF_CORE_READ(task, fs);
    base->mnt = BPF_CORE_READ(fs, pwd.mnt);
    base->dentry = BPF_CORE_READ(fs, pwd.dentry);
    return base->dentry != 0;
  }
  struct file* file = file_of(task, descriptor);
  if (file == 0) {
    return 0;
  }
  base->mnt = BPF_CORE_READ(file, f_path.mnt);
  base->dentry = BPF_CORE_READ(file, f_path.dentry);
  return base->dentry != 0;
}

// The components of `base` up to the task's root, into the record after the name.
__noinline int tell_base(struct sbx_record* record, __u64 base_mount, __u64 base_directory) {
  if (record == 0) {
    return 0;
  }
  struct task_struct* task = bpf_get_current_task_btf();
  struct fs_struct* fs = BPF_CORE_READ(task, fs);
  struct vfsmount* root_mount = BPF_CORE_READ(fs, root.mnt);
  struct dentry* root = BPF_CORE_READ(fs, root.dentry);
  struct vfsmount* mount = (struct vfsmount*)base_mount;
  struct dentry* dentry = (struct dentry*)base_directory;
  const __u32 start = record->length & (SBX_PATH_MOST - 1);
  // In memory: in a register the verifier would follow each of its values through the loop.
  volatile __u32* const end = &record->base_length;
  record->base = SBX_UNKNOWN;
  *end = 0;
  for (int i = 0; i < SBX_MOST_COMPONENTS; ++i) {
    if (dentry == root && mount == root_mount) {
      record->base = SBX_KNOWN;
      break;
    }
    struct dentry* parent = BPF_CORE_READ(dentry, d_parent);
    if (dentry == BPF_CORE_READ(mount, mnt_root) || dentry == parent) {
      struct mount* whole = (void*)mount - bpf_core_field_offset(struct mount, mnt);
      struct mount* above = BPF_CORE_READ(whole, mnt_parent);
      if (above == whole) {
        break;  // outside of the task's root
      }
      dentry = BPF_CORE_READ(whole, mnt_mountpoint);
      mount = (void*)above + bpf_core_field_offset(struct mount, mnt);
      continue;
    }
    const __u32 at = start + *end;
    if (BPF_CORE_READ(dentry, d_hash.pprev) == 0 || at >= SBX_PATH_MOST + SBX_PATH_MOST) {
      break;  // removed, or too long
    }
    const long length = bpf_probe_read_kernel_str(record->data + at, SBX_NAME_MOST,
                                                  BPF_CORE_READ(dentry, d_name.name));
    if (length <= 0 || length > SBX_NAME_MOST) {
      break;
    }
    *end += length;
    dentry = parent;
  }
  return 0;
}

// The record's name: counted if it is known, else told.
static __always_inline void take_name(struct scratch* scratch, struct sbx_member* member,
                                      const struct path* base) {
  struct sbx_record* record = &scratch->record;
  struct sbx_count* known = bpf_map_lookup_elem(&names, &record->key);
  if (known != 0) {
    touch(known, member);
    return;
  }
  const struct sbx_count count = first_use(member);
  if (bpf_map_update_elem(&names, &record->key, &count, BPF_NOEXIST) != 0) {
    known = bpf_map_lookup_elem(&names, &record->key);
    if (known != 0) {
      touch(known, member);
    } else {
      add(&totals.lost_names, 1);
    }
    return;
  }
  record->base_length = 0;
  if (record->base == SBX_KNOWN) {
    tell_base(record, (__u64)base->mnt, (__u64)base->dentry);
  }
  __u64 size = record->length + record->base_length;
  if (size > sizeof record->data) {
    size = sizeof record->data;
  }
  size += __builtin_offsetof(struct sbx_record, data);
  // Read in batches (ebpf_watch.cpp); woken only where the ring fills faster than that.
  const __u64 waiting = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);
  const __u64 flags = waiting > 1 << 22 ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
  if (bpf_ringbuf_output(&ring, record, size, flags) != 0) {
    add(&totals.lost_names, 1);
    bpf_map_delete_elem(&names, &record->key);  // told when it comes again
  }
}

// The record's data is a path of `length` bytes with its NUL.
static __always_inline void take_path(struct task_struct* task, struct scratch* scratch,
                                      struct sbx_member* member, __u32 number, __u32 which,
                                      long length, int directory, __u32 flags) {
  struct sbx_record* record = &scratch->record;
  if (length <= 1 || length >= SBX_PATH_MOST) {
    return;  // the descriptor itself, which was opened before; or a name too long for any file
  }
  struct path base = {};
  record->length = length - 1;
  record->base = SBX_ABSOLUTE;
  hash_data(record, record->length);
  record->key.number = number | which << 16;
  record->key.flags = flags;
  if (record->data[0] != '/') {
    if (!find_base(task, directory, &base)) {
      return;  // no such directory: the call fails
    }
    record->base = SBX_KNOWN;
    record->key.hash[0] += (__u64)base.dentry * 0x9e3779b97f4a7c15ull;
    record->key.hash[1] += ((__u64)base.mnt ^ BPF_CORE_READ(base.dentry, d_inode, i_ino) ^
                            BPF_CORE_READ(base.dentry, d_name.hash_len)) *
                           0xc2b2ae3d27d4eb4full;
  }
  take_name(scratch, member, &base);
}

// 1 if the name's memory is not there yet.
static __always_inline int take_path_argument(struct task_struct* task, struct scratch* scratch,
                                              struct sbx_member* member, __u32 number,
                                              __u32 which) {
  const volatile struct sbx_shape* shape = shape_of(number);
  const volatile struct sbx_path* place = &shape->path[which];
  const int directory =
      place->directory < 0 ? AT_FDCWD : (int)argument_at(scratch, place->directory);
  const __u32 flags = place->flags < 0 ? 0 : (__u32)argument_at(scratch, place->flags);
  if (shape->skips_below != 0 && directory != AT_FDCWD &&
      (flags & shape->quiet_mask) == shape->quiet_value) {
    return 0;
  }
  const __u64 pointer = argument_at(scratch, place->path);
  if (pointer == 0) {
    return 0;
  }
  const long length = bpf_probe_read_user_str(scratch->record.data, SBX_PATH_MOST, (void*)pointer);
  if (length < 0) {
    return 1;
  }
  take_path(task, scratch, member, number, which, length, directory, flags);
  return 0;
}

static __always_inline int take_address(struct task_struct* task, struct scratch* scratch,
                                        struct sbx_member* member, __u32 number) {
  struct sbx_record* record = &scratch->record;
  const __u32 size = (__u32)scratch->arguments[2];
  if (size < 2 || size > 128) {
    return 0;  // the call fails
  }
  if (bpf_probe_read_user(record->data, size, (void*)scratch->arguments[1]) != 0) {
    return 1;
  }
  struct file* file = file_of(task, (int)scratch->arguments[0]);
  if (file == 0) {
    return 0;
  }
  // A file that is no socket gives numbers that mean nothing, and the call fails.
  struct socket* socket = BPF_CORE_READ(file, private_data);
  struct sock* sock = BPF_CORE_READ(socket, sk);
  record->family = BPF_CORE_READ(sock, __sk_common.skc_family);
  record->type = BPF_CORE_READ(socket, type);
  record->protocol = BPF_CORE_READ(sock, sk_protocol);
  record->length = size;
  record->base = SBX_ABSOLUTE;
  hash_data(record, size);
  record->key.number = number;
  record->key.flags = (__u32)record->type << 16 | record->protocol;
  struct path base = {};
  if (*(__u16*)record->data == AF_UNIX && record->data[2] != '/' &&
      find_base(task, AT_FDCWD, &base)) {
    record->base = SBX_KNOWN;
    record->key.hash[0] += (__u64)base.dentry * 0x9e3779b97f4a7c15ull;
  }
  take_name(scratch, member, &base);
  return 0;
}

// The arguments whose memory was not there, as bits.
static __always_inline __u32 take_names(struct task_struct* task, struct scratch* scratch,
                                        struct sbx_member* member, __u32 number, __u32 wanted) {
  const volatile struct sbx_shape* shape = shape_of(number);
  __u32 missing = 0;
  if (shape->role >= SBX_BIND) {
    return take_address(task, scratch, member, number);
  }
  if (shape->paths > 0 && (wanted & 1) != 0) {
    missing |= take_path_argument(task, scratch, member, number, 0);
  }
  if (shape->paths > 1 && (wanted & 2) != 0) {
    missing |= take_path_argument(task, scratch, member, number, 1) << 1;
  }
  return missing;
}

static __always_inline void take_details(struct task_struct* task, const struct pt_regs* regs,
                                         struct sbx_member* member, __u32 number) {
  const volatile struct sbx_shape* shape = shape_of(number);
  struct scratch* scratch = take_scratch();
  if (scratch == 0) {
    add(&totals.lost_names, 1);
    return;
  }
  read_arguments(regs, scratch->arguments);
  if (shape->classes != 0) {
    count_class(scratch, member, number);
  }
  if (shape->paths != 0 || shape->role >= SBX_BIND) {
    const __u32 missing = take_names(task, scratch, member, number, 3);
    if (missing != 0) {
      // The kernel will have read it when the call ends (on_exit), or this was the call's error.
      __builtin_memcpy(member->pending_arguments, scratch->arguments,
                       sizeof member->pending_arguments);
      member->pending_call = number;
      member->pending = missing;
      add(&pending, 1);
    }
  }
  release(scratch);
}

#define MESSAGE_MOST 128

// True if a line of what is sent says READY=1. Other messages begin otherwise than such a list of
// names and values, and cost the look at one byte.
__noinline int says_ready(struct scratch* scratch, int is_message) {
  if (scratch == 0) {
    return 0;
  }
  __u64 buffer[2] = {scratch->arguments[1], scratch->arguments[2]};  // as struct iovec
  if (is_message) {
    __u64 header[4] = {};  // struct msghdr, up to msg_iovlen
    if (bpf_probe_read_user(header, sizeof header, (void*)buffer[0]) != 0 || header[3] == 0 ||
        bpf_probe_read_user(buffer, sizeof buffer, (void*)header[2]) != 0) {
      return 0;
    }
  }
  char* text = scratch->record.data;
  __builtin_memset(text, 0, MESSAGE_MOST + 8);
  __u64 length = buffer[1];
  if (length > MESSAGE_MOST) {
    length = MESSAGE_MOST;
  }
  if (bpf_probe_read_user(text, length, (void*)buffer[0]) != 0 || text[0] < 'A' || text[0] > 'Z') {
    return 0;
  }
  for (int i = 0; i < MESSAGE_MOST; ++i) {
    if ((i == 0 || text[i - 1] == '\n') && text[i] == 'R' && text[i + 1] == 'E' &&
        text[i + 2] == 'A' && text[i + 3] == 'D' && text[i + 4] == 'Y' && text[i + 5] == '=' &&
        text[i + 6] == '1') {
      return 1;
    }
  }
  return 0;
}

static __always_inline void look_whether_ready(const struct pt_regs* regs, int is_message) {
  struct scratch* scratch = totals.notified != 0 ? 0 : take_scratch();
  if (scratch == 0) {
    return;  // known, or this once not looked at
  }
  read_arguments(regs, scratch->arguments);
  if (says_ready(scratch, is_message)) {
    totals.notified = 1;
    totals.ready = bpf_ktime_get_ns();
  }
  release(scratch);
}

SEC("tp_btf/sys_enter")
int on_enter(__u64* ctx) {
  struct task_struct* task = bpf_get_current_task_btf();
  struct sbx_member* member = bpf_task_storage_get(&members, task, 0, 0);
  if (member == 0 || member->state != SBX_WATCHED) {
    return 0;
  }
  const __u32 number = (__u32)ctx[1];
  if (number >= SBX_MOST_NUMBERS || is_foreign(task)) {
    add(&totals.foreign, 1);
    return 0;
  }
  struct sbx_count* count = bpf_map_lookup_elem(&numbers, &number);
  if (count == 0) {
    return 0;
  }
  if (count->count == 0) {
    count->first = bpf_ktime_get_ns();
  }
  ++count->count;
  count->last = coarse_time();
  count->programs |= program_bit(member);

  const volatile struct sbx_shape* shape = shape_of(number);
  if ((shape->classes | shape->paths | shape->role) == 0) {
    return 0;
  }
  if (shape->role == SBX_LISTEN) {
    if (totals.ready == 0) {
      totals.ready = bpf_ktime_get_ns();
    }
    return 0;
  }
  if (shape->role == SBX_SEND_TO || shape->role == SBX_SEND_MESSAGE) {
    look_whether_ready((const struct pt_regs*)ctx[0], shape->role == SBX_SEND_MESSAGE);
    return 0;
  }
  take_details(task, (const struct pt_regs*)ctx[0], member, number);
  return 0;
}

static __always_inline void no_more_pending(struct sbx_member* member) {
  member->pending = 0;
  add(&pending, -1);
}

SEC("tp_btf/sys_exit")
int on_exit(__u64* ctx) {
  if (pending == 0) {
    return 0;
  }
  struct task_struct* task = bpf_get_current_task_btf();
  struct sbx_member* member = bpf_task_storage_get(&members, task, 0, 0);
  if (member == 0 || member->pending == 0) {
    return 0;
  }
  struct scratch* scratch = take_scratch();
  if (scratch == 0) {
    add(&totals.lost_names, 1);
  } else {
    __builtin_memcpy(scratch->arguments, member->pending_arguments,
                     sizeof member->pending_arguments);
    // What is still not there was not there for the call either: EFAULT.
    take_names(task, scratch, member, member->pending_call, member->pending);
    release(scratch);
  }
  no_more_pending(member);
  return 0;
}

// A task that ran already counts once its program is known (survey).
static __always_inline bool is_counted(const struct sbx_member* member) {
  return member->state == SBX_WATCHED && member->program < SBX_MOST_PROGRAMS;
}

static __always_inline void count_task(void) {
  add(&totals.tasks, 1);
  raise(&totals.peak_tasks, totals.tasks);
}

SEC("tp_btf/sched_process_fork")
int on_fork(__u64* ctx) {
  struct task_struct* parent = (struct task_struct*)ctx[0];
  struct task_struct* child = (struct task_struct*)ctx[1];
  struct sbx_member* from = bpf_task_storage_get(&members, parent, 0, 0);
  if (from == 0) {
    return 0;
  }
  struct sbx_member* to = bpf_task_storage_get(&members, child, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
  if (to == 0) {
    add(&totals.lost_tasks, 1);
    return 0;
  }
  to->program = from->program;
  // What lives in a deeper pid namespace is the sandbox's, not a helper of sbx.
  to->state = from->state == SBX_LAUNCHER && child->thread_pid->level > parent->thread_pid->level
                  ? SBX_INSIDE
                  : from->state;
  if (is_counted(to)) {
    count_task();
  }
  return 0;
}

// The index of an executable's name; SBX_MOST_PROGRAMS - 1 if there are too many.
static __always_inline __u32 program_of(struct file* file) {
  char name[SBX_PROGRAM_LENGTH] = {};
  if (file == 0 || bpf_probe_read_kernel_str(name, sizeof name,
                                             BPF_CORE_READ(file, f_path.dentry, d_name.name)) < 0) {
    return SBX_MOST_PROGRAMS - 1;
  }
  __u32* known = bpf_map_lookup_elem(&program_names, name);
  if (known != 0) {
    return *known;
  }
  __u32 index = __sync_fetch_and_add(&programs, 1);
  if (index >= SBX_MOST_PROGRAMS - 1) {
    return SBX_MOST_PROGRAMS - 1;
  }
  if (bpf_map_update_elem(&program_names, name, &index, BPF_NOEXIST) != 0) {
    known = bpf_map_lookup_elem(&program_names, name);
    return known != 0 ? *known : SBX_MOST_PROGRAMS - 1;
  }
  return index;
}

// Service managers move a process to its cgroup before they execute the program.
static __always_inline bool is_in_cgroup(void) {
  for (int level = 0; level < SBX_MOST_LEVELS; ++level) {
    const __u64 id = bpf_get_current_ancestor_cgroup_id(level);
    if (id == 0 || id == cgroup) {
      return id != 0;
    }
  }
  return 0;
}

SEC("tp_btf/sched_process_exec")
int on_exec(__u64* ctx) {
  struct task_struct* task = (struct task_struct*)ctx[0];
  struct linux_binprm* program = (struct linux_binprm*)ctx[2];
  struct sbx_member* member = bpf_task_storage_get(&members, task, 0, 0);
  if (member == 0 && cgroup != 0 && is_in_cgroup()) {
    member = bpf_task_storage_get(&members, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
    if (member == 0) {
      add(&totals.lost_tasks, 1);
      return 0;
    }
    member->state = SBX_INSIDE;
  }
  if (member == 0 || member->state == SBX_LAUNCHER) {
    return 0;
  }
  const bool was_counted = is_counted(member);
  if (member->state == SBX_INSIDE) {
    member->state = SBX_WATCHED;
  } else if (member->pending != 0) {
    // The memory with the name is gone; the kernel has its copy.
    const volatile struct sbx_shape* shape = shape_of(member->pending_call);
    struct scratch* scratch = take_scratch();
    if (scratch == 0 || shape->path[0].directory >= 0) {
      add(&totals.lost_names, 1);
    } else {
      const long length =
          bpf_probe_read_kernel_str(scratch->record.data, SBX_PATH_MOST, program->filename);
      take_path(task, scratch, member, member->pending_call, 0, length, AT_FDCWD, 0);
    }
    if (scratch != 0) {
      release(scratch);
    }
    no_more_pending(member);
  }
  member->program = program_of(program->file);
  if (!was_counted) {
    count_task();
  }
  return 0;
}

static __always_inline void measure_descriptors(struct task_struct* task) {
  struct fdtable* table = BPF_CORE_READ(task, files, fdt);
  if (table == 0) {
    return;
  }
  const __u32 words = BPF_CORE_READ(table, max_fds) / 64;
  unsigned long* bits = BPF_CORE_READ(table, open_fds);
  __u64 count = 0;
  for (__u32 i = 0; i < 1024; ++i) {
    __u64 word = 0;
    if (i >= words || bpf_probe_read_kernel(&word, sizeof word, bits + i) != 0) {
      break;
    }
    word -= word >> 1 & 0x5555555555555555ull;
    word = (word & 0x3333333333333333ull) + (word >> 2 & 0x3333333333333333ull);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0full;
    count += word * 0x0101010101010101ull >> 56;
  }
  raise(&totals.peak_descriptors, count);
}

SEC("tp_btf/sched_process_exit")
int on_task_end(__u64* ctx) {
  struct task_struct* task = (struct task_struct*)ctx[0];
  struct sbx_member* member = bpf_task_storage_get(&members, task, 0, 0);
  if (member == 0 || member->state != SBX_WATCHED) {
    return 0;
  }
  if (member->pending != 0) {
    no_more_pending(member);
  }
  if (is_counted(member)) {
    add(&totals.tasks, -1);
  }
  measure_descriptors(task);
  struct signal_struct* process = task->signal;
  if (process->live.counter == 0) {
    raise(&totals.peak_pages, process->maxrss);
  }
  return 0;
}

static __always_inline void measure_memory(struct mm_struct* memory) {
  // MM_FILEPAGES, MM_ANONPAGES, MM_SHMEMPAGES; each processor holds back a few (Linux 6.2 and
  // newer).
  __u64 pages = 0;
  if (bpf_core_type_exists(struct percpu_counter)) {
    const __s64 file = BPF_CORE_READ(memory, rss_stat[0].count);
    const __s64 own = BPF_CORE_READ(memory, rss_stat[1].count);
    const __s64 shared = BPF_CORE_READ(memory, rss_stat[3].count);
    pages = (file > 0 ? file : 0) + (own > 0 ? own : 0) + (shared > 0 ? shared : 0);
  }
  raise(&totals.peak_pages, pages);
  raise(&totals.peak_pages, BPF_CORE_READ(memory, hiwater_rss));
}

// Over all tasks: with `marking`, the threads and the children of a watched one become watched;
// always, what the watched ones hold is measured.
SEC("iter/task")
int survey(struct bpf_iter__task* ctx) {
  struct task_struct* task = ctx->task;
  if (task == 0) {
    return 0;
  }
  struct sbx_member* member = bpf_task_storage_get(&members, task, 0, 0);
  if (marking != 0 && member == 0) {
    struct task_struct* leader = task->group_leader;
    struct task_struct* parent = task->real_parent;
    struct sbx_member* near = leader != 0 ? bpf_task_storage_get(&members, leader, 0, 0) : 0;
    if (near == 0) {
      near = parent != 0 ? bpf_task_storage_get(&members, parent, 0, 0) : 0;
    }
    if (near == 0 || near->state != SBX_WATCHED) {
      return 0;
    }
    member = bpf_task_storage_get(&members, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
    if (member == 0) {
      add(&totals.lost_tasks, 1);
      return 0;
    }
    if (member->state == 0) {  // else its parent's fork came first
      member->state = SBX_WATCHED;
      member->program = SBX_MOST_PROGRAMS;
      add(&totals.marked, 1);
    }
  }
  if (member == 0 || member->state != SBX_WATCHED) {
    return 0;
  }
  struct mm_struct* memory = task->mm;
  if (member->program >= SBX_MOST_PROGRAMS) {
    member->program = program_of(memory != 0 ? BPF_CORE_READ(memory, exe_file) : 0);
    count_task();
  }
  measure_descriptors(task);
  if (memory != 0) {
    measure_memory(memory);
  }
  return 0;
}
