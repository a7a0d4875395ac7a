// SPDX-License-Identifier: Apache-2.0
// Against the real machine, but only what holds on every one.
#include "host/probe.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <catch2/catch.hpp>

#include "host/files.h"
#include "sys/unique_fd.h"

using sbx::plan::PathFacts;

namespace {

// A directory that goes away with its files.
struct Scratch {
  std::string path;

  Scratch() {
    std::array<char, 32> name{"/tmp/sbx-unit-XXXXXX"};
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name.data();
  }
  ~Scratch() {
    for (const std::string& name : sbx::host::list_directory(path, "")) {
      const std::string entry = path + "/" + name;
      if (::unlink(entry.c_str()) != 0) {
        ::rmdir(entry.c_str());
      }
    }
    ::rmdir(path.c_str());
  }
  std::string file(const std::string& name, const std::string& text, mode_t mode = 0644) const {
    const std::string where = path + "/" + name;
    const sbx::sys::UniqueFd fd(::open(where.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, mode));
    REQUIRE(::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    return where;
  }
};

}  // namespace

TEST_CASE("probe: facts that every machine has") {
  const auto facts = sbx::host::probe();
  REQUIRE(facts);
  CHECK(facts->uid == ::getuid());
  CHECK(facts->gid == ::getgid());
  CHECK(facts->cwd.starts_with('/'));
  CHECK(facts->home.starts_with('/'));
  CHECK_FALSE(facts->user_name.empty());
  CHECK_FALSE(facts->os_release.empty());
  CHECK(facts->landlock_abi >= 0);
}

TEST_CASE("path probe: kinds, links and errors") {
  const Scratch scratch;
  sbx::Status failure;
  const auto probes = sbx::host::probes(failure);
  const std::string plain = scratch.file("plain", "x");
  const std::string program = scratch.file("program", "#!/bin/sh\n", 0755);
  REQUIRE(::symlink("plain", (scratch.path + "/link").c_str()) == 0);
  REQUIRE(::symlink("loop", (scratch.path + "/loop").c_str()) == 0);
  REQUIRE(::symlink("nothing", (scratch.path + "/dangling").c_str()) == 0);

  struct stat info {};
  REQUIRE(::stat(plain.c_str(), &info) == 0);
  for (const std::string& path : {plain, scratch.path + "/link", scratch.path + "/./plain"}) {
    CAPTURE(path);
    const PathFacts facts = probes.path(path);
    CHECK(facts.kind == PathFacts::Kind::File);
    CHECK(facts.canonical == plain);
    CHECK(facts.device == info.st_dev);
    CHECK(facts.inode == info.st_ino);
    CHECK_FALSE(facts.executable);
  }
  CHECK(probes.path(program).executable);
  CHECK(probes.path(scratch.path).kind == PathFacts::Kind::Directory);
  CHECK_FALSE(probes.path(scratch.path).executable);
  CHECK(probes.path("/dev/null").kind == PathFacts::Kind::Device);

  struct Row {
    const char* name;
    int errno_value;
  };
  for (const Row& row : {Row{"/nothing", ENOENT}, Row{"/loop", ELOOP}, Row{"/dangling", ENOENT},
                         Row{"/plain/below", ENOTDIR}}) {
    CAPTURE(row.name);
    const PathFacts facts = probes.path(scratch.path + row.name);
    CHECK(facts.kind == PathFacts::Kind::Missing);
    CHECK(facts.errno_value == row.errno_value);
  }
  CHECK(probes.path("").errno_value == ENOENT);
}

TEST_CASE("path probe: a socket") {
  const Scratch scratch;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = scratch.path + "/socket";
  REQUIRE(path.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const sbx::sys::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  sbx::Status failure;
  CHECK(sbx::host::probes(failure).path(path).kind == PathFacts::Kind::Socket);
}

TEST_CASE("path probe: what could not be asked does not pass for missing") {
  sbx::Status failure;
  const auto probes = sbx::host::probes(failure);
  CHECK(probes.path("/nothing/here").errno_value == ENOENT);
  CHECK(failure);
  rlimit descriptors{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &descriptors) == 0);
  const rlimit none{0, descriptors.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const PathFacts facts = probes.path("/usr");
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &descriptors) == 0);
  CHECK(facts.kind == PathFacts::Kind::Missing);
  REQUIRE_FALSE(failure);
  CHECK(failure.error().errno_value == EMFILE);
  CHECK(failure.error().action == "cannot look at /usr");
}

TEST_CASE("link probe: the target as written") {
  const Scratch scratch;
  sbx::Status failure;
  const auto probes = sbx::host::probes(failure);
  REQUIRE(::symlink("usr/../bin", (scratch.path + "/link").c_str()) == 0);
  const auto found = probes.link(scratch.path + "/link");
  REQUIRE(found);
  CHECK(found->target == "usr/../bin");
  CHECK(found->owner == ::getuid());
  CHECK_FALSE(probes.link(scratch.path));
  CHECK_FALSE(probes.link(scratch.path + "/nothing"));
}

TEST_CASE("account probe: root is in every passwd(5)") {
  sbx::Status failure;
  const auto probes = sbx::host::probes(failure);
  CHECK(probes.accounts.uid_of("root") == 0u);
  CHECK(probes.accounts.gid_of("root") == 0u);
  CHECK_FALSE(probes.accounts.uid_of("no such user"));
}

TEST_CASE("files: whole, bounded, and no devices") {
  const Scratch scratch;
  const std::string path = scratch.file("text", std::string(10000, 'a'));
  CHECK(sbx::host::read_file(path)->size() == 10000);
  CHECK(sbx::host::read_file(path, 10000)->size() == 10000);
  CHECK(sbx::host::read_file(path, 9999).error().errno_value == EFBIG);
  CHECK(sbx::host::read_file(scratch.path).error().errno_value == EISDIR);
  CHECK(sbx::host::read_file(scratch.path + "/no").error().errno_value == ENOENT);
  CHECK_FALSE(sbx::host::read_file("/dev/zero"));
  CHECK(sbx::host::read_line("/proc/sys/kernel/overflowuid") != "");
  CHECK(sbx::host::read_line("/nothing/there").empty());
}

TEST_CASE("files: a pipe is read to its end") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const sbx::sys::UniqueFd reader(ends[0]);
  {
    const sbx::sys::UniqueFd writer(ends[1]);
    REQUIRE(::write(writer.get(), "schema = 1\n", 11) == 11);
  }
  CHECK(*sbx::host::read_file("/dev/fd/" + std::to_string(reader.get())) == "schema = 1\n");
}

TEST_CASE("files: a directory's entries by suffix, sorted") {
  const Scratch scratch;
  for (const char* name : {"b.toml", "a.toml", "c.txt"}) {
    scratch.file(name, "");
  }
  CHECK(sbx::host::list_directory(scratch.path, ".toml") ==
        std::vector<std::string>{"a.toml", "b.toml"});
  CHECK(sbx::host::list_directory(scratch.path + "/no", ".toml").empty());
}
