// SPDX-License-Identifier: Apache-2.0
#include "cli/parse.h"

#include <algorithm>
#include <set>

#include <catch2/catch.hpp>

#include "cli/arguments.h"

using namespace sbx;
using cli::Command;
using cli::Verb;
using policy::Key;

namespace {

using Words = std::vector<std::string>;

Result<Command> parsed(const Words& words) {
  return cli::parse(words);
}

Command must_parse(const Words& words) {
  auto command = cli::parse(words);
  if (!command) {
    FAIL(to_text(command.error()));
  }
  return *command;
}

template <typename T>
T value_of(const Command& command, Key key) {
  const auto found = command.layer.values.find(key);
  REQUIRE(found != command.layer.values.end());
  return std::get<T>(found->second);
}

}  // namespace

TEST_CASE("parse: verbs") {
  struct Row {
    Words words;
    Verb verb;
  };
  const auto row =
      GENERATE(Row{{}, Verb::Help}, Row{{"--help"}, Verb::Help}, Row{{"-h"}, Verb::Help},
               Row{{"help"}, Verb::Help}, Row{{"--version"}, Verb::Version},
               Row{{"-V"}, Verb::Version}, Row{{"version"}, Verb::Version},
               Row{{"run", "ls"}, Verb::Run}, Row{{"check", "nginx"}, Verb::Check},
               Row{{"show", "nginx"}, Verb::Show}, Row{{"list"}, Verb::List},
               Row{{"syscall", "socket"}, Verb::Syscall}, Row{{"doctor", "--json"}, Verb::Doctor},
               Row{{"run", "--help"}, Verb::Help}, Row{{"check", "-h"}, Verb::Help});
  CHECK(must_parse(row.words).verb == row.verb);
}

TEST_CASE("parse: help for a verb") {
  CHECK(must_parse({"run", "--help"}).help_for == Verb::Run);
  CHECK(must_parse({"help", "show"}).help_for == Verb::Show);
  CHECK_FALSE(must_parse({"help"}).help_for);
  CHECK_FALSE(parsed({"help", "rnu"}));
}

TEST_CASE("parse: the command's own options are left alone") {
  struct Row {
    Words words;
    Words command;
  };
  const auto row = GENERATE(
      Row{{"run", "ls"}, {"ls"}}, Row{{"run", "ls", "-l", "/"}, {"ls", "-l", "/"}},
      Row{{"run", "ls", "--dry-run"}, {"ls", "--dry-run"}},
      Row{{"run", "-q", "ls", "-q"}, {"ls", "-q"}},
      Row{{"run", "--ro", "/usr", "ls", "--ro", "/x"}, {"ls", "--ro", "/x"}},
      Row{{"run", "--ro=/usr", "ls"}, {"ls"}}, Row{{"run", "--", "ls", "--"}, {"ls", "--"}},
      Row{{"run", "--", "--odd", "x"}, {"--odd", "x"}}, Row{{"run", "-q", "--", "-p"}, {"-p"}},
      Row{{"run", "sh", "--", "-c", "true"}, {"sh", "--", "-c", "true"}},
      Row{{"run", "-", "x"}, {"-", "x"}}, Row{{"run", "", "x"}, {"", "x"}},
      Row{{"run", "-pnginx", "ls"}, {"ls"}}, Row{{"run", "-qp", "nginx", "ls"}, {"ls"}},
      Row{{"run", "-p", "--", "ls"}, {"ls"}}, Row{{"run", "--rw", "-strange", "ls"}, {"ls"}},
      Row{{"run", "ls", "[a,b]"}, {"ls", "[a,b]"}});
  const Command command = must_parse(row.words);
  CHECK(command.operands == row.command);
  CHECK_FALSE(command.dry_run);
}

TEST_CASE("parse: a policy's name") {
  CHECK(must_parse({"run", "-p", "nginx", "ls"}).policy.value == "nginx");
  CHECK(must_parse({"run", "-pnginx", "ls"}).policy.value == "nginx");
  CHECK(must_parse({"run", "--policy=./x.toml", "ls"}).policy.value == "./x.toml");
  CHECK(must_parse({"run", "-p", "nginx", "ls"}).policy.origin.source == "--policy nginx");
}

