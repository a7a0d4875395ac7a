// SPDX-License-Identifier: Apache-2.0
// The policy's words about system calls, given a meaning: names and groups become numbers, `when`
// becomes a condition, and for each call the rules come into their order of precedence.
#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/errno_name.h"
#include "base/text.h"
#include "plan/expand.h"
#include "plan/filter_rules.h"
#include "seccomp/evaluate.h"
#include "seccomp/groups.h"
#include "seccomp/syscall_table.h"
#include "seccomp/when.h"

namespace sbx::plan {
namespace {

using seccomp::Condition;
using seccomp::Mediation;
using seccomp::Purpose;
using seccomp::Rule;
using seccomp::Verdict;

// In a tie the stricter action wins.
enum class Strictness : std::uint8_t { Allow, Log, Errno, Deny, Kill };

struct Effect {
  seccomp::Action action;
  Mediation mediation = Mediation::Deny;
  bool kill = false;
  Strictness strictness = Strictness::Deny;
};

Result<Effect> read_action(const policy::Text& text) {
  const std::string& word = text.value;
  if (word == "allow") {
    return Effect{{Verdict::Allow, 0}, Mediation::Deny, false, Strictness::Allow};
  }
  if (word == "deny" || word == "notify") {
    return Effect{{Verdict::Notify, 0}, Mediation::Deny, false, Strictness::Deny};
  }
  if (word == "kill") {
    return Effect{{Verdict::Notify, 0}, Mediation::Deny, true, Strictness::Kill};
  }
  if (word == "log") {
    return Effect{{Verdict::Notify, 0}, Mediation::Log, false, Strictness::Log};
  }
  if (word == "pretend") {
    return Effect{{Verdict::Errno, 0}, Mediation::Deny, false, Strictness::Errno};
  }
  if (word.starts_with("errno(") && word.ends_with(")")) {
    const std::string name = word.substr(6, word.size() - 7);
    // ENOTSUP and the like are further names; 0 would be success, which has a word of its own.
    if (const auto value = errno_from_name(name); value && *value > 0 && *value <= 4095) {
      return Effect{{Verdict::Errno, static_cast<std::uint16_t>(*value)},
                    Mediation::Deny,
                    false,
                    Strictness::Errno};
    }
    return Error{fmt::format("unknown errno {} in action {}", quote(name), quote(word)), 0,
                 text.origin, "a name of errno(3), as errno(EACCES)"};
  }
  return Error{fmt::format("unknown action {}", quote(word)), 0, text.origin,
               "allow, deny, errno(NAME), pretend, kill, log or notify"};
}

Rule make_rule(const Effect& effect, const Origin& origin, std::string text) {
  Rule rule;
  rule.action = effect.action;
  rule.mediation = effect.mediation;
  rule.kill = effect.kill;
  rule.origin = origin;
  rule.text = std::move(text);
  return rule;
}

Error unknown_call(const std::string& name, const Origin& origin) {
  std::vector<std::string_view> known;
  const bool is_group = name.starts_with('@');
  if (is_group) {
    for (const seccomp::Group& group : seccomp::groups()) {
      known.push_back(group.name);
    }
  } else {
    known = seccomp::all_names(seccomp::Arch::X86_64);
    const auto more = seccomp::all_names(seccomp::Arch::Aarch64);
    known.insert(known.end(), more.begin(), more.end());
  }
  const auto near = nearest(name, known);
  return Error{
      fmt::format("unknown {} {}", is_group ? "group of system calls" : "system call", quote(name)),
      0, origin, near ? fmt::format("did you mean {}?", *near) : std::string{}};
}

Condition both(const Condition& one, const Condition& other) {
  if (one.kind == Condition::Kind::Always) {
    return other;
  }
  return other.kind == Condition::Kind::Always
             ? one
             : Condition{.kind = Condition::Kind::And, .test = {}, .operands = {one, other}};
}

// A rule without condition that stands for a call, and what it outranks.
struct Claim {
  std::size_t rule = 0;  // index into FilterBuilder::unconditional_
  // A call's own name before a group, then the later layer, then the stricter action.
  std::tuple<bool, int, Strictness> rank{};
};

struct ConditionalRule {
  int number = 0;
  int layer = 0;
  Strictness strictness = Strictness::Deny;
  Rule rule;
};

class FilterBuilder {
 public:
  FilterBuilder(const policy::Policy& policy, const HostFacts& facts)
      : policy_(policy),
        facts_(facts),
        arch_(facts.arch),
        claims_(static_cast<std::size_t>(seccomp::highest_number(facts.arch)) + 1) {}

  Result<seccomp::FilterSpec> build() {
    SBX_TRY(set_defaults());
    SBX_TRY(add_list("allow", policy_.allow));
    SBX_TRY(add_list("deny", policy_.deny));
    SBX_TRY(add_nested());
    for (const policy::LayeredRule& rule : policy_.rules) {
      SBX_TRY(add_rule(rule));
    }
    order_rules();
    auto families = family_rule(policy_);
    if (!families) {
      return std::move(families).error();
    }
    if (*families) {
      lay_over(**std::move(families));
    }
    for (OverlayRule& overlay : overlay_rules(policy_, facts_)) {
      lay_over(std::move(overlay));
    }
    return std::move(spec_);
  }

