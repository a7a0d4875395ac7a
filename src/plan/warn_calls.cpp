// SPDX-License-Identifier: Apache-2.0
// Warnings about system calls, read off the finished filter: which rule decides which call there is
// the truth, whatever the lists of the policy say.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "base/text.h"
#include "plan/expand.h"
#include "plan/warn.h"
#include "seccomp/call_classes.h"
#include "seccomp/dangerous_calls.h"
#include "seccomp/evaluate.h"
#include "seccomp/groups.h"
#include "seccomp/syscall_table.h"

namespace sbx::plan {
namespace {

using policy::Caution;
using seccomp::Condition;
using seccomp::Purpose;
using seccomp::Rule;

using Line = std::tuple<std::string, int, int>;

Line line_of(const Origin& origin) {
  return {origin.source.str(), origin.line, origin.column};
}

std::string placed(const Origin& origin) {
  return to_text(origin).empty() ? std::string() : " [" + to_text(origin) + "]";
}

// "seccomp.allow = @basic-io [base.toml:7]"
std::string described(const Rule& rule) {
  return rule.text.str() + placed(rule.origin);
}

// What sbx decides of itself, beside what the policy says.
bool is_laid_over(const Rule& rule) {
  const bool is_built_in = rule.purpose == Purpose::Policy && rule.origin.source == "built in";
  return is_built_in || rule.purpose == Purpose::WriteExec ||
         rule.purpose == Purpose::Namespaces || rule.purpose == Purpose::Launch ||
         rule.purpose == Purpose::PretendUid;
}

// A [[seccomp.rule]] with a condition, and what became of it over all of its calls.
struct Fate {
  const policy::LayeredRule* rule = nullptr;
  bool is_asked = false;      // some call's list has it
  bool can_match = false;     // its condition can hold, for some call
  bool can_decide = false;    // and the rules before it leave something
  const Rule* hider = nullptr;  // the rule that decides in its place
  bool several_hide = false;    // not one, but several together
};

// An entry of allow, deny or an unconditional rule.
struct Entry {
  std::string word;
  Origin origin{};
  int layer = 0;
  std::string text;  // "seccomp.allow = read"
  bool allows = false;
};

class CallWarnings {
 public:
  CallWarnings(const Examined& examined, Warnings& warnings)
      : examined_(examined), warnings_(warnings) {}

  void find() {
    warn_of_dangerous();
    warn_of_conditions();
    warn_of_entries();
    warn_of_redundant();
  }

 private:
  void warn_of_dangerous() {
    struct Grant {
      const Rule* rule;
      std::vector<std::string> calls;
      std::string_view reason;
    };
    std::map<Line, Grant> grants;
    for (const seccomp::DangerousCall& call : seccomp::dangerous_calls()) {
      const std::vector<Rule>* rules = rules_of(call.name);
      if (rules != nullptr && seccomp::lets_run(rules->back())) {
        const Rule& rule = rules->back();
        Grant& grant =
            grants.try_emplace(line_of(rule.origin), Grant{&rule, {}, call.reason}).first->second;
        grant.calls.emplace_back(call.name);
      }
    }
    for (const auto& [line, grant] : grants) {
      // A call by its own name needs not be named twice.
      const bool is_named = grant.calls.size() == 1 && grant.rule->text.str().ends_with(grant.calls[0]);
      warnings_.push_back(
          {Caution::DangerousCall,
           is_named ? fmt::format("{}: {}", grant.rule->text.str(), grant.reason)
                    : fmt::format("{} allows {}", grant.rule->text.str(), shortened(grant.calls, 6)),
           grant.rule->origin,
           is_named ? "few programs need it; give it a condition, or take it out"
                    : fmt::format("{}: {}; seccomp.deny = [{}] takes a call out", grant.calls[0],
                                  grant.reason, quote(grant.calls[0]))});
    }
  }

  void warn_of_conditions() {
    std::map<Line, Fate> fates;
    for (const policy::LayeredRule& layered : examined_.policy.rules) {
      if (!layered.rule.when.value.empty()) {
        fates[line_of(layered.rule.origin)].rule = &layered;
      }
    }
    for (const auto& [number, rules] : examined_.filter.calls) {
      judge(number, rules, fates);
    }
    for (const auto& [line, fate] : fates) {
      warn_of_fate(fate);
    }
  }

