// SPDX-License-Identifier: Apache-2.0
#include "policy/toml_reader.h"

#include <catch2/catch.hpp>

#include "base/text.h"

namespace {

using namespace sbx;
using policy::Key;

Result<policy::PolicyLayer> read(const std::string& text) {
  return policy::read_toml(text, "p.toml", "p");
}

template <typename T>
T value(const std::string& text, Key key) {
  const auto layer = read("schema = 1\n" + text);
  INFO(text << "\n" << (layer ? "" : to_text(layer.error())));
  REQUIRE(layer);
  REQUIRE(layer->values.count(key) == 1);
  return std::get<T>(layer->values.at(key));
}

}  // namespace

TEST_CASE("a whole policy file becomes a layer", "[policy]") {
  const auto layer = read(R"toml(schema = 1
[policy]
description = "a server"
[command]
args = ["-g", "daemon off;"]
[filesystem]
read = ["/srv/www", { path = "~/x/", at = "/var//x", optional = true }]
home = "private"
[network]
publish = ["127.0.0.1:8080:80"]
[limits]
memory = "64M"
time = "10m"
files = 100
[environment]
set.LANG = "C"
[remove]
seccomp.allow = ["@floor"]
)toml");
  REQUIRE(layer);
  CHECK(layer->name == "p");
  CHECK(layer->source == "p.toml");
  CHECK(std::get<policy::Text>(layer->values.at(Key::PolicyDescription)).value == "a server");
  const auto& paths =
      std::get<std::vector<policy::PathEntry>>(layer->values.at(Key::FilesystemRead));
  REQUIRE(paths.size() == 2);
  CHECK(paths[0] == policy::PathEntry{"/srv/www", "", false, {"p.toml", 7, 9}});
  CHECK(paths[1] == policy::PathEntry{"~/x", "/var/x", true, {"p.toml", 7, 21}});
  CHECK(std::get<policy::Number>(layer->values.at(Key::LimitsMemory)).value == 64u << 20);
  CHECK(std::get<policy::Number>(layer->values.at(Key::LimitsTime)).value == 600);
  CHECK(std::get<policy::Number>(layer->values.at(Key::LimitsFiles)).value == 100);
  const auto& set =
      std::get<std::map<std::string, policy::Text>>(layer->values.at(Key::EnvironmentSet));
  CHECK(set.at("LANG").value == "C");
  REQUIRE(layer->removed.at(Key::SeccompAllow).size() == 1);
  CHECK(layer->removed.at(Key::SeccompAllow)[0] == policy::Text{"@floor", {"p.toml", 18, 18}});
}

TEST_CASE("an entry keeps its own line and column", "[policy]") {
  const auto names = value<std::vector<policy::Text>>(
      "[seccomp]\nallow = [\n  \"read\",\n  \"write\", \"close\",\n]\n", Key::SeccompAllow);
  REQUIRE(names.size() == 3);
  CHECK(names[0].origin == Origin{"p.toml", 4, 3});
  CHECK(names[1].origin == Origin{"p.toml", 5, 3});
  CHECK(names[2].origin == Origin{"p.toml", 5, 12});
}

TEST_CASE("columns count bytes, also behind letters outside of ASCII", "[policy]") {
  const auto paths = value<std::vector<policy::PathEntry>>(
      "[filesystem]\nread = [\"/srv/ä€\", \"/srv/b\"]\n", Key::FilesystemRead);
  REQUIRE(paths.size() == 2);
  CHECK(paths[1].origin == Origin{"p.toml", 3, 23});
}

TEST_CASE("the place of a condition is its first character", "[policy]") {
  struct Row {
    std::string text;
    int line;
    int column;
  };
  const auto row = GENERATE(values<Row>({
      {"when = \"domain == 1\"", 4, 9},
      {"when = 'domain == 1'", 4, 9},
      {"when = \"\"\"domain == 1\"\"\"", 4, 11},
      {"when = '''\ndomain == 1'''", 5, 1},
  }));
  const auto rules = value<std::vector<policy::SeccompRule>>(
      "[[seccomp.rule]]\nsyscall = \"socket\"\n" + row.text + "\naction = \"deny\"\n",
      Key::SeccompRules);
  REQUIRE(rules.size() == 1);
  CHECK(rules[0].when.origin.line == row.line);
  CHECK(rules[0].when.origin.column == row.column);
  CHECK(rules[0].when.value == "domain == 1");
  CHECK(rules[0].origin.line == 2);
}

TEST_CASE("rules take one call or several", "[policy]") {
  const auto rules = value<std::vector<policy::SeccompRule>>(R"toml([[seccomp.rule]]
syscall = "socket"
action = "errno(EACCES)"
[[seccomp.rule]]
syscalls = ["mknod", "@mount"]
action = "kill"
)toml",
                                                             Key::SeccompRules);
  REQUIRE(rules.size() == 2);
  CHECK(rules[0].syscalls.size() == 1);
  CHECK(rules[0].action.value == "errno(EACCES)");
  CHECK(rules[1].syscalls[1].value == "@mount");
}

TEST_CASE("numbers in their several forms", "[policy]") {
  struct Row {
    std::string text;
    Key key;
    std::uint64_t expected;
  };
  const auto row = GENERATE(values<Row>({
      {"[limits]\nmemory = 4096", Key::LimitsMemory, 4096},
      {"[limits]\nmemory = \"1G\"", Key::LimitsMemory, 1ull << 30},
      {"[limits]\ntime = 30", Key::LimitsTime, 30},
      {"[limits]\ntime = \"2h\"", Key::LimitsTime, 7200},
      {"[limits]\ncore = 0", Key::LimitsCore, 0},
      {"[limits]\nprocesses = 0x10", Key::LimitsProcesses, 16},
  }));
  CHECK(value<policy::Number>(row.text, row.key).value == row.expected);
}

