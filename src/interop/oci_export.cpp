// SPDX-License-Identifier: Apache-2.0
// What a plan's filter decides, as a profile that engines read. Conditions become cubes (cubes.h), so
// that each rule tests each argument once and nothing depends on how an engine joins rules.
#include <algorithm>
#include <cerrno>
#include <map>

#include <fmt/format.h>

#include "base/errno_name.h"
#include "interop/cubes.h"
#include "interop/oci_profile.h"
#include "plan/answer.h"
#include "seccomp/evaluate.h"
#include "seccomp/syscall_table.h"

namespace sbx::interop {
namespace {

using plan::Answer;
using seccomp::Rule;
using Kind = Finding::Kind;

constexpr std::size_t kMostCubes = 512;  // of one call
// What an engine does between the filter and the program (runc 1.1, by trace). The first row opens
// nothing that a program would not have anyway, and is added; a policy without the second is one that
// runc cannot start.
constexpr std::string_view kEngine[] = {"execve", "close", "futex", "getpid", "fstatfs", "getdents64"};
constexpr std::string_view kEngineNeeds[] = {"openat", "write"};

struct Decision {
  OciAction action = OciAction::Errno;
  std::uint16_t errno_value = 0;

  friend auto operator<=>(const Decision&, const Decision&) = default;
};

Decision decision_of(const Rule& rule, plan::OnViolation on_violation) {
  const Answer answer = plan::answer_to(rule, on_violation);
  switch (answer.kind) {
    case Answer::Kind::Run:
    case Answer::Kind::Supervised:
      return {OciAction::Allow, 0};
    case Answer::Kind::RunTold:
      return {OciAction::Log, 0};
    case Answer::Kind::Fail:
      return {OciAction::Errno, static_cast<std::uint16_t>(answer.errno_value)};
    case Answer::Kind::Kill:
      break;
  }
  return {OciAction::KillProcess, 0};
}

std::vector<OciArgument> arguments_of(const Cube& cube) {
  std::vector<OciArgument> arguments;
  for (std::size_t i = 0; i < cube.arguments.size(); ++i) {
    const Cube::Bits& bits = cube.arguments[i];
    const auto index = static_cast<std::uint8_t>(i);
    if (bits.mask == ~0ull) {
      arguments.push_back({index, OciCompare::Equal, bits.value, 0});
    } else if (bits.mask != 0) {
      arguments.push_back({index, OciCompare::MaskedEqual, bits.mask, bits.value});
    }
  }
  return arguments;
}

class Exporter {
 public:
  Exporter(const plan::LaunchPlan& plan, std::vector<Finding>& lost) : plan_(plan), lost_(lost) {}

  OciProfile profile() {
    const seccomp::FilterSpec& spec = plan_.filter;
    default_ = decision_of(spec.denied, plan_.on_violation);
    profile_.default_action = default_.action;
    if (default_.action == OciAction::Errno) {
      profile_.default_errno = default_.errno_value;
    }
    profile_.architectures = {std::string(oci_architecture(spec.arch))};
    for (const auto& [number, rules] : spec.calls) {
      if (const std::string_view name = seccomp::name_of(spec.arch, number); !name.empty()) {
        add_call(std::string(name), rules);
      }
    }
    start_of_a_program();
    for (auto& [key, names] : whole_) {
      add_rule(key, std::move(names), {});
    }
    for (auto& [key, names] : parts_) {
      add_rule(key.first, std::move(names), key.second);
    }
    name_the_newest();
    report();
    return std::move(profile_);
  }

 private:
  using CubeKey = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

  // Each rule decides what it holds for and no earlier rule with another answer does.
  void add_call(const std::string& name, const std::vector<Rule>& rules) {
    std::vector<std::pair<Decision, seccomp::Condition>> earlier;
    std::map<Decision, Cubes> decided;
    for (const Rule& rule : rules) {
      note(name, rule);
      if (is_gate(rule)) {
        continue;
      }
      const Decision decision = decision_of(rule, plan_.on_violation);
      seccomp::Condition reached{.kind = seccomp::Condition::Kind::And, .test = {}, .operands = {}};
      reached.operands.push_back(rule.condition);
      for (const auto& [other, condition] : earlier) {
        if (other != decision) {
          reached.operands.push_back({.kind = seccomp::Condition::Kind::Not, .test = {}, .operands = {condition}});
        }
      }
      earlier.emplace_back(decision, rule.condition);
      if (decision == default_) {
        continue;
      }
      const auto cubes = cubes_of(reached, false, kMostCubes);
      if (!cubes) {
        lost_.push_back({Kind::Changed, name, "the default",
                         "its rules come to more cases than a profile can list", rule.origin});
        return;
      }
      Cubes& all = decided[decision];
      all.insert(all.end(), cubes->begin(), cubes->end());
    }
    for (const auto& [decision, cubes] : decided) {
      for (const Cube& cube : cubes) {
        add_cube(name, decision, cube);
      }
    }
  }

