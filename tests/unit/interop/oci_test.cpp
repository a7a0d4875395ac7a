// SPDX-License-Identifier: Apache-2.0
// Profiles of Docker and OCI. The reference is built here, by libseccomp, after runc's rules and
// without a line of the importer's: which rules apply, one rule for each test of an argument that is
// tested twice, ENOSYS above the newest name.
#include <catch2/catch.hpp>
#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <set>

#include "host/files.h"
#include "interop/format.h"
#include "interop/oci_profile.h"
#include "plan/answer.h"
#include "plan/expand.h"
#include "plan/neutral_host.h"
#include "policy/capabilities.h"
#include "policy/merge.h"
#include "policy/toml_reader.h"
#include "seccomp/boundary.h"
#include "seccomp/compile.h"
#include "seccomp/evaluate.h"
#include "seccomp/simulate.h"
#include "seccomp/syscall_table.h"

namespace {

using namespace sbx;
using nlohmann::json;
using seccomp::Arch;

struct Release {
  void operator()(void* context) const { seccomp_release(context); }
};

// Both dialects, as engines ship them in large: conditions, orders, masks, conditions on machines.
constexpr const char* kProfile = R"json({
  "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
  "archMap": [
    {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
    {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": null}],
  "syscalls": [
    {"names": ["read", "write", "exit_group", "execve", "brk", "mmap", "futex_wait", "statx", "chmod",
               "no_such_call", "mseal"], "action": "SCMP_ACT_ALLOW", "args": [], "comment": "the usual"},
    {"name": "getpid", "names": [], "action": "SCMP_ACT_ALLOW", "args": null},
    {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
    {"names": ["process_vm_readv"], "action": "SCMP_ACT_ALLOW", "excludes": {"minKernel": "4.8"}},
    {"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 38, "op": "SCMP_CMP_LT"}]},
    {"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 39, "op": "SCMP_CMP_EQ"}]},
    {"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 40, "op": "SCMP_CMP_GT"}]},
    {"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"}]},
    {"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 4294967295, "op": "SCMP_CMP_EQ"}]},
    {"names": ["arch_prctl"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64", "x32"]}},
    {"names": ["bpf", "clone", "clone3", "mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
    {"names": ["clone"], "action": "SCMP_ACT_ALLOW",
     "args": [{"index": 0, "value": 2114060288, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}],
     "excludes": {"caps": ["CAP_SYS_ADMIN"], "arches": ["s390", "s390x"]}},
    {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38, "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
    {"names": ["lseek"], "action": "SCMP_ACT_ALLOW",
     "args": [{"index": 1, "value": 18446744069414584320, "op": "SCMP_CMP_EQ"}, {"index": 2, "value": 1, "op": "SCMP_CMP_EQ"}]},
    {"names": ["ioctl"], "action": "SCMP_ACT_ALLOW",
     "args": [{"index": 1, "value": 21505, "op": "SCMP_CMP_EQ"}, {"index": 1, "value": 21523, "op": "SCMP_CMP_EQ"}]},
    {"names": ["fcntl"], "action": "SCMP_ACT_ERRNO", "errnoRet": 0,
     "args": [{"index": 1, "value": 8, "op": "SCMP_CMP_EQ"}]},
    {"names": ["mlock"], "action": "SCMP_ACT_ERRNO"},
    {"names": ["mlockall"], "action": "SCMP_ACT_KILL_PROCESS"},
    {"names": ["kill"], "action": "SCMP_ACT_LOG"},
    {"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5},
    {"names": ["dup"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 3, "op": "SCMP_CMP_EQ"}]},
    {"names": ["dup"], "action": "SCMP_ACT_ERRNO", "errnoRet": 9}
  ]})json";

std::uint32_t action_of(const std::string& word, const json& value) {
  const auto number = value.is_number() ? value.get<std::uint32_t>() : std::uint32_t{EPERM};
  return word == "SCMP_ACT_ALLOW"  ? SCMP_ACT_ALLOW
         : word == "SCMP_ACT_LOG"  ? SCMP_ACT_LOG
         : word == "SCMP_ACT_ERRNO" ? SCMP_ACT_ERRNO(number & 0xffff)
                                    : SCMP_ACT_KILL_PROCESS;
}

json member(const json& object, const char* name) {
  return object.contains(name) ? object[name] : json();
}

bool lists(const json& circumstance, const char* name, const std::string& word) {
  const json list = member(circumstance, name);
  return list.is_array() && std::find(list.begin(), list.end(), json(word)) != list.end();
}

bool has_kernel(const json& circumstance) { return member(circumstance, "minKernel").is_string(); }

// Made for amd64, Linux 6.18, and these capabilities.
bool applies(const json& rule, const std::set<std::string>& held) {
  const json includes = member(rule, "includes"), excludes = member(rule, "excludes");
  for (const std::string& name : held) {
    if (lists(excludes, "caps", name)) {
      return false;
    }
  }
  if (lists(excludes, "arches", "amd64") || has_kernel(excludes)) {
    return false;
  }
  if (const json list = member(includes, "arches"); !list.empty() && !lists(includes, "arches", "amd64")) {
    return false;
  }
  for (const json& name : member(includes, "caps")) {
    if (held.count(name.get<std::string>()) == 0) {
      return false;
    }
  }
  return true;
}

scmp_arg_cmp comparison(const json& argument) {
  static const std::map<std::string, scmp_compare> kWords = {
      {"SCMP_CMP_NE", SCMP_CMP_NE}, {"SCMP_CMP_LT", SCMP_CMP_LT}, {"SCMP_CMP_LE", SCMP_CMP_LE},
      {"SCMP_CMP_EQ", SCMP_CMP_EQ}, {"SCMP_CMP_GE", SCMP_CMP_GE}, {"SCMP_CMP_GT", SCMP_CMP_GT},
      {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ}};
  scmp_arg_cmp one{};
  one.arg = argument["index"].get<unsigned>();
  one.op = kWords.at(argument["op"].get<std::string>());
  one.datum_a = argument["value"].get<std::uint64_t>();
  const json second = member(argument, "valueTwo");
  one.datum_b = second.is_number() ? second.get<std::uint64_t>() : 0;
  return one;
}

struct Reference {
  seccomp::FilterProgram program;
  int newest = -1;              // above: ENOSYS
  std::uint32_t otherwise = 0;  // the default action
};

int number_of(const std::string& name) {
  const auto ours = seccomp::number_of(Arch::X86_64, name);
  const int theirs = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, name.c_str());
  if (theirs >= 0 && ours) {
    CHECK(theirs == *ours);
  }
  return ours.value_or(-1);
}

seccomp::FilterProgram exported(void* context) {
  const int file = memfd_create("bpf", MFD_CLOEXEC);
  REQUIRE(seccomp_export_bpf(context, file) == 0);
  const auto bytes = static_cast<std::size_t>(lseek(file, 0, SEEK_END));
  seccomp::FilterProgram program(bytes / sizeof(sock_filter));
  REQUIRE(pread(file, program.data(), bytes, 0) == static_cast<ssize_t>(bytes));
  close(file);
  return program;
}

Reference reference(const json& profile, const std::set<std::string>& held) {
  Reference made;
  made.otherwise = action_of(profile["defaultAction"], member(profile, "defaultErrnoRet"));
  const std::unique_ptr<void, Release> context(seccomp_init(made.otherwise));
  seccomp_arch_remove(context.get(), SCMP_ARCH_NATIVE);
  seccomp_arch_add(context.get(), SCMP_ARCH_X86_64);
  for (const json& rule : profile["syscalls"]) {
    if (!applies(rule, held)) {
      continue;
    }
    std::vector<scmp_arg_cmp> comparisons;
    std::set<unsigned> indices;
    for (const json& argument : member(rule, "args")) {
      comparisons.push_back(comparison(argument));
      indices.insert(comparisons.back().arg);
    }
    const std::uint32_t action = action_of(rule["action"], member(rule, "errnoRet"));
    std::vector<std::string> names;
    if (const json one = member(rule, "name"); one.is_string()) {
      names.push_back(one);
    }
    for (const json& name : member(rule, "names")) {
      names.push_back(name);
    }
    for (const std::string& name : names) {
      const int number = number_of(name);
      made.newest = std::max(made.newest, number);
      if (number < 0 || action == made.otherwise) {
        continue;
      }
      const auto add = [&](const scmp_arg_cmp* tests, std::size_t count) {
        const int result = seccomp_rule_add_array(context.get(), action, number,
                                                  static_cast<unsigned>(count), tests);
        INFO(name);
        CHECK((result == 0 || result == -EEXIST));
      };
      if (indices.size() == comparisons.size()) {
        add(comparisons.data(), comparisons.size());
        continue;
      }
      for (const scmp_arg_cmp& one : comparisons) {
        add(&one, 1);
      }
    }
  }
  if (made.otherwise == SCMP_ACT_ALLOW || made.otherwise == SCMP_ACT_ERRNO(ENOSYS)) {
    made.newest = 1 << 20;
  }
  made.program = exported(context.get());
  return made;
}

// What the caller gets, as SECCOMP_RET_ has it.
std::uint32_t return_value(const seccomp::Rule& rule) {
  const plan::Answer answer = plan::answer_to(rule, plan::OnViolation::Errno);
  switch (answer.kind) {
    case plan::Answer::Kind::Run:
      return SECCOMP_RET_ALLOW;
    case plan::Answer::Kind::RunTold:
      return SECCOMP_RET_LOG;
    case plan::Answer::Kind::Fail:
      return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(answer.errno_value);
    case plan::Answer::Kind::Supervised:
    case plan::Answer::Kind::Kill:
      break;
  }
  return SECCOMP_RET_KILL_PROCESS;
}

// Every number with the values beside the borders of all tests that either side makes of it, two
// arguments at a time.
std::vector<seccomp_data> calls_of(int number, const std::vector<seccomp::Rule>& rules,
                                   std::uint64_t readable) {
  std::vector<const seccomp::ArgumentTest*> tests;
  for (const seccomp::Rule& rule : rules) {
    seccomp::collect_tests(rule.condition, tests);
  }
  seccomp_data first{};
  first.nr = number;
  first.arch = seccomp::audit_arch(Arch::X86_64);
  std::vector<seccomp_data> calls = {first};
  for (const seccomp::ArgumentTest* test : tests) {
    const seccomp::Boundary boundary = seccomp::boundary_of(*test);
    const std::size_t before = std::min<std::size_t>(calls.size(), 400);
    for (std::size_t i = 0; i < before; ++i) {
      for (std::size_t k = 0; k < boundary.count; ++k) {
        seccomp_data call = calls[i];
        if (test->argument < 6) {
          call.args[test->argument] = boundary.values[k] & readable;
          calls.push_back(call);
        }
      }
    }
  }
  return calls;
}

interop::ImportRequest request_for(const std::string& text, const std::set<std::string>& held = {}) {
  interop::ImportRequest request;
  request.text = text;
  request.source = "profile.json";
  request.name = "profile";
  request.kernel_major = 6;
  request.kernel_minor = 18;
  for (const std::string& name : held) {
    const auto* known = policy::find_capability(name);
    REQUIRE(known != nullptr);
    request.capabilities |= std::uint64_t{1} << (known - policy::capabilities().data());
  }
  return request;
}

int expect_same_as_libseccomp(const std::string& text, const std::set<std::string>& held) {
  const Reference theirs = reference(json::parse(text), held);
  const auto request = request_for(text, held);
  const auto profile = interop::read_oci(text, "profile.json");
  INFO((profile ? "" : to_text(profile.error())));
  REQUIRE(profile);
  const seccomp::FilterSpec ours = interop::oci_filter(*profile, request);
  int tried = 0;
  for (int number = 0; number <= seccomp::highest_number(Arch::X86_64) + 3; ++number) {
    if (number <= seccomp::highest_number(Arch::X86_64) && seccomp::name_of(Arch::X86_64, number).empty()) {
      continue;  // the kernel has no such call
    }
    for (const seccomp_data& call : calls_of(number, seccomp::rules_for(ours, number), ~0ull)) {
      const std::uint32_t expected = number > theirs.newest
                                         ? SECCOMP_RET_ERRNO | ENOSYS
                                         : seccomp::run_loadable(theirs.program, call);
      ++tried;
      if (return_value(seccomp::evaluate(ours, call)) != expected) {
        FAIL("call " << number << " " << seccomp::name_of(Arch::X86_64, number) << std::hex << " "
                     << call.args[0] << " " << call.args[1] << " " << call.args[2] << ": "
                     << return_value(seccomp::evaluate(ours, call)) << ", libseccomp " << expected);
      }
    }
  }
  return tried;
}

seccomp::FilterSpec filter_of_policy(const interop::Import& import) {
  const std::string text = policy::to_toml(import.layer, import.comments);
  INFO(text);
  const auto layer = policy::read_toml(text, "profile.toml", "profile");
  INFO((layer ? "" : to_text(layer.error())));
  REQUIRE(layer);
  const auto policy = policy::merge({*layer});
  INFO((policy ? "" : to_text(policy.error())));
  REQUIRE(policy);
  auto filter = plan::expand_filter(*policy, plan::neutral_facts(Arch::X86_64));
  INFO((filter ? "" : to_text(filter.error())));
  REQUIRE(filter);
  return *std::move(filter);
}

bool is_own(const seccomp::Rule& rule) {
  return rule.origin.source.str() == "built in";
}

// The policy of a profile decides as the profile does, for all that the kernel can tell apart, but for
// what sbx decides whatever a policy says (setuid bits are refused, a program may end).
int expect_same_policy(const std::string& text) {
  auto request = request_for(text);
  request.arch = Arch::X86_64;
  const auto import = interop::import_oci(request);
  INFO((import ? "" : to_text(import.error())));
  REQUIRE(import);
  const seccomp::FilterSpec policy = filter_of_policy(*import);
  int tried = 0;
  for (int number = 0; number <= seccomp::highest_number(Arch::X86_64); ++number) {
    std::vector<seccomp::Rule> both = seccomp::rules_for(*import->filter, number);
    const auto more = seccomp::rules_for(policy, number);
    both.insert(both.end(), more.begin(), more.end());
    const std::string_view name = seccomp::name_of(Arch::X86_64, number);
    for (seccomp_data call : calls_of(number, both, ~0ull)) {
      const auto arguments = seccomp::arguments_of(name);
      for (std::size_t i = 0; i < arguments.size(); ++i) {
        call.args[i] &= arguments[i].mask & (arguments[i].width == 32 ? 0xffff'ffffull : ~0ull);
      }
      const seccomp::Rule& rule = seccomp::evaluate(policy, call);
      const std::uint32_t theirs = return_value(seccomp::evaluate(*import->filter, call));
      ++tried;
      if (return_value(rule) != theirs && !is_own(rule)) {
        FAIL("call " << name << std::hex << " " << call.args[0] << " " << call.args[1] << " "
                     << call.args[2] << ": policy " << return_value(rule) << ", profile " << theirs);
      }
    }
  }
  return tried;
}

// The profile above, Debian's where it is installed, and one more by name: Docker's own.
std::vector<std::string> profiles() {
  std::vector<std::string> texts = {kProfile};
  std::vector<std::string> files = {"/usr/share/containers/seccomp.json"};
  if (const char* more = std::getenv("SBX_TEST_PROFILE")) {
    files.emplace_back(more);
  }
  for (const std::string& file : files) {
    if (auto text = host::read_file(file)) {
      texts.push_back(*std::move(text));
    } else if (std::getenv("SBX_TEST_REQUIRE") != nullptr) {
      FAIL("cannot read " + file + "; Debian has it in golang-github-containers-common");
    }
  }
  return texts;
}

std::string failure(const std::string& text) {
  const auto import = interop::import_oci(request_for(text));
  REQUIRE(!import);
  return to_text(import.error());
}

interop::Import import_of(const std::string& text, interop::Compat compat = interop::Compat::Runc) {
  auto request = request_for(text);
  request.compat = compat;
  auto import = interop::import_oci(request);
  INFO((import ? "" : to_text(import.error())));
  REQUIRE(import);
  return *std::move(import);
}

std::string one_rule(const std::string& rule, const std::string& head = "\"defaultAction\": \"SCMP_ACT_ERRNO\"") {
  return "{" + head + ", \"syscalls\": [" + rule + "]}";
}

}  // namespace

TEST_CASE("oci: profiles decide as the filters that libseccomp builds of them by runc's rules") {
  for (const std::string& text : profiles()) {
    CHECK(expect_same_as_libseccomp(text, {}) > 400);
    CHECK(expect_same_as_libseccomp(text, {"CAP_SYS_ADMIN"}) > 400);
    CHECK(expect_same_as_libseccomp(text, {"CAP_DAC_READ_SEARCH", "CAP_SYS_TIME", "CAP_SYS_PTRACE"}) > 400);
  }
}

TEST_CASE("oci: an imported policy decides as the profile does") {
  for (const std::string& text : profiles()) {
    CHECK(expect_same_policy(text) > 400);
  }
}

TEST_CASE("oci: every rule of a profile ends in the report") {
  for (const std::string& text : profiles()) {
    const auto import = import_of(text);
    const auto rules = json::parse(text)["syscalls"].size();
    for (std::size_t i = 0; i < rules; ++i) {
      const std::string start = "syscalls[" + std::to_string(i) + "] ";
      CHECK(std::any_of(import.findings.begin(), import.findings.end(),
                        [&](const auto& finding) { return finding.what.starts_with(start); }));
    }
  }
}

TEST_CASE("oci: an argument that is tested twice is any of the tests with runc, all with strict") {
  const std::string text = one_rule(
      R"({"names": ["lseek"], "action": "SCMP_ACT_ALLOW", "args": [)"
      R"({"index": 1, "value": 5, "op": "SCMP_CMP_GE"}, {"index": 1, "value": 9, "op": "SCMP_CMP_LT"}]})");
  const auto allows = [&](interop::Compat compat, std::uint64_t value) {
    const auto import = import_of(text, compat);
    seccomp_data call{};
    call.nr = *seccomp::number_of(Arch::X86_64, "lseek");
    call.arch = seccomp::audit_arch(Arch::X86_64);
    call.args[1] = value;
    const bool policy = seccomp::lets_run(seccomp::evaluate(filter_of_policy(import), call));
    CHECK(policy == seccomp::lets_run(seccomp::evaluate(*import.filter, call)));
    return policy;
  };
  CHECK(allows(interop::Compat::Runc, 2));
  CHECK(allows(interop::Compat::Runc, 100));
  CHECK(allows(interop::Compat::Strict, 5));
  CHECK_FALSE(allows(interop::Compat::Strict, 2));
  CHECK_FALSE(allows(interop::Compat::Strict, 9));
}

TEST_CASE("oci: what a policy cannot say is refused and told") {
  // Any value of a pointer: a policy compares none. Allowed: left out. Refused: wholly.
  const auto allowed = import_of(one_rule(
      R"({"names": ["open"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 4096, "op": "SCMP_CMP_EQ"}]})"));
  CHECK(allowed.layer.values.count(policy::Key::SeccompAllow) == 0);
  const auto refused = import_of(one_rule(
      R"({"names": ["open"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 4096, "op": "SCMP_CMP_EQ"}]})",
      R"("defaultAction": "SCMP_ACT_ALLOW")"));
  const auto& deny = std::get<std::vector<policy::Text>>(refused.layer.values.at(policy::Key::SeccompDeny));
  REQUIRE(deny.size() == 1);
  CHECK(deny[0].value == "open");
  // Only upper bits that the kernel does not read would fit.
  const auto never = import_of(one_rule(
      R"({"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 4294967334, "op": "SCMP_CMP_EQ"}]})"));
  for (const auto& rule : std::get<std::vector<policy::SeccompRule>>(never.layer.values.at(policy::Key::SeccompRules))) {
    CHECK(rule.action.value == "errno(ENOSYS)");  // only what is newer than socket
  }
  CHECK(never.findings.back().kind == interop::Finding::Kind::Dropped);
  // The defaults of the other actions.
  for (const auto& [action, word] : std::map<std::string, std::string>{
           {"KILL", "kill"}, {"KILL_PROCESS", "kill"}, {"TRAP", "kill"}, {"TRACE", "errno(ENOSYS)"},
           {"NOTIFY", "deny"}}) {
    const auto import = import_of("{\"defaultAction\": \"SCMP_ACT_" + action + "\"}");
    CHECK(std::get<policy::Text>(import.layer.values.at(policy::Key::SeccompDefault)).value == word);
    CHECK((import.findings[0].kind == interop::Finding::Kind::Changed) == (action != "KILL_PROCESS"));
  }
}

TEST_CASE("oci: a config.json, unknown members, flags and listeners") {
  const auto import = import_of(R"({"ociVersion": "1.0.2", "linux": {"seccomp": {
    "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 0, "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
    "flags": ["SECCOMP_FILTER_FLAG_LOG"], "listenerPath": "/run/agent.sock", "listenerMetadata": "x", "future": 1,
    "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW"}]}}})");
  std::vector<std::string> dropped;
  for (const auto& finding : import.findings) {
    if (finding.kind == interop::Finding::Kind::Dropped) {
      dropped.push_back(finding.what);
    }
  }
  CHECK(dropped == std::vector<std::string>{"SECCOMP_FILTER_FLAG_LOG", "listenerPath /run/agent.sock",
                                            "all of config.json but linux.seccomp", "listenerMetadata", "future"});
}

TEST_CASE("oci: malformed profiles are refused with their line") {
  CHECK_THAT(failure("{\n\"syscalls\": []}"), Catch::Contains("without defaultAction"));
  CHECK_THAT(failure("{\n\"defaultAction\": \"SCMP_ACT_ALOW\"}"),
             Catch::Contains("[profile.json:2]") && Catch::Contains("did you mean SCMP_ACT_ALLOW?"));
  CHECK_THAT(failure(one_rule("{\"names\": [], \"action\": \"SCMP_ACT_ALLOW\"}")), Catch::Contains("without names"));
  CHECK_THAT(failure(one_rule("{\"names\": [\"read\"]}")), Catch::Contains("without action"));
  CHECK_THAT(failure(one_rule("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"excludes\": {\"cpus\": []}}")),
             Catch::Contains("unknown condition"));
  CHECK_THAT(failure(one_rule("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": "
                              "[{\"index\": 6, \"value\": 0, \"op\": \"SCMP_CMP_EQ\"}]}")),
             Catch::Contains("index is 0 to 5"));
  CHECK_THAT(failure(one_rule("{\"names\": [\"read\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": "
                              "[{\"index\": 0, \"value\": 18446744073709551616, \"op\": \"SCMP_CMP_EQ\"}]}")),
             Catch::Contains("2^64 - 1"));
}

TEST_CASE("oci: hostile JSON is refused before it costs anything") {
  CHECK_THAT(failure(std::string(100'000, '[')), Catch::Contains("nested deeper"));
  std::string deep = "{\"defaultAction\": ";
  for (int i = 0; i < 100'000; ++i) {
    deep += "{\"a\": ";
  }
  CHECK_THAT(failure(deep), Catch::Contains("nested deeper"));
  CHECK_THAT(failure("{\"defaultAction\": \"SCMP_ACT_ALLOW\",\n\"defaultAction\": \"SCMP_ACT_ERRNO\"}"),
             Catch::Contains("stands twice") && Catch::Contains(":2]"));
  CHECK_THAT(failure("{\"defaultAction\": \"\xff\xfe\"}"), Catch::Contains("is no JSON"));
  CHECK_THAT(failure("{\"defaultAction\": \"\xed\xa0\x80\"}"), Catch::Contains("is no JSON"));
  CHECK_THAT(failure("{\"defaultAction\": \"SCMP_ACT_ALLOW\""), Catch::Contains("is no JSON"));
  std::string many = "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"x\": [0";
  for (int i = 0; i < 300'000; ++i) {
    many += ",0";
  }
  CHECK_THAT(failure(many + "]}"), Catch::Contains("more than"));
}

TEST_CASE("oci: conditions of any number become rules that can be read") {
  std::string rules;
  for (int i = 0; i < 400; ++i) {
    rules += (i == 0 ? "" : ",") + std::string(R"({"names": ["ioctl"], "action": "SCMP_ACT_ALLOW", )") +
             R"("args": [{"index": 1, "value": )" + std::to_string(100'000 + 7 * i) + R"(, "op": "SCMP_CMP_EQ"}]})";
  }
  const auto import = import_of("{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [" + rules + "]}");
  const seccomp::FilterSpec policy = filter_of_policy(import);
  seccomp_data call{};
  call.nr = *seccomp::number_of(Arch::X86_64, "ioctl");
  call.arch = seccomp::audit_arch(Arch::X86_64);
  for (std::uint64_t value = 100'000; value < 100'000 + 7 * 400; value += 7) {
    call.args[1] = value;
    CHECK(seccomp::lets_run(seccomp::evaluate(policy, call)));
    call.args[1] = value + 1;
    CHECK_FALSE(seccomp::lets_run(seccomp::evaluate(policy, call)));
  }
}
