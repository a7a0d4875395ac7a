// SPDX-License-Identifier: Apache-2.0
#include "cli/run_layer.h"

#include <catch2/catch.hpp>

using namespace sbx;
using cli::Command;
using cli::Option;
using policy::Key;

TEST_CASE("run layer: relative paths are below the current directory") {
  struct Row {
    const char* given;
    const char* path;
  };
  const auto row = GENERATE(Row{".", "/srv/here"}, Row{"x", "/srv/here/x"},
                            Row{"./x/", "/srv/here/x"}, Row{"..", "/srv"}, Row{"../y", "/srv/y"},
                            Row{"/a//b", "/a/b"}, Row{"/a/../b", "/b"});
  Command command;
  REQUIRE(cli::apply({Option::ReadWrite, row.given}, command));
  REQUIRE(cli::complete(command.layer, "/srv/here"));
  const auto& entries =
      std::get<std::vector<policy::PathEntry>>(command.layer.values.at(Key::FilesystemWrite));
  CHECK(entries.at(0).path == row.path);
  // The origin stays as the user wrote it.
  CHECK(to_text(entries.at(0).origin) == "--rw " + std::string(row.given));
}

TEST_CASE("run layer: the home directory is the resolver's matter") {
  for (const char* path : {"~", "~/x", "$HOME/x"}) {
    Command command;
    REQUIRE(cli::apply({Option::ReadOnly, path}, command));
    REQUIRE(cli::complete(command.layer, "/srv"));
    const auto& entries =
        std::get<std::vector<policy::PathEntry>>(command.layer.values.at(Key::FilesystemRead));
    CHECK(entries.at(0).path.find("/srv") == std::string::npos);
  }
}

TEST_CASE("run layer: the working directory may be relative") {
  Command command;
  REQUIRE(cli::apply({Option::Workdir, "sub"}, command));
  REQUIRE(cli::complete(command.layer, "/srv"));
  CHECK(std::get<policy::Text>(command.layer.values.at(Key::CommandWorkdir)).value == "/srv/sub");
}

TEST_CASE("run layer: values are checked as a policy file's are") {
  Command command;
  REQUIRE(cli::apply({Option::Env, "A B"}, command));
  CHECK_FALSE(cli::complete(command.layer, "/"));
}