TEST_CASE("parse: usage errors name the option and help") {
  struct Row {
    Words words;
    const char* action;
    const char* hint;
  };
  const auto row = GENERATE(
      Row{{"rnu", "ls"}, "no verb \"rnu\"", "sbx run"},
      Row{{"nginx"}, "no verb \"nginx\"", "sbx run nginx"},
      Row{{"--ro", "/usr", "ls"}, "no option \"--ro\"", "follow a verb"},
      Row{{"run"}, "no command", "sbx run COMMAND"},
      Row{{"run", "--"}, "no command", "sbx run COMMAND"},
      Row{{"run", "--dry-run"}, "no command", "sbx run COMMAND"},
      Row{{"run", "--polcy", "x", "ls"}, "no option --polcy", "did you mean --policy?"},
      Row{{"run", "--zzz", "ls"}, "no option --zzz", "sbx run --help"},
      Row{{"run", "-Z", "ls"}, "no option -Z", "sbx run --help"},
      Row{{"run", "--ro"}, "--ro needs a value", "--ro PATH"},
      Row{{"run", "--ro=", "ls"}, "--ro needs a value", "--ro PATH"},
      Row{{"run", "--ro", "", "ls"}, "--ro needs a value", "--ro PATH"},
      Row{{"run", "-p"}, "--policy needs a value", "--policy NAME"},
      Row{{"run", "--quiet=no", "ls"}, "--quiet takes no value", "--quiet alone"},
      Row{{"run", "-p", "a", "-p", "b", "ls"}, "--policy is given twice", "one value"},
      Row{{"run", "--net", "none", "--net=host", "ls"}, "--net is given twice", "one value"},
      Row{{"check"}, "no policy to check", "sbx check NAME"},
      Row{{"syscall"}, "no system call", "sbx syscall NAME"},
      Row{{"syscall", "--dump", "read"}, "takes no argument", "sbx syscall --help"},
      Row{{"show"}, "no policy to show", "sbx show NAME"},
      Row{{"show", "a", "b"}, "one policy", "sbx show NAME"},
      Row{{"list", "x"}, "takes no argument \"x\"", "sbx list --help"},
      Row{{"doctor", "--origin"}, "no option --origin", "sbx doctor --help"});
  const auto command = parsed(row.words);
  REQUIRE_FALSE(command);
  CHECK_THAT(command.error().action, Catch::Contains(row.action));
  CHECK_THAT(command.error().hint, Catch::Contains(row.hint));
  CHECK(command.error().exit_code == ExitCode::SbxFailed);
}

TEST_CASE("parse: values that are wrong") {
  struct Row {
    Words options;
    const char* text;  // in action or hint
  };
  const auto row = GENERATE(
      Row{{"--home", "privat"}, "did you mean private?"},
      Row{{"--net", "loop"}, "none, private, host"},
      Row{{"--on-violation", "ignore"}, "kill, errno, log"}, Row{{"--color", "blue"}, "auto"},
      Row{{"--limit", "memory"}, "no \"=\""}, Row{{"--limit", "memroy=1G"}, "did you mean memory?"},
      Row{{"--limit", "memory=1X"}, "memory"}, Row{{"--limit", "memory="}, "memory"},
      Row{{"--limit", "memory=-1"}, "memory"},
      Row{{"--limit", "time=99999999999999999999"}, "time"},
      Row{{"--limit", "processes=1K"}, "processes"}, Row{{"--env", "=x"}, "no name"},
      Row{{"--keep-fd", "x"}, "no descriptor"}, Row{{"--keep-fd", "-1"}, "no descriptor"},
      Row{{"--keep-fd", "4294967299"}, "no descriptor"},
      Row{{"--allow", "read,,write"}, "empty name"}, Row{{"--deny", ","}, "empty name"},
      Row{{"--ro", "=/x"}, "no path"},
      Row{{"--allow-degraded", "landlok"}, "did you mean landlock?"});
  Words words{"run"};
  words.insert(words.end(), row.options.begin(), row.options.end());
  words.push_back("ls");
  const auto command = parsed(words);
  REQUIRE_FALSE(command);
  CHECK_THAT(to_text(command.error()), Catch::Contains(row.text));
  CHECK_THAT(to_text(command.error()), Catch::Contains(row.options[0]));
}

