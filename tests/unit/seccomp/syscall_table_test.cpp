// SPDX-License-Identifier: Apache-2.0
#include "seccomp/syscall_table.h"

#include <catch2/catch.hpp>
#include <seccomp.h>

#include <cstdlib>
#include <string>

#include "seccomp/constants.h"
#include "seccomp/groups.h"
#include "seccomp/syscall_versions.h"

using namespace sbx::seccomp;

TEST_CASE("syscall table: numbers of both architectures") {
  struct Row {
    const char* name;
    int x86_64;
    int aarch64;
  };
  const Row rows[] = {
      {"read", 0, 63},          {"socket", 41, 198},       {"clone", 56, 220},
      {"open", 2, -1},          {"openat", 257, 56},       {"pidfd_send_signal", 424, 424},
      {"uretprobe", 335, -1},   {"uprobe", 336, -1},       {"mseal", 462, 462},
      {"statmount", 457, 457},  {"file_setattr", 469, 469}, {"memfd_secret", 447, 447},
      {"mmap2", -1, -1},        {"socketcall", -1, -1},    {"_llseek", -1, -1},
      {"stat64", -1, -1},       {"newfstatat", 262, 79},   {"fadvise64", 221, 223}};
  for (const Row& row : rows) {
    INFO(row.name);
    CHECK(number_of(Arch::X86_64, row.name).value_or(-1) == row.x86_64);
    CHECK(number_of(Arch::Aarch64, row.name).value_or(-1) == row.aarch64);
    CHECK(is_syscall_name(row.name));
  }
  CHECK_FALSE(is_syscall_name("opne"));
  CHECK_FALSE(is_syscall_name(""));
  CHECK(highest_number(Arch::X86_64) == 469);
  for (const int number : {-1, 337, 400, 423, 470, 1 << 30}) {
    CHECK(name_of(Arch::X86_64, number).empty());
  }
}

TEST_CASE("syscall table: name and number lead to each other") {
  for (const Arch arch : {Arch::X86_64, Arch::Aarch64}) {
    std::size_t known = 0;
    for (int number = 0; number <= highest_number(arch); ++number) {
      if (const auto name = name_of(arch, number); !name.empty()) {
        ++known;
        CHECK(number_of(arch, name) == number);
      }
    }
    CHECK(known == all_names(arch).size());
  }
}

TEST_CASE("syscall table: libseccomp agrees where it knows a call") {
  int compared = 0;
  for (const auto& [arch, token] : {std::pair{Arch::X86_64, std::uint32_t{SCMP_ARCH_X86_64}},
                                    std::pair{Arch::Aarch64, std::uint32_t{SCMP_ARCH_AARCH64}}}) {
    for (int number = 0; number <= highest_number(arch); ++number) {
      char* theirs = seccomp_syscall_resolve_num_arch(token, number);
      if (theirs != nullptr) {
        CHECK(name_of(arch, number) == theirs);
        ++compared;
      }
      std::free(theirs);
    }
    for (const auto name : all_names(arch)) {
      const int theirs = seccomp_syscall_resolve_name_arch(token, std::string(name).c_str());
      if (theirs >= 0) {
        CHECK(number_of(arch, name) == theirs);
      }
    }
  }
  CHECK(compared > 650);
}

TEST_CASE("prototypes: every call that a kernel still has, at the width it reads") {
  struct Row {
    const char* call;
    std::size_t index;
    const char* name;
    int width;
    bool is_signed;
    const char* constants;
  };
  const Row rows[] = {{"socket", 0, "domain", 32, true, "AF"},
                      {"socket", 1, "type", 32, true, "SOCK"},
                      {"ioctl", 1, "request", 32, false, "IOCTL"},
                      {"ioctl", 2, "arg", 64, false, ""},
                      {"prctl", 0, "option", 32, true, "PR"},
                      {"prctl", 1, "arg2", 64, false, ""},
                      {"clone", 0, "flags", 32, false, "CLONE"},
                      {"unshare", 0, "flags", 64, false, "UNSHARE"},
                      {"personality", 0, "persona", 32, false, "PERSONALITY"},
                      {"mmap", 2, "prot", 64, false, "PROT"},
                      {"mmap", 4, "fd", 32, true, ""},
                      {"mprotect", 1, "len", 64, false, ""},
                      {"shmget", 0, "key", 32, true, ""},
                      {"chmod", 1, "mode", 32, false, "S"},
                      {"openat", 0, "dirfd", 32, true, "FD"},
                      {"ptrace", 0, "request", 64, true, "PTRACE"},
                      {"lseek", 1, "offset", 64, true, ""}};
  for (const Row& row : rows) {
    INFO(row.call << " " << row.index);
    const auto arguments = arguments_of(row.call);
    REQUIRE(arguments.size() > row.index);
    const ArgumentInfo& info = arguments[row.index];
    CHECK(info.name == row.name);
    CHECK(info.width == row.width);
    CHECK(info.is_signed == row.is_signed);
    CHECK(info.constants == row.constants);
  }
  CHECK(arguments_of("chmod")[1].mask == 0xffff);
  CHECK(arguments_of("open")[0].is_pointer);
  CHECK(arguments_of("getpid").empty());
  CHECK(arguments_of("no_such_call").empty());
  CHECK(arguments_of("zzz").empty());
  CHECK(arguments_of("").empty());

  std::size_t with_arguments = 0;
  for (const auto name : all_names(Arch::X86_64)) {
    for (const ArgumentInfo& info : arguments_of(name)) {
      INFO(name << " " << info.name);
      CHECK_FALSE(info.name.empty());
      CHECK((info.constants.empty() || info.constants == "S" || !constants_of(info.constants).empty()));
    }
    with_arguments += arguments_of(name).empty() ? 0u : 1u;
  }
  CHECK(with_arguments > 330);
}