  void add_cube(const std::string& name, const Decision& decision, const Cube& cube) {
    CubeKey key;
    bool whole = true;
    for (const Cube::Bits& bits : cube.arguments) {
      key.emplace_back(bits.mask, bits.value);
      whole = whole && bits.mask == 0;
    }
    if (whole) {
      whole_[decision].push_back(name);
      return;
    }
    parts_[{decision, key}].push_back(name);
  }

  void add_rule(const Decision& decision, std::vector<std::string> names, const CubeKey& key) {
    OciRule rule;
    std::sort(names.begin(), names.end());
    rule.names = std::move(names);
    rule.action = decision.action;
    if (decision.action == OciAction::Errno) {
      rule.errno_value = decision.errno_value;
    }
    if (!key.empty()) {
      Cube cube;
      for (std::size_t i = 0; i < key.size(); ++i) {
        cube.arguments[i] = {key[i].first, key[i].second};
      }
      rule.arguments = arguments_of(cube);
    }
    profile_.rules.push_back(std::move(rule));
  }

  // The mark of the launch's own call means nothing to an engine.
  static bool is_gate(const Rule& rule) {
    return rule.condition.kind == seccomp::Condition::Kind::Test &&
           rule.condition.test.value == plan::kLaunchMark;
  }

  void note(const std::string& name, const Rule& rule) {
    const Answer answer = plan::answer_to(rule, plan_.on_violation);
    if (answer.kind == Answer::Kind::Supervised) {
      lost_.push_back({Kind::Changed, rule.text.str() + ": " + name, "allowed",
                       "the address is in memory, which no filter reads: hold the container's network "
                       "to it",
                       rule.origin});
    }
    if (rule.condition.kind == seccomp::Condition::Kind::Test &&
        rule.condition.test.argument == seccomp::kInstructionPointer) {
      lost_.push_back({Kind::Dropped, rule.text.str() + ": " + name, {},
                       "a profile cannot ask where a call comes from", rule.origin});
    }
  }

  // An engine starts the program when the filter is on already.
  void start_of_a_program() {
    for (const std::string_view call : kEngine) {
      const auto rules = rules_of(call);
      if (rules.empty() || seccomp::lets_run(rules.back())) {
        continue;
      }
      lost_.push_back({Kind::Changed, std::string(call), "allowed",
                       call == "execve" ? "the engine executes the program under this filter; sbx lets the "
                                          "first one by and no other"
                                        : "the engine makes the call before it executes the program",
                       rules.back().origin});
      for (auto& [decision, names] : whole_) {
        names.erase(std::remove(names.begin(), names.end(), call), names.end());
      }
      whole_[{OciAction::Allow, 0}].emplace_back(call);
    }
    for (const std::string_view call : kEngineNeeds) {
      const auto rules = rules_of(call);
      if (!rules.empty() && !seccomp::lets_run(rules.back())) {
        lost_.push_back({Kind::Dropped, "starting a program with runc", {},
                         fmt::format("runc calls {} under the filter, and the policy refuses it", call),
                         rules.back().origin});
      }
    }
    std::erase_if(whole_, [](const auto& entry) { return entry.second.empty(); });
  }

  std::vector<Rule> rules_of(std::string_view call) const {
    const auto number = seccomp::number_of(plan_.filter.arch, call);
    return number ? seccomp::rules_for(plan_.filter, *number) : std::vector<Rule>{};
  }

  // runc answers ENOSYS above the newest name that a profile has, as sbx does above its own table.
  void name_the_newest() {
    const int newest = seccomp::highest_number(plan_.filter.arch);
    const std::string name(seccomp::name_of(plan_.filter.arch, newest));
    const bool named = std::any_of(
        profile_.rules.begin(), profile_.rules.end(), [&](const OciRule& rule) {
          return std::find(rule.names.begin(), rule.names.end(), name) != rule.names.end();
        });
    if (!named) {
      OciRule rule;
      rule.names = {name};
      rule.action = default_.action;
      rule.errno_value = profile_.default_errno;
      rule.comment = "the newest call that is decided about; runc answers ENOSYS to newer ones";
      profile_.rules.push_back(std::move(rule));
    }
  }

