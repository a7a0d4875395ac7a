// SPDX-License-Identifier: Apache-2.0
// The filters of shipped policies: the rows of tests/filter, what none of them may allow, and every
// number from 0 to 600.
#include <catch2/catch.hpp>
#include <linux/audit.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "../policy/policy_files.h"
#include "base/errno_name.h"
#include "plan/expand.h"
#include "policy/merge.h"
#include "seccomp/compile.h"
#include "seccomp/simulate.h"
#include "seccomp/syscall_table.h"
#include "seccomp/when.h"

using namespace sbx;
using seccomp::Arch;
using seccomp::Mediation;
using seccomp::Verdict;

namespace {

const std::string kSource = SBX_SOURCE_DIR;
const policy::SearchPath kPolicies{{}, {kSource + "/policies"}};

policy::Policy load_policy(const std::string& name) {
  const auto files = policy::testing::disk();
  const auto file = policy::find_policy(name, kPolicies, files);
  REQUIRE(file);
  const auto layers = policy::load_layers(*file, kPolicies, files);
  REQUIRE(layers);
  auto merged = policy::merge(*layers);
  REQUIRE(merged);
  return *std::move(merged);
}

struct Compiled {
  policy::Policy policy;
  seccomp::FilterSpec spec;
  seccomp::FilterProgram program;
};

Compiled load_filter(const std::string& name, Arch arch) {
  Compiled compiled;
  compiled.policy = load_policy(name);
  plan::HostFacts facts;
  facts.arch = arch;
  auto spec = plan::expand_filter(compiled.policy, facts);
  INFO(name << (spec ? "" : ": " + to_text(spec.error())));
  REQUIRE(spec);
  compiled.spec = *std::move(spec);
  auto program = seccomp::compile(compiled.spec);
  REQUIRE(program);
  compiled.program = *std::move(program);
  REQUIRE(seccomp::verify(compiled.spec, compiled.program));
  return compiled;
}

std::string answer_text(const seccomp::Rule& rule) {
  switch (rule.action.verdict) {
    case Verdict::Allow:
      return "allow";
    case Verdict::Errno:
      return rule.action.errno_value == 0
                 ? "pretend"
                 : fmt::format("errno({})", errno_name(rule.action.errno_value));
    case Verdict::Kill:
      return "kill at once";
    case Verdict::Notify:
      break;
  }
  switch (rule.mediation) {
    case Mediation::Deny:
      return rule.kill ? "kill" : "deny";
    case Mediation::Log:
      return "log";
    case Mediation::Bind:
      return "bind";
    case Mediation::Connect:
      return "connect";
    case Mediation::Listen:
      return "listen";
    case Mediation::Send:
      return "send";
    case Mediation::Observe:
    case Mediation::ObserveLacking:
    case Mediation::ObserveRefused:
      return "observe";
    case Mediation::Watch:
      return "watch";
  }
  return "?";
}

std::uint64_t constant_of(const std::string& text) {
  const auto condition = seccomp::parse_when("arg0 == " + text, "getpid", {});
  INFO(text);
  REQUIRE(condition);
  return condition->test.value;
}

struct FilterRow {
  std::string policy, arch, call, answer;
  std::vector<std::uint64_t> arguments;
  int line = 0;
};

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(' ');
  return first == std::string::npos ? ""
                                    : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::vector<FilterRow> read_rows(const std::string& path) {
  std::vector<FilterRow> rows;
  std::ifstream file(path);
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty() || line[0] == '#') {
      continue;
    }
    FilterRow row;
    row.line = number;
    std::istringstream words(line);
    words >> row.policy >> row.arch;
    std::string rest;
    std::getline(words, rest);
    const auto open = rest.find('(');
    const auto arrow = rest.find("->");
    REQUIRE(arrow != std::string::npos);
    const auto close = rest.rfind(')', arrow);
    row.call = trimmed(rest.substr(0, open));
    row.answer = trimmed(rest.substr(arrow + 2));
    std::istringstream arguments(rest.substr(open + 1, close - open - 1));
    for (std::string argument; std::getline(arguments, argument, ',');) {
      row.arguments.push_back(constant_of(trimmed(argument)));
    }
    rows.push_back(row);
  }
  return rows;
}