  // Which rules of a call can hold, and which can decide, over all kinds of calls there are.
  void judge(int number, const std::vector<Rule>& rules, std::map<Line, Fate>& fates) const {
    std::vector<std::pair<const Rule*, Fate*>> judged;
    for (const Rule& rule : rules) {
      const auto fate = fates.find(line_of(rule.origin));
      if (fate != fates.end() && rule.condition.kind != Condition::Kind::Always) {
        fate->second.is_asked = true;
        judged.emplace_back(&rule, &fate->second);
      }
    }
    if (judged.empty()) {
      return;
    }
    const seccomp::CallClasses classes(examined_.filter.arch, number, {&rules});
    for (const seccomp_data& call : classes.calls()) {
      const Rule& decides = seccomp::first_match(rules, call);
      for (const auto& [rule, fate] : judged) {
        if (seccomp::holds(rule->condition, call)) {
          fate->can_match = true;
          note_decision(*rule, decides, *fate);
        }
      }
    }
    for (const auto& [rule, fate] : judged) {
      // Nothing can be said of the calls that were not tried.
      fate->can_match = fate->can_match || !classes.is_complete();
      fate->can_decide = fate->can_decide || !classes.is_complete();
    }
  }

  static void note_decision(const Rule& rule, const Rule& decides, Fate& fate) {
    // What sbx denies anyway may well be denied once more.
    if (&decides == &rule || (is_laid_over(decides) && decides.action == rule.action)) {
      fate.can_decide = true;
    } else if (fate.hider == nullptr) {
      fate.hider = &decides;
    } else if (line_of(fate.hider->origin) != line_of(decides.origin)) {
      fate.several_hide = true;
    }
  }

  void warn_of_fate(const Fate& fate) {
    const policy::SeccompRule& rule = fate.rule->rule;
    const std::string calls = called(rule);
    const bool is_own = examined_.is_own(fate.rule->layer);
    if (fate.can_decide) {
      return;
    }
    if (!fate.is_asked) {
      warn_of_overruled(rule, is_own);
    } else if (!fate.can_match) {
      warnings_.push_back({Caution::RuleNeverMatches,
                           fmt::format("no {} can satisfy {}", calls, quote(rule.when.value)),
                           rule.when.origin,
                           fmt::format("`sbx syscall {}` tells the arguments and their widths",
                                       rule.syscalls.front().value)});
    } else if (is_own || (!fate.several_hide &&
                          examined_.layer_of(fate.hider->origin) == fate.rule->layer)) {
      warnings_.push_back(
          {Caution::RuleHidden,
           fmt::format("the rule about {} when {} decides nothing", calls, quote(rule.when.value)),
           rule.origin,
           fate.several_hide ? "the rules before it together match all that it matches"
                             : "before it comes " + described(*fate.hider)});
    }
  }

  // Every call of the rule has been answered by sbx itself.
  void warn_of_overruled(const policy::SeccompRule& rule, bool is_own) {
    for (const policy::Text& word : rule.syscalls) {
      const std::vector<Rule>* rules = rules_of(word.value);
      if (is_own && rules != nullptr && is_laid_over(rules->back())) {
        warn_no_effect("the rule about " + called(rule), rules->back(), rule.origin);
        return;
      }
    }
  }

  void warn_no_effect(const std::string& what, const Rule& deciding, const Origin& origin) {
    warnings_.push_back({Caution::NoEffect, what + " has no effect", origin,
                         fmt::format("{} decides the call", described(deciding))});
  }

  std::vector<Entry> entries() const {
    std::vector<Entry> all;
    const auto add = [&](const char* list, const std::vector<policy::LayeredName>& names,
                         bool allows) {
      for (const policy::LayeredName& name : names) {
        all.push_back({name.value, name.origin, name.layer,
                       fmt::format("seccomp.{} = {}", list, name.value), allows});
      }
    };
    add("allow", examined_.policy.allow, true);
    add("deny", examined_.policy.deny, false);
    for (const policy::LayeredRule& layered : examined_.policy.rules) {
      for (const policy::Text& word : layered.rule.syscalls) {
        if (layered.rule.when.value.empty()) {
          all.push_back({word.value, word.origin, layered.layer,
                         fmt::format("seccomp.rule: {} = {}", layered.rule.action.value, word.value),
                         layered.rule.action.value == "allow"});
        }
      }
    }
    return all;
  }