TEST_CASE("parse: options become a layer with origins") {
  const Command command = must_parse(
      {"run",      "--ro",           "/a",    "--ro=/b=/c", "--rw",   "/w",        "--tmpfs",
       "/t",       "--hide",         "/h",    "--workdir",  "/wd",    "--home",    "none",
       "--net",    "host",           "-P",    "8080:80",    "-P",     "[::1]:1:2", "--allow",
       "read,@io", "--allow",        "write", "--deny",     "ptrace", "--limit",   "memory=1K",
       "--limit",  "time=2m",        "--env", "A=b=c",      "--env",  "B",         "--user",
       "www-data", "--on-violation", "kill",  "cmd"});
  CHECK(command.layer.name == "command line");
  CHECK(command.layer.source.empty());

  const auto read = value_of<std::vector<policy::PathEntry>>(command, Key::FilesystemRead);
  REQUIRE(read.size() == 2);
  CHECK(read[0].path == "/a");
  CHECK(read[0].at.empty());
  CHECK(to_text(read[0].origin) == "--ro /a");
  CHECK(read[1].path == "/b");
  CHECK(read[1].at == "/c");
  CHECK(value_of<policy::Text>(command, Key::NetworkMode).value == "host");
  CHECK(to_text(value_of<policy::Text>(command, Key::NetworkMode).origin) == "--net host");

  const auto allow = value_of<std::vector<policy::Text>>(command, Key::SeccompAllow);
  REQUIRE(allow.size() == 3);
  CHECK(allow[1].value == "@io");
  CHECK(to_text(allow[1].origin) == "--allow @io");
  CHECK(allow[2].value == "write");
  CHECK(value_of<std::vector<policy::Text>>(command, Key::NetworkPublish).size() == 2);
  CHECK(value_of<policy::Number>(command, Key::LimitsMemory).value == 1024);
  CHECK(value_of<policy::Number>(command, Key::LimitsTime).value == 120);
  CHECK(value_of<policy::Text>(command, Key::IdentityUser).value == "www-data");
  CHECK(value_of<std::vector<policy::Text>>(command, Key::EnvironmentKeep).at(0).value == "B");
}

TEST_CASE("parse: the value of a variable is not in its origin") {
  const Command command = must_parse({"run", "--env", "TOKEN=hunter2", "cmd"});
  const auto set = value_of<std::map<std::string, policy::Text>>(command, Key::EnvironmentSet);
  CHECK(set.at("TOKEN").value == "hunter2");
  CHECK(to_text(set.at("TOKEN").origin) == "--env TOKEN");
}

TEST_CASE("parse: flags") {
  const Command command = must_parse({"run", "--dry-run", "--json", "-q", "--trace-launch",
                                      "--report", "r.jsonl", "--no-color", "--allow-degraded",
                                      "landlock", "--keep-fd", "5", "--keep-fd=2", "ls"});
  CHECK(command.dry_run);
  CHECK(command.json);
  CHECK(command.quiet);
  CHECK(command.trace_launch);
  CHECK(command.report == "r.jsonl");
  CHECK(command.color == cli::Color::Never);
  CHECK(command.allow_degraded == Words{"landlock"});
  CHECK(command.keep_fds == std::vector<int>{5});
  CHECK(must_parse({"run", "--color=always", "ls"}).color == cli::Color::Always);
  CHECK(must_parse({"run", "--dry-run", "--policy", "nginx"}).operands.empty());
}

TEST_CASE("parse: other verbs mix options and operands") {
  const Command command = must_parse({"check", "a", "--json", "b", "--", "--c"});
  CHECK(command.json);
  CHECK(command.operands == Words{"a", "b", "--c"});
}

TEST_CASE("parse: CLI11's tree has every option of the table, once") {
  std::set<std::string> tree;
  for (const cli::TreeOption& option : cli::option_tree()) {
    for (const std::string& name : option.names) {
      CHECK(tree.insert(option.verb + " " + name).second);
    }
  }
  std::size_t expected = 4;  // --help, -h, --version, -V before the verb
  for (const cli::VerbInfo& verb : cli::verbs()) {
    CHECK(cli::info(verb.verb).name == verb.name);
    for (const cli::OptionInfo* option : cli::options_of(verb.verb)) {
      CHECK(tree.count(std::string(verb.name) + " " + std::string(option->name)) == 1);
      expected += option->short_name.empty() ? 1u : 2u;
    }
  }
  CHECK(tree.size() == expected);
}

// The words before the command are read twice, by split_arguments and by CLI11: they must agree
// about each of them, or a value would become an option.
TEST_CASE("parse: CLI11 sees what split_arguments saw") {
  const Words kWords{"--ro",  "/x",           "--ro=/y", "-q",  "-pa",   "-qp",     "--",
                     "-",     "--dry-run",    "-P",      "1:2", "--env", "A=[b,c]", "--limit",
                     "cpu=5", "--report={x}", "ls",      "-h",  "--rw",  "=1"};
  unsigned state = 1;
  for (int round = 0; round < 3000; ++round) {
    Words words{"run"};
    for (unsigned i = 0; i < 1 + (state >> 8) % 6; ++i) {
      state = state * 1664525u + 1013904223u;
      words.push_back(kWords[(state >> 16) % kWords.size()]);
    }
    state = state * 1664525u + 1013904223u;
    const auto split = cli::split_arguments(Verb::Run, std::span(words).subspan(1));
    const auto command = cli::parse(words);
    if (command && command->verb == Verb::Run) {
      REQUIRE(split);
      CHECK(command->operands == split->operands);
    }
    if (!command) {
      CHECK_FALSE(command.error().action.starts_with("cannot read the options"));
    }
  }
}
