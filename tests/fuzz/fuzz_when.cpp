// SPDX-License-Identifier: Apache-2.0
// Any bytes as the `when` of a rule. The first byte chooses the system call; what parses is compiled
// and the program compared with its meaning.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "expectations.h"
#include "seccomp/compile.h"
#include "seccomp/syscall_table.h"
#include "seccomp/when.h"

namespace {

constexpr std::array<std::string_view, 8> kCalls = {"socket", "mmap", "ioctl", "clone",
                                                    "prctl", "open", "getpid", "no_such_call"};

sbx::seccomp::Rule always(sbx::seccomp::Verdict verdict) {
  sbx::seccomp::Rule rule;
  rule.action.verdict = verdict;
  rule.action.errno_value = verdict == sbx::seccomp::Verdict::Errno ? 1 : 0;
  return rule;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using sbx::seccomp::Verdict;
  if (size == 0) {
    return 0;
  }
  const std::string_view call = kCalls[data[0] % kCalls.size()];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  auto condition = sbx::seccomp::parse_when(text, call, {.source = "fuzz.toml", .line = 1});
  if (!condition) {
    sbx::fuzz::expect_presentable(condition.error());
    return 0;
  }
  const auto number = sbx::seccomp::number_of(sbx::seccomp::Arch::X86_64, call);
  if (!number) {
    return 0;
  }
  sbx::seccomp::FilterSpec spec;
  spec.denied = spec.unknown = spec.foreign = always(Verdict::Errno);
  sbx::seccomp::Rule rule = always(Verdict::Allow);
  rule.condition = *std::move(condition);
  spec.calls[*number] = {rule, always(Verdict::Kill)};
  const auto program = sbx::seccomp::compile(spec);
  if (!program) {
    sbx::fuzz::expect_presentable(program.error());
    return 0;
  }
  const auto same = sbx::seccomp::verify(spec, *program);
  sbx::fuzz::expect(static_cast<bool>(same), "the program means what the expression says");
  return 0;
}
