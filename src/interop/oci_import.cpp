// SPDX-License-Identifier: Apache-2.0
// A profile as a policy of sbx's. Each call is asked what runc's rules leave of it (oci_filter.cpp
// does the same by number; the proof holds the two against each other), and arguments are compared as
// wide as the kernel reads them, which closes the way round `!= 38` that upper bits are.
#include <algorithm>
#include <cerrno>
#include <map>

#include <fmt/format.h>

#include "base/errno_name.h"
#include "base/text.h"
#include "interop/oci_profile.h"
#include "seccomp/compile.h"
#include "seccomp/syscall_table.h"

namespace sbx::interop {
namespace {

using policy::Key;
using policy::Text;
using Kind = Finding::Kind;

// What an action has become in the policy's words.
struct Word {
  std::string action;  // "allow", "deny", "errno(ENOSYS)", "kill", "log"
  std::string change;  // what differs; empty: nothing
};

Word word_of(OciAction action, const std::optional<std::uint64_t>& value) {
  switch (action) {
    case OciAction::Allow:
      return {"allow", {}};
    case OciAction::Log:
      return {"log", "the supervisor tells of the call, not the kernel's log"};
    case OciAction::KillProcess:
      return {"kill", {}};
    case OciAction::KillThread:
      return {"kill", "the process ends, not the thread alone"};
    case OciAction::Trap:
      return {"kill", "the process ends; it cannot catch the SIGSYS"};
    case OciAction::Notify:
      return {"deny", "sbx's supervisor refuses the call: there is no other listener"};
    case OciAction::Trace:
      return {"errno(ENOSYS)", "no tracer is there: the answer is the kernel's, ENOSYS"};
    case OciAction::Errno:
      break;
  }
  const int number = errno_of(value);
  if (number == EPERM) {
    return {"deny", {}};
  }
  if (number == 0) {
    return {"pretend", {}};
  }
  const std::string name = errno_name(number);
  if (errno_from_name(name) != number) {
    return {"deny", fmt::format("errno {} has no name for a policy: EPERM", number)};
  }
  return {"errno(" + name + ")", {}};
}

// A test of OCI's, at the width that the kernel reads.
struct Reading {
  enum class Kind : std::uint8_t { Test, Always, Never, Address };
  Kind kind = Kind::Test;
  std::string text{};
  bool narrowed = false;
};

Reading plain(std::string text, bool narrowed) {
  return {Reading::Kind::Test, std::move(text), narrowed};
}

Reading constant(bool holds, bool narrowed) {
  return {holds ? Reading::Kind::Always : Reading::Kind::Never, {}, narrowed};
}

seccomp::ArgumentTest equality(std::size_t index, const seccomp::ArgumentInfo& info,
                               seccomp::Compare compare, std::uint64_t mask, std::uint64_t value) {
  seccomp::ArgumentTest test;
  test.argument = static_cast<std::uint8_t>(index);
  test.width = info.width;
  test.compare = compare;
  test.mask = mask;
  test.value = value;
  return test;
}

std::string text_of(const seccomp::ArgumentTest& test, const std::string& call) {
  return seccomp::to_text({.kind = seccomp::Condition::Kind::Test, .test = test, .operands = {}}, call);
}

Reading read_masked(const OciArgument& argument, const seccomp::ArgumentInfo& info,
                    std::uint64_t readable, const std::string& call) {
  const std::uint64_t mask = argument.value & readable;
  const std::uint64_t value = argument.value_two & argument.value;
  const bool narrowed = mask != argument.value;
  if ((value & ~readable) != 0) {
    return constant(false, narrowed);
  }
  if (mask == 0) {
    return constant(true, narrowed);
  }
  return plain(text_of(equality(argument.index, info, seccomp::Compare::Equal, mask, value), call),
               narrowed);
}

std::string_view operator_of(OciCompare compare) {
  switch (compare) {
    case OciCompare::Less:
      return "<";
    case OciCompare::LessEqual:
      return "<=";
    case OciCompare::GreaterEqual:
      return ">=";
    case OciCompare::Greater:
      return ">";
    case OciCompare::NotEqual:
    case OciCompare::Equal:
    case OciCompare::MaskedEqual:
      break;
  }
  return "==";
}

Reading read_test(const OciArgument& argument, const std::string& call) {
  const auto arguments = seccomp::arguments_of(call);
  seccomp::ArgumentInfo info;
  std::string name = fmt::format("arg{}", argument.index);
  if (argument.index < arguments.size()) {
    info = arguments[argument.index];
    name = info.name;
  }
  const std::uint64_t readable = info.mask & (info.width == 32 ? 0xffff'ffffull : ~0ull);
  const bool is_equality =
      argument.compare == OciCompare::Equal || argument.compare == OciCompare::NotEqual;
  if (info.is_pointer && !(is_equality && argument.value == 0)) {
    return {Reading::Kind::Address, {}, false};
  }
  if (argument.compare == OciCompare::MaskedEqual) {
    return read_masked(argument, info, readable, call);
  }
  const bool narrowed = readable != ~0ull;
  if ((argument.value & ~readable) != 0) {
    // Larger than any value that the kernel can see.
    return constant(argument.compare == OciCompare::NotEqual || argument.compare == OciCompare::Less ||
                        argument.compare == OciCompare::LessEqual,
                    narrowed);
  }
  if (is_equality) {
    const auto compare = argument.compare == OciCompare::Equal ? seccomp::Compare::Equal
                                                               : seccomp::Compare::NotEqual;
    return plain(text_of(equality(argument.index, info, compare, readable, argument.value), call),
                 narrowed);
  }
  // A masked argument has no sign, as OCI's have none.
  if (info.is_signed) {
    name += info.width == 32 ? " & 0xffffffff" : " & 0xffffffffffffffff";
  }
  return plain(fmt::format("{} {} {}", name, operator_of(argument.compare), argument.value), narrowed);
}

// A rule's condition for one call, as `when` has it.
struct When {
  std::vector<std::string> any;  // alternatives; empty: never
  bool always = false;
  bool narrowed = false;
  bool address = false;          // compares what a policy cannot
};

When when_of(const OciRule& rule, const std::string& call, Compat compat) {
  When when;
  when.always = rule.arguments.empty();
  std::uint32_t seen = 0;
  bool twice = false;
  std::vector<Reading> readings;
  for (const OciArgument& argument : rule.arguments) {
    twice = twice || (seen >> argument.index & 1) != 0;
    seen |= 1u << argument.index;
    readings.push_back(read_test(argument, call));
    when.narrowed = when.narrowed || readings.back().narrowed;
    when.address = when.address || readings.back().kind == Reading::Kind::Address;
  }
  if (when.address || when.always) {
    return when;
  }
  const bool any = twice && compat == Compat::Runc;
  std::vector<std::string> texts;
  bool decided = false;  // by a test that always holds (any), or never does (all)
  for (const Reading& reading : readings) {
    decided = decided || reading.kind == (any ? Reading::Kind::Always : Reading::Kind::Never);
    if (reading.kind == Reading::Kind::Test) {
      texts.push_back(reading.text);
    }
  }
  if (any) {
    when.always = decided;
    when.any = std::move(texts);
  } else if (!decided) {
    when.always = texts.empty();
    if (!texts.empty()) {
      when.any = {join(texts, " and ")};
    }
  }
  return when;
}

// "persona == 0", "persona == 8" → "persona in {0, 8}"; others are joined with or.
std::string join_any(const std::vector<std::string>& any) {
  constexpr std::string_view kEquals = " == ";
  std::vector<std::pair<std::string, std::vector<std::string>>> operands;  // and what each equals
  std::vector<std::string> parts;
  for (const std::string& one : any) {
    const std::size_t at = one.find(kEquals);
    const bool is_plain = at != std::string::npos && one.find(" and ") == std::string::npos &&
                          one.find(" | ") == std::string::npos;
    if (!is_plain) {
      operands.push_back({one, {}});
      continue;
    }
    const std::string operand = one.substr(0, at);
    const auto same = std::find_if(operands.begin(), operands.end(), [&](const auto& known) {
      return known.first == operand && !known.second.empty();
    });
    const std::string value = one.substr(at + kEquals.size());
    if (same == operands.end()) {
      operands.push_back({operand, {value}});
    } else {
      same->second.push_back(value);
    }
  }
  for (const auto& [operand, values] : operands) {
    parts.push_back(values.empty()       ? operand
                    : values.size() == 1 ? operand + " == " + values.front()
                                         : operand + " in {" + join(values, ", ") + "}");
  }
  return join(parts, " or ");
}

class Importer {
 public:
  Importer(const OciProfile& profile, const ImportRequest& request)
      : profile_(profile), request_(request) {}

  Import import() {
    set_default();
    for (std::size_t i = 0; i < profile_.rules.size(); ++i) {
      add_rule(i);
    }
    add_newer_calls();
    write_layer();
    report_rest();
    import_.filter = oci_filter(profile_, request_);
    return std::move(import_);
  }

 private:
  // As Chain of oci_filter.cpp, by name.
  struct Part {
    std::size_t rule;
    std::string when;    // empty: always
    std::string action;
    Origin origin;
  };
  struct Calls {
    std::vector<Part> conditional;
    std::optional<Part> always;
  };

  Origin at(int line) const { return Origin{profile_.source, line, 0}; }

  void find(Kind kind, std::string what, std::string becomes, std::string reason, int line) {
    import_.findings.push_back(
        {kind, std::move(what), std::move(becomes), std::move(reason), at(line)});
  }

  void set_default() {
    Word word = word_of(profile_.default_action, profile_.default_errno);
    if (word.action == "pretend") {
      word = {"deny", "a policy does not pretend by default that calls were made: EPERM"};
    }
    const std::string what = fmt::format("defaultAction {}", to_word(profile_.default_action));
    default_ = word.action;
    if (word.action == "allow" || word.action == "log") {
      find(Kind::Changed, what, "seccomp.allow = @known",
           "a call that this sbx does not know yet answers ENOSYS; a policy lists what it allows",
           profile_.default_line);
      return;
    }
    import_.layer.values[Key::SeccompDefault] = Text{word.action, at(profile_.default_line)};
    find(word.change.empty() ? Kind::Mapped : Kind::Changed, what, "seccomp.default = " + word.action,
         word.change, profile_.default_line);
  }

  std::string title(std::size_t index) const {
    const OciRule& rule = profile_.rules[index];
    const std::size_t more = rule.names.size() - 1;
    return fmt::format("syscalls[{}] {} {}{}", index, to_word(rule.action), rule.names.front(),
                       more > 0 ? fmt::format(" and {} more", more) : "");
  }

  void add_rule(std::size_t index) {
    const OciRule& rule = profile_.rules[index];
    if (const std::string reason = why_left_out(rule, request_); !reason.empty()) {
      find(Kind::Dropped, title(index), {}, reason, rule.line);
      return;
    }
    if (is_redundant(profile_, rule)) {
      find(Kind::Mapped, title(index), "seccomp.default", {}, rule.line);
      return;
    }
    const Word word = word_of(rule.action, rule.errno_value);
    std::vector<std::string> changes;
    if (!word.change.empty()) {
      changes.push_back(word.change);
    }
    if (rule.errno_value && rule.action != OciAction::Errno && rule.action != OciAction::Trace) {
      changes.emplace_back("errnoRet means nothing with this action");
    }
    std::vector<std::string> unknown;
    bool any = false;
    for (std::size_t i = 0; i < rule.names.size(); ++i) {
      const std::string& name = rule.names[i];
      if (!seccomp::is_syscall_name(name)) {
        unknown.push_back(name);
        continue;
      }
      any = add_call(index, i, word, changes) || any;
    }
    report_rule(index, word, std::move(changes), unknown, any);
  }

  static void note(std::vector<std::string>& changes, const std::string& change) {
    if (std::find(changes.begin(), changes.end(), change) == changes.end()) {
      changes.push_back(change);
    }
  }

  // False if nothing of the rule is left for this call.
  bool add_call(std::size_t index, std::size_t position, const Word& word,
                std::vector<std::string>& changes) {
    const OciRule& rule = profile_.rules[index];
    const std::string& name = rule.names[position];
    Calls& calls = calls_[name];
    if (calls.always) {
      note(changes, name + ": an earlier rule without arguments decides, as with libseccomp");
      return true;
    }
    When when = when_of(rule, name, request_.compat);
    if (when.narrowed) {
      note(changes, "arguments are compared as wide as the kernel reads them, not at 64 bits");
    }
    if (when.address) {
      if (word.action == "allow" || word.action == "log") {
        note(changes, name + ": left out, an address can only be compared with 0");
        return false;
      }
      note(changes, name + ": whatever the arguments, an address can only be compared with 0");
      when.always = true;
    }
    if (!when.always && when.any.empty()) {
      note(changes, name + ": no value that the kernel reads fits the condition");
      return false;
    }
    Part part{index, when.always ? "" : join_any(when.any), word.action,
              at(rule.name_lines[position])};
    if (when.always) {
      calls.conditional.clear();
      calls.always = std::move(part);
      return true;
    }
    const auto differs = [&](const Part& other) { return other.action != part.action; };
    if (std::any_of(calls.conditional.begin(), calls.conditional.end(), differs)) {
      note(changes, name + ": where several rules fit, the stricter action counts");
    }
    calls.conditional.push_back(std::move(part));
    return true;
  }

  void report_rule(std::size_t index, const Word& word, std::vector<std::string> changes,
                   const std::vector<std::string>& unknown, bool any) {
    const OciRule& rule = profile_.rules[index];
    if (twice_tested(rule)) {
      changes.emplace_back(request_.compat == Compat::Runc
                               ? "one argument is tested twice: any of the tests will do, as with runc"
                               : "one argument is tested twice: all of the tests must hold");
    }
    if (any) {
      const bool to_list = rule.arguments.empty() && (word.action == "allow" || word.action == "deny");
      find(changes.empty() ? Kind::Mapped : Kind::Changed, title(index),
           to_list ? "seccomp." + word.action : "seccomp.rule: " + word.action, join(changes, "; "),
           rule.line);
    } else if (unknown.size() < rule.names.size()) {
      find(Kind::Dropped, title(index), {}, join(changes, "; "), rule.line);
    }
    if (!unknown.empty()) {
      find(Kind::Dropped, join(unknown, ", "), {},
           "sbx knows no such call, and answers ENOSYS to what it does not know",
           rule.line);
    }
  }

  static bool twice_tested(const OciRule& rule) {
    std::uint32_t seen = 0;
    for (const OciArgument& argument : rule.arguments) {
      if ((seen >> argument.index & 1) != 0) {
        return true;
      }
      seen |= 1u << argument.index;
    }
    return false;
  }

  // runc answers ENOSYS to what is newer than everything that the profile names.
  void add_newer_calls() {
    const auto newest = newest_number(profile_, rules_that_apply(profile_, request_), request_.arch);
    if (!newest) {
      return;
    }
    for (int number = *newest + 1; number <= seccomp::highest_number(request_.arch); ++number) {
      if (const std::string_view name = seccomp::name_of(request_.arch, number); !name.empty()) {
        calls_[std::string(name)].always =
            Part{kNewer, {}, "errno(ENOSYS)", at(profile_.default_line)};
      }
    }
  }

  void write_layer() {
    policy::PolicyLayer& layer = import_.layer;
    layer.name = request_.name;
    layer.source = request_.source;
    const Origin whole = at(profile_.default_line);
    layer.values[Key::PolicyDescription] =
        Text{"imported from the seccomp profile " + request_.source, whole};
    layer.values[Key::SeccompInherit] = policy::Flag{false, whole};
    layer.values[Key::NetworkFamilies] = std::vector<Text>{};
    layer.values[Key::MemoryWx] = Text{"allow", whole};
    layer.values[Key::MemoryMemfd] = Text{"allow", whole};
    std::vector<Text> allow, deny;
    std::map<std::tuple<std::size_t, std::string, std::string>, policy::SeccompRule> rules;
    if (default_ == "allow") {
      allow.push_back({"@known", whole});
    } else if (default_ == "log") {
      rules[{0, "", "log"}] = {{{"@known", whole}}, {}, {"log", whole}, whole};
    }
    for (const auto& [name, calls] : calls_) {
      if (calls.always && (calls.always->action == "allow" || calls.always->action == "deny")) {
        (calls.always->action == "allow" ? allow : deny).push_back({name, calls.always->origin});
      } else if (calls.always) {
        add_to(rules, *calls.always, name);
      }
      for (const Part& part : joined(calls.conditional)) {
        add_to(rules, part, name);
      }
    }
    put(Key::SeccompAllow, std::move(allow));
    put(Key::SeccompDeny, std::move(deny));
    std::vector<policy::SeccompRule> list;
    for (auto& [key, rule] : rules) {
      list.push_back(std::move(rule));
      const std::size_t index = std::get<0>(key);
      import_.comments.rules.push_back(index == kNewer ? kNewerComment
                                       : index < profile_.rules.size()
                                           ? profile_.rules[index].comment
                                           : std::string());
    }
    if (!list.empty()) {
      layer.values[Key::SeccompRules] = std::move(list);
    }
    write_comments();
  }

  // Rules of one call with the same action, as one; several where a condition would get too long for
  // seccomp/when.h.
  static std::vector<Part> joined(const std::vector<Part>& parts) {
    constexpr std::size_t kLongest = 2000;
    struct Group {
      Part part;
      std::vector<std::string> whens;
      std::size_t length = 0;
    };
    std::vector<Group> groups;
    std::map<std::string, std::size_t> open;  // action → group
    for (const Part& part : parts) {
      const auto found = open.find(part.action);
      if (found == open.end() || groups[found->second].length + part.when.size() > kLongest) {
        open[part.action] = groups.size();
        groups.push_back({part, {}, 0});
      }
      Group& group = groups[open[part.action]];
      group.whens.push_back(part.when);
      group.length += part.when.size() + 4;
    }
    std::vector<Part> joined;
    for (Group& group : groups) {
      group.part.when = join_any(group.whens);
      joined.push_back(std::move(group.part));
    }
    return joined;
  }

  template <typename Rules>
  static void add_to(Rules& rules, const Part& part, const std::string& name) {
    policy::SeccompRule& rule = rules[{part.rule, part.when, part.action}];
    rule.syscalls.push_back({name, part.origin});
    rule.when = {part.when, part.origin};
    rule.action = {part.action, part.origin};
    rule.origin = part.origin;
  }

  void put(Key key, std::vector<Text> names) {
    if (!names.empty()) {
      import_.layer.values[key] = std::move(names);
    }
  }

  void write_comments() {
    import_.comments.title =
        "What the seccomp profile " + request_.source +
        " says about system calls, and nothing else: files, network, limits are those of every launch, "
        "and for you to say.\n\nsbx's own rules stay on top: no nested namespaces, no setuid bits, no "
        "input into the caller's terminal, no other ABI.";
    import_.comments.keys[Key::NetworkFamilies] = "The profile decides about sockets, alone.";
    import_.comments.keys[Key::SeccompInherit] = "Complete in itself: nothing is added from base.";
    import_.comments.keys[Key::MemoryWx] =
        "As the profile has it. Take this table out for sbx's default, under which nothing writable "
        "is executable.";
  }

  void report_rest() {
    std::vector<std::string> others = profile_.architectures;
    for (const auto& entry : profile_.arch_map) {
      if (entry.main == oci_architecture(request_.arch)) {
        others.insert(others.end(), entry.others.begin(), entry.others.end());
      }
    }
    others.erase(std::remove(others.begin(), others.end(), oci_architecture(request_.arch)),
                 others.end());
    if (!others.empty()) {
      find(Kind::Changed, (profile_.arch_map.empty() ? "architectures " : "archMap ") + join(others, ", "),
           "refused", "sbx lets calls in through the machine's own ABI alone", 0);
    }
    for (const std::string& flag : profile_.flags) {
      const bool is_ours = flag == "SECCOMP_FILTER_FLAG_TSYNC" ||
                           flag == "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV";
      find(is_ours ? Kind::Mapped : Kind::Dropped, flag, is_ours ? "what sbx does anyway" : "",
           is_ours ? "" : "sbx tells of what it denies itself, and leaves speculation as the kernel has it",
           0);
    }
    if (!profile_.listener_path.empty()) {
      find(Kind::Dropped, "listenerPath " + profile_.listener_path, {},
           "sbx's own supervisor answers what a filter cannot", 0);
    }
    import_.findings.insert(import_.findings.end(), profile_.unused.begin(), profile_.unused.end());
  }

  static constexpr std::size_t kNewer = ~std::size_t{0};
  static constexpr const char* kNewerComment =
      "Newer than all that the profile names: the answer of a kernel without them, as runc gives it.";

  const OciProfile& profile_;
  const ImportRequest& request_;
  Import import_;
  std::string default_;
  std::map<std::string, Calls> calls_;
};

}  // namespace

Result<Import> import_oci(const ImportRequest& request) {
  const auto profile = read_oci(request.text, request.source);
  if (!profile) {
    return profile.error();
  }
  return Importer(*profile, request).import();
}

}  // namespace sbx::interop