  void warn_of_entries() {
    std::set<Line> deciding;
    for (const auto& [number, rules] : examined_.filter.calls) {
      for (const Rule& rule : rules) {
        if (rule.purpose != Purpose::Default) {  // that one only leads to where an entry could stand
          deciding.insert(line_of(rule.origin));
        }
      }
    }
    for (const Entry& entry : entries()) {
      if (examined_.is_own(entry.layer) && !deciding.contains(line_of(entry.origin))) {
        warn_of_entry(entry);
      }
    }
  }

  void warn_of_entry(const Entry& entry) {
    const bool is_group = entry.word.starts_with('@');
    for (const std::string_view call : calls_of(entry.word)) {
      const std::vector<Rule>* rules = rules_of(call);
      if (rules == nullptr) {
        continue;  // another architecture's
      }
      const Rule& decides = rules->back();
      // A group under names of its own list: the names are what is too much.
      if (is_group && decides.purpose == Purpose::Policy && seccomp::lets_run(decides) == entry.allows &&
          examined_.layer_of(decides.origin) == entry.layer && decides.text.str().find('@') == std::string::npos) {
        return;
      }
      if (!is_laid_over(decides) && decides.purpose != Purpose::Publish) {
        warnings_.push_back({Caution::HiddenEntry, entry.text + " decides nothing", entry.origin,
                             fmt::format("{} is decided by {}", call, described(decides))});
      } else if (!is_group && is_laid_over(decides) &&
                 entry.allows != seccomp::lets_run(decides)) {
        warn_no_effect(entry.text, decides, entry.origin);
      }
      return;
    }
  }

  // Names that a group of the same list has. A name outranks the denial of a group, so what counts
  // is whether the filter is the same without it.
  void warn_of_redundant() {
    const std::vector<policy::LayeredName>& allow = examined_.policy.allow;
    for (std::size_t i = 0; i < allow.size(); ++i) {
      const policy::LayeredName& name = allow[i];
      if (name.value.starts_with('@') || !examined_.is_own(name.layer)) {
        continue;
      }
      const auto group = std::find_if(allow.begin(), allow.end(), [&](const auto& other) {
        return other.layer == name.layer && other.value.starts_with('@') &&
               has(calls_of(other.value), name.value);
      });
      if (group != allow.end() && is_same_without(i)) {
        warnings_.push_back({Caution::RedundantAllow,
                             fmt::format("seccomp.allow = {} is in {} already", name.value,
                                         group->value),
                             name.origin, "take it out"});
      }
    }
  }

  bool is_same_without(std::size_t index) const {
    policy::Policy without = examined_.policy;
    const std::string name = without.allow[index].value;
    without.allow.erase(without.allow.begin() + static_cast<std::ptrdiff_t>(index));
    const auto filter = expand_filter(without, examined_.facts);
    const std::vector<Rule>* before = rules_of(name);
    const auto number = seccomp::number_of(examined_.filter.arch, name);
    if (!filter || before == nullptr || !number) {
      return false;
    }
    const auto after = filter->calls.find(*number);
    return after != filter->calls.end() &&
           std::equal(before->begin(), before->end(), after->second.begin(), after->second.end(),
                      [](const Rule& one, const Rule& other) {
                        return one.condition == other.condition && one.action == other.action &&
                               one.mediation == other.mediation;
                      });
  }

  static bool has(const std::vector<std::string_view>& calls, std::string_view call) {
    return std::find(calls.begin(), calls.end(), call) != calls.end();
  }

  static std::vector<std::string_view> calls_of(std::string_view word) {
    const seccomp::Group* group = seccomp::find_group(word);
    return group != nullptr ? seccomp::expand_group(*group) : std::vector<std::string_view>{word};
  }

  static std::string called(const policy::SeccompRule& rule) {
    std::vector<std::string> words;
    for (const policy::Text& word : rule.syscalls) {
      words.push_back(word.value);
    }
    return shortened(words);
  }

  const std::vector<Rule>* rules_of(std::string_view call) const {
    return plan::rules_of(examined_.filter, call);
  }

  const Examined& examined_;
  Warnings& warnings_;
};

}  // namespace

void warn_of_calls(const Examined& examined, Warnings& warnings) {
  CallWarnings(examined, warnings).find();
}

}  // namespace sbx::plan
