// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <linux/audit.h>
#include <seccomp.h>

#include <cstdlib>
#include <map>
#include <string>
#include <tuple>

#include "seccomp/abi.h"
#include "seccomp/syscall_table.h"

using namespace sbx::seccomp;

TEST_CASE("a call is named by its architecture and number") {
  const auto [arch, number, text] = GENERATE(table<std::uint32_t, std::int64_t, std::string>({
      {AUDIT_ARCH_X86_64, 39, "getpid"},
      {AUDIT_ARCH_X86_64, 469, "file_setattr"},
      {AUDIT_ARCH_X86_64, 470, "call 470"},
      {AUDIT_ARCH_X86_64, 335, "uretprobe"},
      {AUDIT_ARCH_X86_64, -1, "call -1"},
      {AUDIT_ARCH_X86_64, 0x40000027, "x32 getpid"},
      {AUDIT_ARCH_X86_64, 0x40000200, "x32 rt_sigaction"},
      {AUDIT_ARCH_X86_64, 0x40000223, "x32 pwritev2"},
      {AUDIT_ARCH_X86_64, 0x40000224, "x32 call 548"},
      {AUDIT_ARCH_X86_64, 0x4000000d, "x32 call 13"},  // x86-64's rt_sigaction is not x32's
      {AUDIT_ARCH_X86_64, 0x400001c5, "x32 call 453"},
      {AUDIT_ARCH_X86_64, 0x140000027, "call 5368709159"},
      {AUDIT_ARCH_I386, 20, "i386 getpid"},
      {AUDIT_ARCH_I386, 102, "i386 socketcall"},
      {AUDIT_ARCH_I386, 222, "i386 call 222"},
      {AUDIT_ARCH_I386, 403, "i386 clock_gettime64"},
      {AUDIT_ARCH_I386, 453, "i386 map_shadow_stack"},
      {AUDIT_ARCH_I386, 468, "i386 file_getattr"},
      {AUDIT_ARCH_I386, 0x40000014, "i386 call 1073741844"},
      {AUDIT_ARCH_AARCH64, 172, "getpid"},
      {AUDIT_ARCH_ARM, 20, "arm getpid"},
      {AUDIT_ARCH_ARM, 401, "arm kexec_file_load"},
      {AUDIT_ARCH_ARM, 447, "arm call 447"},
      {AUDIT_ARCH_ARM, 462, "arm mseal"},
      {AUDIT_ARCH_ARM, 0xf0005, "arm set_tls"},
      {AUDIT_ARCH_ARM, 0xf0000, "arm call 983040"},
      {0xf3, 39, "call 39 of architecture 0xf3"},
  }));
  CHECK(call_text(arch, number) == text);
}

TEST_CASE("conventions are found by their names") {
  for (const Abi abi : {Abi::X86_64, Abi::I386, Abi::X32, Abi::Aarch64, Abi::Arm}) {
    CHECK(find_abi(abi_name(abi)) == abi);
  }
  CHECK_FALSE(find_abi("mips").has_value());
}

TEST_CASE("the names are libseccomp's wherever it knows the number") {
  struct Pair {
    std::uint32_t arch;
    std::uint32_t token;
    std::int64_t base;
    int known_at_least;
  };
  const auto [arch, token, base, known_at_least] = GENERATE(
      Pair{AUDIT_ARCH_I386, SCMP_ARCH_X86, 0, 430}, Pair{AUDIT_ARCH_ARM, SCMP_ARCH_ARM, 0, 390},
      Pair{AUDIT_ARCH_X86_64, SCMP_ARCH_X32, 0x40000000, 350},
      Pair{AUDIT_ARCH_AARCH64, SCMP_ARCH_AARCH64, 0, 290});
  int compared = 0;
  for (int number = 0; number < 600; ++number) {
    char* name = ::seccomp_syscall_resolve_num_arch(token, static_cast<int>(base) + number);
    const auto call = abi_call(arch, base + number);
    REQUIRE(call.has_value());
    if (name != nullptr) {
      INFO(arch << " " << number);
      CHECK(std::string(call->name) == name);
      ++compared;
      std::free(name);
    } else if (number < 424) {
      INFO(arch << " " << number << " " << call->name);
      CHECK(call->name.empty());
    }
  }
  CHECK(compared >= known_at_least);
}

TEST_CASE("every name of a convention is one that a policy may use") {
  for (const auto& [arch, base] : {std::pair<std::uint32_t, std::int64_t>{AUDIT_ARCH_I386, 0},
                                   {AUDIT_ARCH_ARM, 0},
                                   {AUDIT_ARCH_X86_64, 0x40000000}}) {
    for (int number = 0; number < 600; ++number) {
      const auto call = abi_call(arch, base + number);
      if (call && !call->name.empty()) {
        INFO(number << " " << call->name);
        CHECK(is_syscall_name(call->name));
      }
    }
  }
}
