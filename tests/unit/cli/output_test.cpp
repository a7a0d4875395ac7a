// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>

#include <catch2/catch.hpp>

#include "cli/help.h"
#include "cli/json_writer.h"
#include "cli/report_file.h"
#include "host/files.h"

using namespace sbx::cli;

namespace {

std::string new_directory() {
  std::array<char, 32> name{"/tmp/sbx-unit-XXXXXX"};
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  return name.data();
}

}  // namespace

TEST_CASE("colour: who wants it") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  CHECK(wants_color(Color::Always, ends[1], "1", "dumb"));
  CHECK_FALSE(wants_color(Color::Auto, ends[1], nullptr, "xterm"));  // no terminal
  CHECK_FALSE(wants_color(Color::Never, ends[1], nullptr, "xterm"));
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("colour: only the first words of a line") {
  CHECK(paint("sbx: x\nhint: y\n  sbx: z\n") ==
        "\x1b[1;31msbx:\x1b[0m x\n\x1b[1;36mhint:\x1b[0m y\n  sbx: z\n");
  CHECK(paint("").empty());
}

TEST_CASE("write_all: a closed descriptor is told") {
  CHECK_FALSE(write_all(-1, "x"));
  CHECK(write_all(-1, ""));
}

TEST_CASE("json writer: structure and escapes") {
  JsonWriter json;
  json.begin_object();
  json.member("a\"b", "line\nbell\x07 \\ ü");
  json.key("list");
  json.begin_array();
  json.number(7);
  json.boolean(false);
  json.string("\xff");
  json.end_array();
  json.key("empty");
  json.begin_array();
  json.end_array();
  json.end_object();
  CHECK(json.take() ==
        "{\n  \"a\\\"b\": \"line\\nbell\\u0007 \\\\ ü\",\n  \"list\": [\n    7,\n    false,\n"
        "    \"\\\\xff\"\n  ],\n  \"empty\": []\n}\n");
}

TEST_CASE("help: every verb and option is in it") {
  for (const VerbInfo& verb : verbs()) {
    CHECK_THAT(overview(), Catch::Contains(std::string(verb.name)));
    const std::string text = help_text(verb.verb);
    for (const OptionInfo* option : options_of(verb.verb)) {
      CHECK_THAT(text, Catch::Contains(std::string(option->name)));
    }
    CHECK_THAT(text, Catch::Contains("Examples:"));
  }
}

TEST_CASE("report: replaces the file as a whole, at the end") {
  const std::string directory = new_directory();
  const std::string path = directory + "/report.jsonl";
  {
    auto report = ReportFile::open(path, false);
    REQUIRE(report);
    report->write_line("{}");
    CHECK_FALSE(sbx::host::read_file(path));  // nothing yet
    REQUIRE(report->finish());
    CHECK(*sbx::host::read_file(path) == "{}\n");
  }
  {
    auto report = ReportFile::open(path, false);
    REQUIRE(report);
    report->write_line("{\"second\": 1}");
    CHECK(*sbx::host::read_file(path) == "{}\n");  // still the old one
    REQUIRE(report->finish());
    CHECK(*sbx::host::read_file(path) == "{\"second\": 1}\n");
  }
  {
    auto report = ReportFile::open(path, false);  // never finished: nothing is left of it
    REQUIRE(report);
  }
  CHECK(sbx::host::list_directory(directory, "").size() == 1);
  ::unlink(path.c_str());
  ::rmdir(directory.c_str());
}

TEST_CASE("report: a place that cannot be written is an error before anything starts") {
  CHECK_FALSE(ReportFile::open("/nothing/here/report", false));
  CHECK_FALSE(ReportFile::open("/tmp", false));
  const auto device = ReportFile::open("/dev/null", false);
  CHECK(device);
}

TEST_CASE("report: a full disk is told at the end") {
  auto report = ReportFile::open("/dev/full", false);
  REQUIRE(report);
  report->write_line("{}");
  const auto finished = report->finish();
  REQUIRE_FALSE(finished);
  CHECK(finished.error().errno_value == ENOSPC);
}