 private:
  Status set_defaults() {
    spec_.arch = arch_;
    auto effect = read_action(policy_.seccomp_default);
    if (!effect) {
      return std::move(effect).error();
    }
    spec_.denied = make_rule(*effect, default_origin(), "not in allow");
    spec_.denied.purpose = Purpose::Default;
    spec_.unknown.action = {Verdict::Errno, ENOSYS};
    spec_.unknown.denied_errno = ENOSYS;
    spec_.unknown.purpose = Purpose::Unknown;
    spec_.unknown.origin.source = "built in";
    spec_.unknown.text = "a call that this sbx does not know";
    spec_.foreign = spec_.unknown;
    spec_.foreign.action = {Verdict::Notify, 0};
    spec_.foreign.text = "another ABI than the machine's own";
    return {};
  }

  // Where a reader would add the missing call: beside the latest file's allowed ones.
  Origin default_origin() const {
    if (policy_.seccomp_default.origin.line == 0) {
      for (auto name = policy_.allow.rbegin(); name != policy_.allow.rend(); ++name) {
        if (name->origin.line > 0) {
          return name->origin;
        }
      }
    }
    return policy_.seccomp_default.origin;
  }

  // Every call that a word of the policy means; the word is a call's name or a group's.
  static Result<std::vector<std::string_view>> calls_of(const policy::Text& word) {
    if (const seccomp::Group* group = seccomp::find_group(word.value)) {
      return seccomp::expand_group(*group);
    }
    if (!seccomp::is_syscall_name(word.value)) {
      return unknown_call(word.value, word.origin);
    }
    return std::vector<std::string_view>{word.value};
  }

  void claim(std::string_view name, const Claim& claim) {
    // A call of another architecture only: nothing to do on this one.
    if (const auto number = seccomp::number_of(arch_, name)) {
      auto& held = claims_[static_cast<std::size_t>(*number)];
      if (!held || held->rank < claim.rank) {
        held = claim;
      }
    }
  }

  // Hot: a policy of a few groups names a thousand calls here.
  Status add_unconditional(const std::string& word, const Origin& origin, int layer,
                           const Effect& effect, std::string text) {
    unconditional_.push_back(make_rule(effect, origin, std::move(text)));
    const std::size_t index = unconditional_.size() - 1;
    if (const seccomp::Group* group = seccomp::find_group(word)) {
      for (const std::string_view name : seccomp::members_of(*group)) {
        claim(name, {index, {false, layer, effect.strictness}});
      }
      return {};
    }
    if (!seccomp::is_syscall_name(word)) {
      return unknown_call(word, origin);
    }
    claim(word, {index, {true, layer, effect.strictness}});
    return {};
  }

  Status add_list(const char* list, const std::vector<policy::LayeredName>& entries) {
    auto effect = read_action({list, {}});
    if (!effect) {
      return std::move(effect).error();
    }
    for (const policy::LayeredName& entry : entries) {
      SBX_TRY(add_unconditional(entry.value, entry.origin, entry.layer, *effect,
                                fmt::format("seccomp.{} = {}", list, entry.value)));
    }
    return {};
  }

  // namespaces.nested allows the two calls that make and enter namespaces; filter_rules leaves of
  // them the kinds that it names. A later layer's deny takes them away again.
  Status add_nested() {
    auto effect = read_action({"allow", {}});
    if (!effect) {
      return std::move(effect).error();
    }
    for (const policy::LayeredName& kind : policy_.nested) {
      for (const char* call : {"unshare", "setns"}) {
        SBX_TRY(add_unconditional(call, kind.origin, kind.layer, *effect,
                                  "namespaces.nested = " + kind.value));
      }
    }
    return {};
  }

  Status add_rule(const policy::LayeredRule& layered) {
    auto effect = read_action(layered.rule.action);
    if (!effect) {
      return std::move(effect).error();
    }
    for (const policy::Text& word : layered.rule.syscalls) {
      SBX_TRY(add_rule_for(word, layered, *effect));
    }
    return {};
  }

  Status add_rule_for(const policy::Text& word, const policy::LayeredRule& layered,
                      const Effect& effect) {
    const policy::SeccompRule& rule = layered.rule;
    if (rule.when.value.empty()) {
      return add_unconditional(word.value, word.origin, layered.layer, effect,
                               fmt::format("seccomp.rule: {} = {}", rule.action.value, word.value));
    }
    const auto calls = calls_of(word);
    if (!calls) {
      return calls.error();
    }
    for (const std::string_view name : *calls) {
      SBX_TRY(add_conditional(layered, name, effect));
    }
    return {};
  }