// Every shipped policy may be asked about; these none of them allows, whatever the arguments.
constexpr const char* kNever[] = {
    "bpf",           "kexec_load",     "kexec_file_load",   "init_module",  "finit_module",
    "delete_module", "ptrace",         "process_vm_readv",  "process_vm_writev",
    "add_key",       "request_key",    "keyctl",            "io_uring_setup",
    "io_uring_enter", "io_uring_register", "userfaultfd",   "mount",        "umount2",
    "mount_setattr", "move_mount",     "open_tree",         "open_tree_attr", "fsopen",
    "fsconfig",      "fsmount",        "fspick",            "pivot_root",   "chroot",
    "setns",         "open_by_handle_at", "perf_event_open", "pidfd_getfd", "reboot",
    "swapon",        "swapoff",        "acct",              "quotactl",     "quotactl_fd",
    "iopl",          "ioperm",         "modify_ldt",        "settimeofday", "clock_settime",
    "adjtimex",      "clock_adjtime",  "syslog",            "lookup_dcookie", "nfsservctl",
    "vhangup",       "sethostname",    "setdomainname",     "fanotify_init", "memfd_secret",
    "remap_file_pages", "clone3",      "uselib",            "process_madvise"};

}  // namespace

TEST_CASE("shipped filters: rows of tests/filter", "[filter]") {
  int checked = 0;
  std::map<std::pair<std::string, Arch>, Compiled> filters;
  for (const auto& entry : std::filesystem::directory_iterator(kSource + "/tests/filter")) {
    if (entry.path().extension() != ".rows") {
      continue;
    }
    for (const FilterRow& row : read_rows(entry.path())) {
      for (const Arch arch : {Arch::X86_64, Arch::Aarch64}) {
        if (row.arch != "*" && row.arch != (arch == Arch::X86_64 ? "x86_64" : "aarch64")) {
          continue;
        }
        const auto key = std::pair{row.policy, arch};
        if (!filters.contains(key)) {
          filters[key] = load_filter(row.policy, arch);
        }
        const Compiled& filter = filters[key];
        INFO(entry.path().filename() << ":" << row.line << " " << row.call);
        const auto number = seccomp::number_of(arch, row.call);
        REQUIRE(number);
        seccomp_data call{};
        call.arch = seccomp::audit_arch(arch);
        call.nr = *number;
        REQUIRE(row.arguments.size() <= 6);
        std::copy(row.arguments.begin(), row.arguments.end(), call.args);
        const seccomp::Rule& rule = seccomp::evaluate(filter.spec, call);
        CHECK(answer_text(rule) == row.answer);
        CHECK(seccomp::run_loadable(filter.program, call) ==
              seccomp::to_return_value(rule.action));
        ++checked;
      }
    }
  }
  CHECK(checked > 100);
}

TEST_CASE("shipped filters: what none of them allows", "[filter]") {
  for (const auto& file : policy::list_policies(kPolicies, policy::testing::disk())) {
    for (const Arch arch : {Arch::X86_64, Arch::Aarch64}) {
      const Compiled filter = load_filter(file.name, arch);
      INFO(file.name);
      for (const char* name : kNever) {
        const auto number = seccomp::number_of(arch, name);
        if (!number) {
          continue;
        }
        seccomp_data call{};
        call.arch = seccomp::audit_arch(arch);
        call.nr = *number;
        for (const std::uint64_t value : {0ull, 1ull, 3ull, 0xffffffffull, ~0ull}) {
          std::fill(std::begin(call.args), std::end(call.args), value);
          INFO(name << " " << value);
          CHECK(seccomp::run_loadable(filter.program, call) != SECCOMP_RET_ALLOW);
        }
      }
    }
  }
}

TEST_CASE("shipped filters: numbers 0 to 600, x32 and i386", "[filter]") {
  for (const auto& file : policy::list_policies(kPolicies, policy::testing::disk())) {
    for (const Arch arch : {Arch::X86_64, Arch::Aarch64}) {
      const Compiled filter = load_filter(file.name, arch);
      INFO(file.name);
      seccomp_data call{};
      for (call.nr = 0; call.nr <= 600; ++call.nr) {
        call.arch = seccomp::audit_arch(arch);
        INFO(call.nr);
        if (seccomp::name_of(arch, call.nr).empty()) {
          CHECK(seccomp::run_loadable(filter.program, call) == (SECCOMP_RET_ERRNO | ENOSYS));
        } else {
          CHECK(seccomp::run_loadable(filter.program, call) ==
                seccomp::to_return_value(seccomp::evaluate(filter.spec, call).action));
        }
        seccomp_data other = call;
        other.arch = AUDIT_ARCH_I386;
        CHECK(seccomp::run_loadable(filter.program, other) != SECCOMP_RET_ALLOW);
        if (arch == Arch::X86_64) {
          other = call;
          other.nr |= 0x4000'0000;
          CHECK(seccomp::run_loadable(filter.program, other) != SECCOMP_RET_ALLOW);
        }
      }
    }
  }
}
