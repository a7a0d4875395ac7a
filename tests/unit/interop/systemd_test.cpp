// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>

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
  const auto done = import("EnvironmentFile=/etc/default/app\nIPAddressDeny=any\nExecStart=/bin/a\nExecStart=/bin/b\n"
                           "ReadWritePaths=/ok %S/no\nLimitNOFILE=infinity\n");
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