TEST_CASE("the first error of a file is the one nearest to its start", "[policy]") {
  const auto layer = read("schema = 1\n[seccomp]\nzebra = 1\nalpha = 2\n");
  REQUIRE(!layer);
  CHECK(layer.error().origin.line == 3);
}

TEST_CASE("what toml++ must not see is refused before", "[policy]") {
  struct Row {
    std::string text;
    int line;
    int column;
  };
  const auto row = GENERATE(values<Row>({
      {"\xef\xbb\x8a", 1, 1},  // undefined behaviour in toml++ 3.3.0
      {"schema = 1\nx = \xef\xbb\x8a", 2, 5},
      {"schema = 1\n# \xff", 2, 3},  // no UTF-8
      {"schema = 1\n\xc3\xa4 = 1", 2, 1},
      {"schema = 1\na = \"\"\"x\"\"\"\"\xef\xbb\x8a", 2, 13},  // a quote before the closing three
      {"schema = 1\na = '''x'''''\xef\xbb\x8a", 2, 14},
      {"schema = 1\na = \"\\\"\"\xef\xbb\x8a", 2, 9},
      {"schema = 1\na = '\\'\xef\xbb\x8a", 2, 8},
      {std::string("schema = 1\n\0", 12), 2, 1},
  }));
  const auto layer = read(row.text);
  REQUIRE(!layer);
  INFO(to_text(layer.error()));
  CHECK(layer.error().origin.line == row.line);
  CHECK(layer.error().origin.column == row.column);
}

TEST_CASE("letters outside of ASCII stand in strings and comments", "[policy]") {
  CHECK(read("schema = 1 # ä €\n[policy]\ndescription = \"Größe\" # ü\n"));
  CHECK(read("schema = 1\n[policy]\ndescription = \"\"\"\n\"ä\" ü\"\"\"\n"));
}

// Undefined behaviour in toml++ 3.3.0 as it comes; the sanitizers of the dev preset watch this.
TEST_CASE("letters outside of ASCII where toml++ looks for blanks", "[policy]") {
  for (const char* text :
       {"x = 9\"\xef\xbb\xbe\"", "x = 9\"\xc3\xa4\"", "x = 1979-05-27 \"\xc3\xa4\"",
        "x = \"\"\"\\\xc3\xa4\"\"\"", "x = true\"\xc3\xa4\"", "x = 0x1\"\xc3\xa4\"",
        "x = \"\xc3\xa4\"\"\xc3\xa4\""}) {
    CHECK(!read(std::string("schema = 1\n") + text));
  }
  CHECK(value<policy::Text>("[policy]\ndescription = \"\"\"a \\\n  \xc3\xa4\"\"\"",
                            Key::PolicyDescription)
            .value == "a \xc3\xa4");
}

TEST_CASE("a file beyond the size limit is refused unread", "[policy]") {
  const auto layer = read("schema = 1\n" + std::string(policy::kMaxPolicyBytes, '#'));
  REQUIRE(!layer);
  CHECK(layer.error().action.find("larger than 1 MiB") != std::string::npos);
}

// toml++ 3.3.0 aborts on these, or worse with NDEBUG.
TEST_CASE("a table without a name is a syntax error", "[policy]") {
  for (const char* text : {"[.", "[=]", "[[.]]", "[ ,x]", "[#]", "[\n]"}) {
    const auto layer = read(std::string("schema = 1\n") + text);
    REQUIRE(!layer);
    CHECK(layer.error().origin.line == 2);
  }
}

TEST_CASE("deep nesting ends in an error, not in the stack", "[policy]") {
  std::string lists = "schema = 1\nx = ";
  lists.append(100000, '[');
  CHECK(!read(lists));
  std::string tables = "schema = 1\nx = ";
  for (int i = 0; i < 20000; ++i) {
    tables += "{a=";
  }
  CHECK(!read(tables));
}

// Every prefix of a good file, and the file with each byte replaced, must give a layer or an Error
// with a place inside the file.
TEST_CASE("damaged files give errors with places", "[policy]") {
  const std::string whole = R"toml(schema = 1
[policy]
extends = ["service"] # é
[filesystem]
read = [{ path = "/srv", at = '/x', optional = true }, "~/a"]
[environment]
set = { A = "b" }
[[seccomp.rule]]
syscalls = ["socket"]
when = """domain == AF_UNIX"""
action = "deny"
[remove]
seccomp.allow = ["@floor"]
)toml";
  REQUIRE(read(whole));
  const auto check = [](const std::string& text) {
    const auto layer = read(text);
    if (!layer) {
      const Origin& origin = layer.error().origin;
      const auto lines = std::count(text.begin(), text.end(), '\n') + 1;
      CHECK(origin.line >= 1);
      CHECK(origin.line <= lines);
      CHECK(origin.column >= 1);
      CHECK(layer.error().action.find('\n') == std::string::npos);
    }
  };
  for (std::size_t length = 0; length < whole.size(); ++length) {
    check(whole.substr(0, length));
    for (const char byte : {'"', '[', ']', '}', '=', '\n', '\\', '\xef', '\0', '.', '0'}) {
      std::string damaged = whole;
      damaged[length] = byte;
      check(damaged);
    }
  }
}
