// SPDX-License-Identifier: Apache-2.0
#include "cli/parse.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/run_layer.h"

namespace sbx::cli {
namespace {

std::string names_of(const OptionInfo& option) {
  std::string names(option.name);
  if (!option.short_name.empty()) {
    names.append(",").append(option.short_name);
  }
  return names;
}

// Values are taken one word at a time and as they are: CLI11 would split "[a,b]" and take further
// words where extra arguments are allowed.
CLI::Option* add(CLI::App& app, const OptionInfo& option) {
  if (option.value.empty()) {
    return app.add_flag(names_of(option))->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
  return app.add_option(names_of(option))
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

std::string help_hint(Verb verb) {
  return "see sbx " + std::string(info(verb).name) + " --help";
}

// The options in the order in which they were given. Only those that are named are built: all of
// them would cost every launch 30 µs.
Result<std::vector<GivenOption>> parse_options(Verb verb, Arguments split) {
  std::vector<GivenOption> given;
  if (split.named.empty()) {
    return given;
  }
  std::vector<std::string>& words = split.options;
  try {
    CLI::App app;
    app.set_help_flag();
    std::map<const CLI::Option*, const OptionInfo*> infos;
    for (const OptionInfo* option : split.named) {
      infos[add(app, *option)] = option;
    }
    std::reverse(words.begin(), words.end());  // CLI11 takes the first word from the back
    app.parse(std::move(words));
    std::map<const CLI::Option*, std::size_t> used;
    for (const CLI::Option* option : app.parse_order()) {
      const OptionInfo& known = *infos.at(option);
      const std::size_t index = used[option]++;
      const bool is_flag = known.value.empty();
      given.push_back({known.option, is_flag ? std::string() : option->results().at(index)});
    }
  } catch (const std::exception& error) {
    return Error{.action = std::string("cannot read the options: ") + error.what(),
                 .hint = help_hint(verb)};
  }
  return given;
}

// A scalar given twice would silently lose one of its values.
Status refuse_repeated(Verb verb, const std::vector<GivenOption>& given) {
  for (auto one = given.begin(); one != given.end(); ++one) {
    const OptionInfo& option = info(one->option);
    const auto again = std::find_if(one + 1, given.end(), [&](const GivenOption& other) {
      return other.option == one->option;
    });
    if (!option.repeatable && !option.value.empty() && again != given.end()) {
      return Error{.action = std::string(option.name) + " is given twice, with " +
                             quote(one->value) + " and " + quote(again->value),
                   .hint = "it takes one value; " + help_hint(verb)};
    }
  }
  return {};
}

// What goes together, and what does not.
Status check_learning(const Command& command) {
  const LearnOptions& learn = command.learn;
  const bool checks = !learn.check.value.empty();
  if (checks && !command.policy.value.empty()) {
    return Error{.action = "--check and --policy both name a policy", .hint = "leave --policy out"};
  }
  if (checks && (learn.merge || !command.output.empty())) {
    return Error{.action = "--check writes no policy", .hint = "leave --output and --merge out"};
  }
  if (!checks && (command.strict || !learn.junit.empty())) {
    return Error{.action = "--strict and --junit belong to --check", .hint = help_hint(command.verb)};
  }
  if (!learn.length.empty() && learn.pid.empty() && learn.unit.empty()) {
    return Error{.action = "--for belongs to --pid and --unit",
                 .hint = "a command's time is limited by --limit time=TIME"};
  }
  if (learn.merge && command.output.empty()) {
    return Error{.action = "--merge needs a file to merge with", .hint = "write --output FILE"};
  }
  return {};
}

// --pid, --unit: nothing is started, so nothing can be said about how.
Status check_learning_running(const Command& command) {
  const LearnOptions& learn = command.learn;
  if (!command.operands.empty() || (!learn.pid.empty() && !learn.unit.empty())) {
    return Error{.action = "a process, a unit and a command: one thing is watched at a time",
                 .hint = "give one of --pid, --unit and COMMAND"};
  }
  if (!learn.check.value.empty() || learn.engine == "notify" || learn.verify == "always" ||
      command.dry_run || !command.report.empty()) {
    return Error{.action = "--check, --engine notify, --verify always, --dry-run and --report belong to a "
                           "command that sbx starts",
                 .hint = "leave them out with --pid and --unit"};
  }
  return check_learning(command);
}

Status check_operands(const Command& command) {
  const std::size_t count = command.operands.size();
  switch (command.verb) {
    case Verb::Run:
      if (count == 0 && !((command.dry_run || command.self_test) && !command.policy.value.empty())) {
        return Error{.action = "no command to run",
                     .hint = "write sbx run COMMAND, as sbx run ls /"};
      }
      return {};
    case Verb::Learn:
      if (!command.learn.pid.empty() || !command.learn.unit.empty()) {
        return check_learning_running(command);
      }
      if (count == 0) {
        return Error{.action = "no command to learn from",
                     .hint = "write sbx learn COMMAND, as sbx learn -o ls.toml -- ls /"};
      }
      return check_learning(command);
    case Verb::Minimize:
      if (count < 2) {
        return Error{.action = count == 0 ? "no policy to minimize" : "no command to run under the policy",
                     .hint = "write sbx minimize POLICY COMMAND, as sbx minimize nginx -- nginx"};
      }
      return {};
    case Verb::Check:
      if (count == 0) {
        return Error{.action = "no policy to check",
                     .hint = "write sbx check NAME or sbx check FILE"};
      }
      return {};
    case Verb::Show:
      if (count != 1) {
        return Error{.action = count == 0 ? "no policy to show" : "sbx show takes one policy",
                     .hint = "write sbx show NAME; sbx list lists the names"};
      }
      return {};
    case Verb::Explain:
      if (count < 2) {
        return Error{.action = count == 0 ? "no policy to explain" : "no question about the policy",
                     .hint = "write sbx explain POLICY QUESTION, as sbx explain default getpid"};
      }
      return {};
    case Verb::Diff:
      if (count != 2) {
        return Error{.action = "sbx diff takes two policies",
                     .hint = "write sbx diff A B, as sbx diff default ./mine.toml"};
      }
      return {};
    case Verb::Syscall:
      if (count == 0 && !command.dump) {
        return Error{.action = "no system call to explain",
                     .hint = "write sbx syscall NAME, sbx syscall @GROUP or sbx syscall --dump"};
      }
      if (count != 0 && command.dump) {
        return Error{.action = "sbx syscall --dump takes no argument " + quote(command.operands[0]),
                     .hint = help_hint(command.verb)};
      }
      return {};
    case Verb::Unit:
      if (count == 0) {
        return Error{.action = "no policy to write a unit for",
                     .hint = "write sbx unit POLICY [COMMAND], as sbx unit nginx"};
      }
      return {};
    case Verb::Score:
      if (count == 0) {
        return Error{.action = "nothing to score",
                     .hint = "write sbx score POLICY, PID or UNIT, as sbx score nginx"};
      }
      return {};
    case Verb::Verify:
      if (count == 0) {
        return Error{.action = "no sandbox to verify",
                     .hint = "write sbx verify PID or sbx verify NAME, as sbx verify nginx"};
      }
      return {};
    case Verb::Import:
      if (count == 0) {
        return Error{.action = "no file to import",
                     .hint = "write sbx import FILE, as sbx import docker.json"};
      }
      if (count > 1 && command.output_directory.empty()) {
        return Error{.action = "several files become several policies",
                     .hint = "say where to write them: sbx import --outdir DIR FILE…"};
      }
      if (!command.output.empty() && !command.output_directory.empty()) {
        return Error{.action = "--output and --outdir both say where to write",
                     .hint = "leave one of the two out"};
      }
      return {};
    case Verb::Export:
      if (count == 0) {
        return Error{.action = "no policy to export",
                     .hint = "write sbx export --to FORMAT POLICY, as sbx export --to oci nginx"};
      }
      if (command.format.empty()) {
        return Error{.action = "sbx export: to which format?",
                     .hint = "say it with --to: " +
                             join(words_of(info(Option::To)), ", ")};
      }
      return {};
    case Verb::Audit:
      if (count > 1) {
        return Error{.action = "sbx audit takes one file",
                     .hint = "for several: cat FILE… | sbx audit -"};
      }
      return {};
    case Verb::Why:
      if (count > 1) {
        return Error{.action = "sbx why takes one run", .hint = "write sbx why, or sbx why RUN"};
      }
      return {};
    case Verb::Events:
      if (command.csv && command.json) {
        return Error{.action = "--csv and --json are two forms of one list",
                     .hint = help_hint(command.verb)};
      }
      [[fallthrough]];
    case Verb::List:
    case Verb::Schema:
    case Verb::Doctor:
    case Verb::Version:
      if (count != 0) {
        return Error{.action = "sbx " + std::string(info(command.verb).name) +
                               " takes no argument " + quote(command.operands[0]),
                     .hint = help_hint(command.verb)};
      }
      return {};
    case Verb::Help:
      return {};
  }
  return {};
}

Error no_such_verb(const std::string& word) {
  std::vector<std::string_view> names;
  for (const VerbInfo& verb : verbs()) {
    names.push_back(verb.name);
  }
  const bool is_option = word.starts_with('-');
  const auto near = nearest(word, names);
  return Error{.action = (is_option ? "there is no option " : "there is no verb ") + quote(word),
               .hint = near        ? "did you mean sbx " + *near + "?"
                       : is_option ? "options follow a verb: sbx run OPTION… COMMAND"
                                   : "to run it in a sandbox: sbx run " + escape(word) +
                                         "; sbx --help lists the verbs"};
}

Result<Command> parse_help(Command command) {
  if (command.operands.size() > 1) {
    return Error{.action = "sbx help takes one verb", .hint = "write sbx help run"};
  }
  if (!command.operands.empty()) {
    command.help_for = find_verb(command.operands[0]);
    if (!command.help_for) {
      return no_such_verb(command.operands[0]);
    }
  }
  return command;
}

}  // namespace

Result<Command> parse(std::span<const std::string> arguments) {
  Command command;
  command.layer.name = "command line";
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h") {
    return command;
  }
  if (arguments[0] == "--version" || arguments[0] == "-V") {
    command.verb = Verb::Version;
    return command;
  }
  const auto verb = find_verb(arguments[0]);
  if (!verb) {
    return no_such_verb(arguments[0]);
  }
  command.verb = *verb;
  auto split = split_arguments(*verb, arguments.subspan(1));
  if (!split) {
    return std::move(split).error();
  }
  command.operands = std::move(split->operands);
  const auto given = parse_options(*verb, *std::move(split));
  if (!given) {
    return given.error();
  }
  for (const GivenOption& option : *given) {
    SBX_TRY(apply(option, command));
  }
  if (command.help_for) {
    command.verb = Verb::Help;
    return command;
  }
  SBX_TRY(refuse_repeated(*verb, *given));
  if (command.verb == Verb::Help) {
    return parse_help(std::move(command));
  }
  SBX_TRY(check_operands(command));
  return command;
}

std::vector<TreeOption> option_tree() {
  std::vector<TreeOption> tree;
  CLI::App root;
  root.set_help_flag("-h,--help", "explain sbx");
  root.add_flag("-V,--version")->description("print the version");
  const auto read_back = [&tree](const CLI::App& app, const std::string& verb) {
    for (const CLI::Option* option : app.get_options()) {
      TreeOption one{verb, {}, option->get_items_expected_max() > 0, option->get_description()};
      for (const std::string& name : option->get_lnames()) {
        one.names.push_back("--" + name);
      }
      for (const std::string& name : option->get_snames()) {
        one.names.push_back("-" + name);
      }
      tree.push_back(std::move(one));
    }
  };
  for (const VerbInfo& verb : verbs()) {
    CLI::App& app = *root.add_subcommand(std::string(verb.name), std::string(verb.summary));
    app.set_help_flag();
    for (const OptionInfo* option : options_of(verb.verb)) {
      add(app, *option)->description(std::string(option->description));
    }
  }
  read_back(root, "");
  for (const CLI::App* app : root.get_subcommands([](const CLI::App*) { return true; })) {
    read_back(*app, app->get_name());
  }
  return tree;
}

}  // namespace sbx::cli