  Status add_conditional(const policy::LayeredRule& layered, std::string_view name,
                         const Effect& effect) {
    const policy::SeccompRule& rule = layered.rule;
    const auto number = seccomp::number_of(arch_, name);
    if (!number && seccomp::arguments_of(name).empty()) {
      return {};  // another architecture's, whose arguments have no names here
    }
    auto condition = seccomp::parse_when(rule.when.value, name, rule.when.origin);
    if (!condition) {
      return std::move(condition).error();
    }
    if (number) {
      ConditionalRule conditional{
          *number, layered.layer, effect.strictness,
          make_rule(effect, rule.origin,
                    fmt::format("seccomp.rule: {} when {}", rule.action.value, rule.when.value))};
      conditional.rule.condition = *std::move(condition);
      conditional_.push_back(std::move(conditional));
    }
    return {};
  }

  void order_rules() {
    std::stable_sort(conditional_.begin(), conditional_.end(),
                     [](const ConditionalRule& a, const ConditionalRule& b) {
                       return std::tie(a.number, b.layer, b.strictness) <
                              std::tie(b.number, a.layer, a.strictness);
                     });
    auto conditional = conditional_.begin();
    for (std::size_t i = 0; i < claims_.size(); ++i) {
      const int number = static_cast<int>(i);
      std::vector<Rule> rules;
      for (; conditional != conditional_.end() && conditional->number == number; ++conditional) {
        rules.push_back(std::move(conditional->rule));
      }
      if (claims_[i]) {
        rules.push_back(unconditional_[claims_[i]->rule]);
      } else if (!rules.empty()) {
        rules.push_back(spec_.denied);
      }
      if (!rules.empty()) {
        spec_.calls.emplace_hint(spec_.calls.end(), number, std::move(rules));
      }
    }
  }

  bool is_granted_by_name(int number) const {
    const auto& claim = claims_[static_cast<std::size_t>(number)];
    return claim && std::get<0>(claim->rank) && lets_run(unconditional_[claim->rule]);
  }

  void lay_over(OverlayRule overlay) {
    const auto number = seccomp::number_of(arch_, overlay.syscall);
    if (!number) {
      return;
    }
    if (overlay.overlay == Overlay::Before) {
      std::vector<Rule>& rules = spec_.calls[*number];
      if (rules.empty()) {
        rules.push_back(spec_.denied);
      }
      rules.insert(rules.begin(), std::move(overlay.rule));
      return;
    }
    const auto found = spec_.calls.find(*number);
    if (overlay.overlay == Overlay::Replace ||
        (overlay.overlay == Overlay::Forbid && found == spec_.calls.end())) {
      std::vector<Rule> rules;
      rules.push_back(std::move(overlay.rule));
      spec_.calls[*number] = std::move(rules);
      return;
    }
    if (found == spec_.calls.end()) {
      return;  // denied already
    }
    std::vector<Rule>& rules = found->second;
    switch (overlay.overlay) {
      case Overlay::First:
        if (std::any_of(rules.begin(), rules.end(), seccomp::lets_run)) {
          rules.insert(rules.begin(), std::move(overlay.rule));
        }
        break;
      case Overlay::Default:
        if (lets_run(rules.back())) {
          rules.insert(rules.end() - 1, std::move(overlay.rule));
        }
        break;
      case Overlay::Forbid:
        // modify_ldt is for emulators: a policy that names it means it.
        if (overlay.syscall == "modify_ldt" && is_granted_by_name(*number)) {
          break;
        }
        [[fallthrough]];
      case Overlay::Mediate:
        replace_grants(rules, overlay);
        break;
      case Overlay::Replace:
      case Overlay::Before:
        break;
    }
  }

  // A quiet errno that the policy chose stays: programs know it as the sign to do without.
  static void replace_grants(std::vector<Rule>& rules, const OverlayRule& overlay) {
    std::vector<Rule> replaced;
    for (Rule& rule : rules) {
      const bool is_default =
          overlay.overlay == Overlay::Forbid && rule.purpose == Purpose::Default;
      if (!lets_run(rule) && !is_default) {
        replaced.push_back(std::move(rule));
        continue;
      }
      Rule instead = overlay.rule;
      instead.condition = both(overlay.rule.condition, rule.condition);
      replaced.push_back(std::move(instead));
      if (overlay.rule.condition.kind != Condition::Kind::Always) {
        replaced.push_back(std::move(rule));  // for the calls that the overlay is not about
      }
    }
    rules = std::move(replaced);
  }

  const policy::Policy& policy_;
  const HostFacts& facts_;
  const seccomp::Arch arch_;
  seccomp::FilterSpec spec_;
  std::vector<Rule> unconditional_;
  std::vector<std::optional<Claim>> claims_;  // by call number
  std::vector<ConditionalRule> conditional_;
};

}  // namespace

Result<seccomp::FilterSpec> expand_filter(const policy::Policy& policy, const HostFacts& facts) {
  return FilterBuilder(policy, facts).build();
}

}  // namespace sbx::plan
