// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>

#include "interop/service_unit.h"
#include "interop/systemd_unit.h"
#include "policy/toml_reader.h"
#include "policy/toml_writer.h"

using namespace sbx;
using interop::Finding;
using Kind = Finding::Kind;
using policy::Key;

namespace {

interop::Import import(const std::string& service) {
  const std::string text = "[Service]\n" + service;
  interop::ImportRequest request;
  request.text = text;
  request.source = "app.service";
  request.name = "app";
  auto done = import_unit(request);
  REQUIRE(done);
  const auto back = policy::read_toml(policy::to_toml(done->layer, done->comments), "app.toml", "app");
  REQUIRE(back);
  return *std::move(done);
}

std::vector<std::string> names(const interop::Import& import, Key key) {
  std::vector<std::string> all;
  if (const auto found = import.layer.values.find(key); found != import.layer.values.end()) {
    for (const policy::Text& text : std::get<std::vector<policy::Text>>(found->second)) {
      all.push_back(text.value);
    }
  }
  return all;
}

std::string text(const interop::Import& import, Key key) {
  const auto found = import.layer.values.find(key);
  return found == import.layer.values.end() ? "" : std::get<policy::Text>(found->second).value;
}

bool holds(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

}  // namespace

TEST_CASE("units: comments, continued lines, sections", "[interop][systemd]") {
  const auto lines = interop::read_unit("# c\n[A]\nx = 1 \\\n; c\n  2\n\n[B]\ny=\n", "u");
  REQUIRE(lines);
  REQUIRE(lines->size() == 2);
  CHECK((*lines)[0].section == "A");
  CHECK((*lines)[0].value == "1  2");
  CHECK((*lines)[0].origin.line == 3);
  CHECK((*lines)[1].value.empty());
  CHECK(!interop::read_unit("x=1\n", "u"));
  CHECK(!interop::read_unit("[A]\nno assignment\n", "u"));
  std::string many = "[A]\n";
  for (int i = 0; i < 100'000; ++i) {
    many += "x=1\n";
  }
  CHECK(!interop::read_unit(many, "u"));
}

TEST_CASE("units: every assignment has one finding", "[interop][systemd]") {
  const auto done = import("Type=exec\nExecStart=/usr/bin/app -a -a\nPrivateTmp=yes\nUMask=0077\nProtectHome=no\n");
  CHECK(done.findings.size() == 5);
  CHECK(names(done, Key::PolicyPrograms) == std::vector<std::string>{"app"});
  CHECK(names(done, Key::CommandArgs) == std::vector<std::string>{"-a", "-a"});
  CHECK(text(done, Key::FilesystemTmp) == "private");
}

TEST_CASE("units: the filter is what systemd makes of its lines", "[interop][systemd]") {
  const auto allowed = import("SystemCallFilter=read setuid @basic-io\nSystemCallFilter=~setuid write\nSystemCallFilter=chroot:ENOENT\n");
  const auto list = names(allowed, Key::SeccompAllow);
  CHECK(holds(list, "read"));
  CHECK(!holds(list, "setuid"));
  CHECK(!holds(list, "write"));
  CHECK(holds(list, "execve"));  // @default, always
  CHECK(text(allowed, Key::SeccompDefault) == "kill");
  const auto denied = import("SystemCallFilter=~@mount\nSystemCallErrorNumber=ENOSYS\n");
  CHECK(names(denied, Key::SeccompAllow) == std::vector<std::string>{"@system-service"});
  CHECK(holds(names(denied, Key::SeccompDeny), "pivot_root"));
  CHECK(text(denied, Key::SeccompDefault) == "errno(ENOSYS)");
  const auto reset = import("SystemCallFilter=read\nSystemCallFilter=\n");
  CHECK(names(reset, Key::SeccompAllow) == std::vector<std::string>{"@system-service"});
  CHECK(text(reset, Key::SeccompDefault).empty());
}

TEST_CASE("units: what cannot be carried over is said", "[interop][systemd]") {
  const auto done = import("EnvironmentFile=/etc/default/app\nIPAddressDeny=10.0.0.0/8\nExecStart=/bin/a\nExecStart=/bin/b\n"
                           "ReadWritePaths=/ok relative %S/app\nLimitNOFILE=infinity\n");
  CHECK(done.findings[0].kind == Kind::Dropped);
  CHECK(done.findings[1].kind == Kind::Dropped);
  CHECK(done.findings[3].kind == Kind::Dropped);
  CHECK(done.findings[4].kind == Kind::Changed);
}

TEST_CASE("units: no family at all is none, not the usual ones", "[interop][systemd]") {
  const auto none = import("RestrictAddressFamilies=none\n");
  const auto& rules = std::get<std::vector<policy::SeccompRule>>(none.layer.values.at(Key::SeccompRules));
  REQUIRE(rules.size() == 1);
  CHECK(rules[0].syscalls[0].value == "socket");
  CHECK(rules[0].when.value.empty());
  CHECK(rules[0].action.value == "errno(EAFNOSUPPORT)");
  const auto taken_back = import("RestrictAddressFamilies=AF_UNIX\nRestrictAddressFamilies=\n");
  CHECK(names(taken_back, Key::NetworkFamilies).empty());
}

TEST_CASE("units: an escaped backslash continues nothing, a mark of byte order is no text", "[interop][systemd]") {
  const auto lines = interop::read_unit("\xef\xbb\xbf[A]\nx=1\\\\\ny=2\\\n\nz=3\n", "u");
  REQUIRE(lines);
  REQUIRE(lines->size() == 3);
  CHECK((*lines)[0].value == "1\\\\");
  CHECK((*lines)[1].value == "2");
  CHECK(!interop::read_unit(std::string_view("[A]\nx=1\0\n", 9), "u"));
  CHECK(!interop::read_unit("[A]\nx=\xff\n", "u"));
  CHECK(interop::read_unit("[A]\n# \xff\nx=1\n", "u"));
}

TEST_CASE("units: drop-ins beside, of the prefix, of the template and of the type", "[interop][systemd]") {
  std::vector<std::string> asked;
  const interop::UnitFiles files{
      [](const std::string& path) -> Result<std::string> { return "[Service]\nfrom=" + path + "\n"; },
      [&](const std::string& pattern) {
        asked.push_back(pattern);
        return pattern == "d/a-b@i.service.d/*.conf" ? std::vector<std::string>{"d/a-b@i.service.d/20.conf", "d/a-b@i.service.d/30.conf"}
               : pattern == "d/a-.service.d/*.conf"  ? std::vector<std::string>{"d/a-.service.d/10.conf", "d/a-.service.d/20.conf"}
                                                     : std::vector<std::string>();
      }};
  const auto lines = interop::read_whole_unit("[Service]\n", "d/a-b@i.service", files);
  REQUIRE(lines);
  REQUIRE(lines->size() == 3);
  CHECK((*lines)[0].value == "d/a-.service.d/10.conf");
  CHECK((*lines)[1].value == "d/a-b@i.service.d/20.conf");  // hides the other 20.conf
  CHECK((*lines)[2].value == "d/a-b@i.service.d/30.conf");
  CHECK(asked == std::vector<std::string>{"d/a-b@i.service.d/*.conf", "d/a-b@.service.d/*.conf", "d/a-.service.d/*.conf",
                                          "d/service.d/*.conf"});
}

TEST_CASE("units: words, specifiers and what later lines take back", "[interop][systemd]") {
  using Words = std::vector<std::string>;
  CHECK(interop::unit_words("a \"b c\" 'd e'f \"\"") == Words{"a", "b c", "d ef", ""});
  CHECK(interop::unit_words("a\\tb \\\"") == Words{"a\tb", "\""});
  CHECK(!interop::unit_words("\"a"));
  CHECK(!interop::unit_words("a\\"));
  CHECK(!interop::unit_words("a\\q"));
  CHECK(interop::expand_specifiers("%n %p %i %t %% %", "x@y.service") == "x@y.service x y /run % %");
  CHECK(!interop::expand_specifiers("%i", "x@.service"));
  CHECK(!interop::expand_specifiers("%H", "x.service"));
  const auto lines = interop::read_unit("[Service]\nUser=a\nUser=b\nReadWritePaths=/a\nReadWritePaths=\nReadWritePaths=/b\nReadWritePaths=/c\n", "u");
  REQUIRE(lines);
  CHECK(interop::which_count(*lines) == std::vector<bool>{false, true, false, true, true, true});
}

TEST_CASE("units: addresses and ports", "[interop][systemd]") {
  const auto local = import("IPAddressDeny=any\nIPAddressAllow=localhost 10.0.0.0/8\nSocketBindDeny=any\nSocketBindAllow=ipv4:tcp:80\nSocketBindAllow=53\n");
  CHECK(names(local, Key::NetworkConnect) == std::vector<std::string>{"127.0.0.0/8:*", "udp:127.0.0.0/8:*", "[::1/128]:*", "udp:[::1/128]:*",
                                                                     "10.0.0.0/8:*", "udp:10.0.0.0/8:*"});
  CHECK(names(local, Key::NetworkBind) == std::vector<std::string>{"0.0.0.0/0:80/tcp", "53/tcp", "53/udp"});
  CHECK(text(local, Key::NetworkMode) == "host");
  const auto none = import("IPAddressDeny=any\nSocketBindDeny=any\n");
  CHECK(text(none, Key::NetworkMode) == "private");
  CHECK(names(none, Key::NetworkBind) == std::vector<std::string>{"none"});
  const auto some = import("IPAddressDeny=10.0.0.0/8\nSocketBindDeny=80\n");
  CHECK(names(some, Key::NetworkConnect).empty());
  CHECK(some.findings[0].kind == Kind::Dropped);
  CHECK(some.findings[1].kind == Kind::Dropped);
  CHECK(text(import("IPAddressDeny=any\nIPAddressDeny=\n"), Key::NetworkMode) == "host");
}

TEST_CASE("units: error numbers, environment, taken back lines", "[interop][systemd]") {
  const auto calls = import("SystemCallFilter=~ptrace:13 mount:nothing\nSystemCallErrorNumber=1\n");
  CHECK(text(calls, Key::SeccompDefault).empty());  // EPERM is what the policy has
  CHECK(calls.findings[0].reason.find("mount:nothing") != std::string::npos);
  const auto& rules = std::get<std::vector<policy::SeccompRule>>(calls.layer.values.at(Key::SeccompRules));
  CHECK(rules[0].action.value == "errno(EACCES)");
  const auto variables = import("Environment=\"A=1 2\" B=%n C=3\nUnsetEnvironment=C\nPassEnvironment=LANG\nEnvironmentFile=/etc/x\n");
  const auto& set = std::get<std::map<std::string, policy::Text>>(variables.layer.values.at(Key::EnvironmentSet));
  CHECK(set.at("A").value == "1 2");
  CHECK(set.at("B").value == "app.service");
  CHECK(!set.contains("C"));
  CHECK(names(variables, Key::EnvironmentUnset) == std::vector<std::string>{"C"});
  CHECK(names(variables, Key::EnvironmentKeep) == std::vector<std::string>{"LANG"});
  CHECK(variables.findings[3].kind == Kind::Dropped);
  const auto twice = import("ExecStart=/bin/a\nExecStart=\nExecStart=/bin/b \"c d\"\nPrivateNetwork=yes\nPrivateNetwork=no\n");
  CHECK(names(twice, Key::PolicyPrograms) == std::vector<std::string>{"b"});
  CHECK(names(twice, Key::CommandArgs) == std::vector<std::string>{"c d"});
  CHECK(text(twice, Key::NetworkMode) == "host");
  CHECK(twice.findings.size() == 5);
}

TEST_CASE("units: a unit that runs sbx has the command word for word", "[interop][systemd]") {
  CHECK(interop::exec_word("plain") == "plain");
  CHECK(interop::exec_word("") == "\"\"");
  CHECK(interop::exec_word("a b") == "\"a b\"");
  CHECK(interop::exec_word("100% of $HOME") == "\"100%% of $$HOME\"");
  CHECK(interop::exec_word("say \"x\\y\"\n") == "\"say \\\"x\\\\y\\\"\\n\"");
  const std::string unit = interop::service_unit_text({"web", "/usr/bin/sbx", "web", {"nginx", "-g", "daemon off;"}});
  const auto lines = interop::read_unit(unit, "web.service");
  REQUIRE(lines);
  const auto start = std::find_if(lines->begin(), lines->end(), [](const auto& line) { return line.name == "ExecStart"; });
  REQUIRE(start != lines->end());
  CHECK(interop::unit_words(start->value) == std::vector<std::string>{"/usr/bin/sbx", "run", "--policy", "web", "--", "nginx", "-g", "daemon off;"});
}