TEST_CASE("constants: values by name") {
  const std::pair<const char*, std::uint64_t> rows[] = {{"AF_UNIX", 1},
                                                        {"AF_LOCAL", 1},
                                                        {"SOCK_RAW", 3},
                                                        {"CLONE_NEWUSER", 0x10000000},
                                                        {"TIOCSTI", 0x5412},
                                                        {"PR_SET_MDWE", 65},
                                                        {"IPPROTO_MPTCP", 262},
                                                        {"MADV_FREE", 8},
                                                        {"S_ISUID", 04000},
                                                        {"CLONE_IO", 0x80000000},
                                                        {"AT_FDCWD", ~0ull - 99}};
  for (const auto& [name, value] : rows) {
    INFO(name);
    CHECK(constant_value(name) == value);
  }
  CHECK_FALSE(constant_value("AF_UNIXX"));
  CHECK_FALSE(constant_value(""));
}

TEST_CASE("constants: arguments for people") {
  struct Row {
    const char* call;
    std::size_t index;
    std::uint64_t value;
    const char* text;
  };
  const Row rows[] = {{"socket", 0, 17, "AF_PACKET"},
                      {"socket", 0, 0x1'0000'0011, "AF_PACKET"},
                      {"socket", 0, 99, "99"},
                      {"socket", 1, 0x80003, "SOCK_RAW|SOCK_CLOEXEC"},
                      {"socket", 2, 0, "0"},
                      {"mmap", 2, 0, "PROT_NONE"},
                      {"mmap", 2, 6, "PROT_EXEC|PROT_WRITE"},
                      {"mmap", 3, 0x22, "MAP_PRIVATE|MAP_ANONYMOUS"},
                      {"mmap", 4, ~0ull, "-1"},
                      {"mmap", 0, 0x7fff00000000, "0x7fff00000000"},
                      {"open", 0, 0, "NULL"},
                      {"open", 0, 0x1234, "0x1234"},
                      {"open", 1, 0, "O_RDONLY"},
                      {"open", 1, 0101, "O_WRONLY|O_CREAT"},
                      {"open", 2, 04755, "04755"},
                      {"openat", 0, 0xffffffff'ffffff9c, "AT_FDCWD"},
                      {"openat", 0, 0xffffff9c, "AT_FDCWD"},
                      {"openat", 0, 7, "7"},
                      {"kill", 0, 0xfffffffe, "-2"},
                      {"kill", 1, 9, "SIGKILL"},
                      {"clone", 0, 0x10000011, "SIGCHLD|CLONE_NEWUSER"},
                      {"ioctl", 1, 0xffffffff'00005412, "TIOCSTI"},
                      {"ioctl", 1, 0x12345678, "0x12345678"},
                      {"unshare", 0, 0x20000, "CLONE_NEWNS"},
                      {"unlinkat", 2, 0x200, "AT_REMOVEDIR"}};
  for (const Row& row : rows) {
    INFO(row.call << " " << row.index);
    CHECK(decode_argument(arguments_of(row.call)[row.index], row.value) == row.text);
  }
}

TEST_CASE("groups: every member is a call or a group, siblings travel together") {
  for (const Group& group : groups()) {
    INFO(group.name);
    CHECK_FALSE(expand_group(group).empty());
    CHECK_FALSE(group.description.empty());
    for (const auto name : expand_group(group)) {
      INFO(name);
      CHECK(is_syscall_name(name));
    }
  }
  const auto has = [](const char* group, std::string_view name) {
    const auto names = expand_group(*find_group(group));
    return std::binary_search(names.begin(), names.end(), name);
  };
  for (const char* name : {"mkdir", "mkdirat", "fchmodat2", "setxattrat", "file_setattr"}) {
    CHECK(has("@file-system", name));
    CHECK(has("@system-service", name));
  }
  for (const char* name : {"exit", "exit_group", "rt_sigreturn", "restart_syscall", "futex", "rseq"}) {
    CHECK(has("@floor", name));
  }
  for (const char* name : {"execve", "openat", "socket", "clone"}) {
    CHECK_FALSE(has("@floor", name));
  }
  CHECK(has("@privileged", "init_module"));  // nested
  CHECK_FALSE(has("@network-server", "connect"));
  CHECK_FALSE(has("@network-client", "listen"));
  CHECK(has("@default", "futex_wait"));
  CHECK(has("@mount", "open_tree_attr"));
  CHECK(has("@known", "getpid"));
  CHECK(find_group("@nothing") == nullptr);
}

TEST_CASE("syscall versions: every call that runs here has one") {
  for (const Arch arch : {Arch::X86_64, Arch::Aarch64}) {
    int reserved = 0;
    for (const std::string_view name : all_names(arch)) {
      reserved += since_kernel(name).empty() ? 1 : 0;
    }
    CHECK(reserved == (arch == Arch::X86_64 ? 8 : 0));
  }
  CHECK(since_kernel("read") == "1.0");
  CHECK(since_kernel("socket") == "2.0");
  CHECK(since_kernel("openat") == "2.6.16");
  CHECK(since_kernel("bpf") == "3.18");
  CHECK(since_kernel("clone3") == "5.3");
  CHECK(since_kernel("futex_wait") == "6.7");
  CHECK(since_kernel("file_setattr") == "6.17");
  CHECK(since_kernel("tuxcall").empty());
  CHECK(since_kernel("osf_mount").empty());
  CHECK(since_kernel("no_such_call").empty());
}