  void report() {
    const auto drop = [this](std::string what, std::string reason) {
      lost_.push_back({Kind::Dropped, std::move(what), {}, std::move(reason), {}});
    };
    lost_.push_back({Kind::Changed, "another ABI (i386, x32)", "the engine ends the thread",
                     "sbx tells of it and answers ENOSYS; a profile has no word for that", {}});
    drop(fmt::format("files: {} mounts, Landlock", plan_.mounts.size()),
         "a profile says nothing of files: give the container its mounts, read-only where possible");
    if (plan_.own_network || !plan_.publish.empty()) {
      drop("network", "a profile says nothing of networks: use the engine's");
    }
    drop("capabilities, no_new_privs, limits, environment",
         "not part of a profile: drop all capabilities, and set what the policy limits");
    if (plan_.mdwe) {
      drop("memory.wx beyond the filter",
           "the kernel's MDWE and noexec mounts are not the filter's; its part of W^X is there");
    }
    drop("reports of denied calls", "there is no supervisor that tells of them");
  }

  const plan::LaunchPlan& plan_;
  std::vector<Finding>& lost_;
  OciProfile profile_;
  Decision default_;
  std::map<Decision, std::vector<std::string>> whole_;
  std::map<std::pair<Decision, CubeKey>, std::vector<std::string>> parts_;
};

Json strings(const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const std::string& text : texts) {
    list.items.push_back(Json::string(text));
  }
  return list;
}

Json rule_json(const OciRule& rule, bool docker) {
  Json json = Json::object();
  json.set("names", strings(rule.names));
  json.set("action", Json::string(to_word(rule.action)));
  if (rule.errno_value) {
    json.set("errnoRet", Json::number(*rule.errno_value));
  }
  if (!rule.arguments.empty()) {
    Json list = Json::array();
    for (const OciArgument& argument : rule.arguments) {
      Json one = Json::object();
      one.set("index", Json::number(argument.index));
      one.set("value", Json::number(argument.value));
      if (argument.compare == OciCompare::MaskedEqual) {
        one.set("valueTwo", Json::number(argument.value_two));
      }
      one.set("op", Json::string(to_word(argument.compare)));
      list.items.push_back(std::move(one));
    }
    json.set("args", std::move(list));
  }
  if (docker && !rule.comment.empty()) {
    json.set("comment", Json::string(rule.comment));
  }
  return json;
}

}  // namespace

Json profile_json(const OciProfile& profile, bool docker) {
  Json json = Json::object();
  json.set("defaultAction", Json::string(to_word(profile.default_action)));
  if (profile.default_errno) {
    json.set("defaultErrnoRet", Json::number(*profile.default_errno));
  }
  if (docker) {
    Json entry = Json::object();
    entry.set("architecture", Json::string(profile.architectures.front()));
    entry.set("subArchitectures", Json::array());
    Json map = Json::array();
    map.items.push_back(std::move(entry));
    json.set("archMap", std::move(map));
  } else {
    json.set("architectures", strings(profile.architectures));
  }
  Json rules = Json::array();
  for (const OciRule& rule : profile.rules) {
    rules.items.push_back(rule_json(rule, docker));
  }
  json.set("syscalls", std::move(rules));
  return json;
}

Result<seccomp::FilterSpec> read_back(std::string_view text, const ExportRequest& request) {
  ImportRequest back;
  back.text = text;
  back.source = request.output.empty() ? "the profile" : request.output;
  back.arch = request.plan.filter.arch;
  const auto profile = read_oci(back.text, back.source);
  if (!profile) {
    return profile.error();
  }
  return oci_filter(*profile, back);
}

namespace {

Result<Export> write_profile(const ExportRequest& request, bool docker) {
  Export written;
  const OciProfile profile = export_profile(request.plan, written.lost);
  constexpr std::size_t kWidth = 100;
  written.text = write_json(profile_json(profile, docker), kWidth) + "\n";
  auto filter = read_back(written.text, request);
  if (!filter) {
    return std::move(filter).error();
  }
  written.filter = *std::move(filter);
  return written;
}

}  // namespace

OciProfile export_profile(const plan::LaunchPlan& plan, std::vector<Finding>& lost) {
  return Exporter(plan, lost).profile();
}

Result<Export> export_oci(const ExportRequest& request) {
  return write_profile(request, false);
}

Result<Export> export_docker(const ExportRequest& request) {
  return write_profile(request, true);
}

}  // namespace sbx::interop
