// SPDX-License-Identifier: Apache-2.0
#include "seccomp/when.h"

#include <catch2/catch.hpp>

#include <string>

#include "seccomp/compile.h"
#include "seccomp/evaluate.h"
#include "seccomp/syscall_table.h"

using namespace sbx::seccomp;
using sbx::Origin;

namespace {

const Origin kOrigin{"p.toml", 3, 10};

bool when_holds(const std::string& text, const char* call, std::initializer_list<std::uint64_t> args) {
  auto condition = parse_when(text, call, kOrigin);
  INFO(text << (condition ? "" : ": " + condition.error().action));
  REQUIRE(condition);
  seccomp_data data{};
  std::size_t i = 0;
  for (const auto value : args) {
    data.args[i++] = value;
  }
  return holds(*condition, data);
}

}  // namespace

TEST_CASE("when: meaning") {
  struct Row {
    const char* call;
    const char* text;
    std::initializer_list<std::uint64_t> args;
    bool holds;
  };
  const Row rows[] = {
      {"socket", "domain == AF_UNIX", {1}, true},
      {"socket", "domain == AF_UNIX", {2}, false},
      {"socket", "domain == AF_UNIX", {0x1'0000'0001}, true},  // the kernel reads 32 bits
      {"socket", "domain != 38", {0x1'0000'0026}, false},
      {"socket", "domain in {AF_UNIX, AF_INET}", {2}, true},
      {"socket", "domain in {AF_UNIX, AF_INET}", {3}, false},
      {"socket", "domain in {AF_UNIX, AF_INET} and type & 0xf == SOCK_STREAM", {2, 0x80001}, true},
      {"socket", "domain in {AF_UNIX, AF_INET} and type & 0xf == SOCK_STREAM", {2, 0x80002}, false},
      {"socket", "type & SOCK_RAW == 0", {0, 4}, true},
      {"socket", "not domain == 1 or type == 7", {1, 7}, true},
      {"socket", "not (domain == 1 or type == 7)", {1, 7}, false},
      {"socket", "domain == 1 or domain == 2 and type == 3", {1, 0}, true},
      {"socket", "(domain == 1 or domain == 2) and type == 3", {1, 0}, false},
      {"socket", "not domain in {1, 2}", {3}, true},
      {"socket", "arg0 == 1", {1}, true},
      {"socket", "domain == (AF_UNIX)", {1}, true},
      {"socket", "type == SOCK_STREAM|SOCK_CLOEXEC", {0, 0x80001}, true},
      {"socket", "type & ~(SOCK_CLOEXEC|SOCK_NONBLOCK) == SOCK_DGRAM", {0, 0x80802}, true},
      {"kill", "pid > 1", {0xffffffff}, false},  // -1, signed
      {"kill", "pid < 0", {0xffffffff}, true},
      {"kill", "pid == -1", {0xffffffff}, true},
      {"kill", "pid == -1", {~0ull}, true},
      {"kill", "pid <= -1", {0}, false},
      {"openat", "dirfd == AT_FDCWD", {0xffffff9c}, true},
      {"openat", "dirfd == AT_FDCWD", {~0ull - 99}, true},
      {"chmod", "mode & 0o6000 == 0", {0, 04755}, false},
      {"chmod", "mode & 06000 == 0", {0, 0755}, true},
      {"chmod", "mode == 0755", {0, 0x10000 | 0755}, true},  // umode_t: 16 bits
      {"mmap", "len > 0xffffffff", {0, 0x1'0000'0000}, true},
      {"mmap", "len > 0xffffffff", {0, 0xffff'ffff}, false},
      {"mmap", "len >= 4096", {0, 4096}, true},
      {"lseek", "offset < 0", {0, ~0ull}, true},
      {"lseek", "offset >= -1", {0, ~0ull}, true},
      {"ioctl", "request == TIOCSTI", {0, 0xffff'ffff'0000'5412}, true},
      {"brk", "brk == 0xffffffffffffffff", {~0ull}, true},
      {"write", "buf != 0", {0, 1}, true},
      {"personality", "persona in {PER_LINUX, 0xffffffff}", {0xffffffff}, true},
      {"getpid", "arg5 == 3", {0, 0, 0, 0, 0, 3}, true},
  };
  for (const Row& row : rows) {
    INFO(row.call << ": " << row.text);
    CHECK(when_holds(row.text, row.call, row.args) == row.holds);
  }
}

TEST_CASE("when: errors point at the word and say what to do") {
  struct Row {
    const char* call;
    std::string text;
    int column;  // within the expression, 0-based
    const char* part;
    const char* hint;
  };
  const Row rows[] = {
      {"socket", "domian == 1", 0, "no argument", "did you mean domain?"},
      {"socket", "zzzzzzzzz == 1", 0, "no argument", "domain, type, protocol"},
      {"socket", "domain == AF_UNXI", 10, "unknown constant", "did you mean AF_UNIX?"},
      {"socket", "domain = 1", 7, "no part of the language", "=="},
      {"socket", "domain == 1 && type == 2", 12, "no part of the language", "write and"},
      {"socket", "domain == 1 || type == 2", 12, "no part of the language", "write or"},
      {"socket", "domain == ", 10, "expected a constant, found the end", ""},
      {"socket", "", 0, "expected an argument", "domain"},
      {"socket", "domain", 6, "expected a comparison", "in {"},
      {"socket", "domain == 1 type == 2", 12, "does not belong here", "and"},
      {"socket", "domain == 0x100000000", 10, "does not fit", ""},
      {"socket", "domain == 12ab", 10, "is no number", ""},
      {"socket", "domain == 089", 10, "is no number", "octal"},
      {"socket", "domain in {1, 2", 15, "expected ,", ""},
      {"socket", "domain in {}", 11, "expected a constant", ""},
      {"socket", "(domain == 1", 12, "expected )", ""},
      {"socket", "type & 0x3 == 4", 14, "can never equal", "mask"},
      {"socket", "domain == 1 and", 15, "expected an argument", ""},
      {"socket", "domain $ 1", 7, "no part of the language", ""},
      {"open", "path == 5", 8, "is an address", "cannot read"},
      {"open", "path & 1 == 0", 12, "is an address", "cannot read"},
      {"chmod", "mode == 0x10000", 8, "16 bits", ""},
      {"getpid", "pid == 1", 0, "no argument", "arg0"},
      {"socket", std::string(5000, ' '), 0, "5000 bytes", ""},
      {"socket", std::string(100, '(') + "domain == 1" + std::string(100, ')'), 32, "levels", ""},
      {"socket", "domain == " + std::string(100, '~') + "1", 10, "levels", ""},
  };
  for (const Row& row : rows) {
    INFO(row.call << ": " << row.text);
    const auto condition = parse_when(row.text, row.call, kOrigin);
    REQUIRE_FALSE(condition);
    const sbx::Error& error = condition.error();
    INFO(error.action << " / " << error.hint);
    CHECK(error.action.find(row.part) != std::string::npos);
    CHECK(error.hint.find(row.hint) != std::string::npos);
    CHECK(error.origin.line == 3);
    if (row.part != std::string("levels")) {
      CHECK(error.origin.column == 10 + row.column);
    }
  }
}

TEST_CASE("when: what to_text writes means the same when read back") {
  const std::pair<const char*, const char*> rows[] = {
      {"socket", "domain in {AF_UNIX, AF_INET} and type & SOCK_RAW == 0"},
      {"socket", "not (domain == 1 or type == 7) and protocol != 0"},
      {"openat", "flags & (O_CREAT|O_TMPFILE) != 0 and mode & 06000 == 0"},
      {"openat", "dirfd == AT_FDCWD"},
      {"kill", "pid > -5 and sig in {0, SIGTERM}"},
      {"mmap", "prot & PROT_EXEC == 0 and len <= 0x100000000"},
      {"ioctl", "request == 0x12345678 or request == TCGETS"},
      {"write", "buf != 0"},
      {"getpid", "arg3 >= 7"}};
  for (const auto& [call, text] : rows) {
    INFO(call << ": " << text);
    const auto first = parse_when(text, call, kOrigin);
    REQUIRE(first);
    const std::string again = to_text(*first, call);
    INFO(again);
    const auto second = parse_when(again, call, kOrigin);
    REQUIRE(second);
    CHECK(*first == *second);
  }
}

TEST_CASE("arguments of a call that is asked about") {
  const auto parsed = [](std::string_view call, std::string_view text) {
    const auto arguments = parse_arguments(text, call, kOrigin);
    INFO(text << (arguments ? "" : ": " + arguments.error().action));
    REQUIRE(arguments);
    return *arguments;
  };
  CHECK(parsed("socket", "()") == KnownArguments{});
  CHECK(parsed("socket", "(AF_INET, _, 0)") == KnownArguments{2, std::nullopt, 0});
  CHECK(parsed("socket", "( AF_INET , SOCK_STREAM|SOCK_CLOEXEC )") == KnownArguments{2, 02000001});
  CHECK(parsed("socket", "(type = SOCK_RAW)") == KnownArguments{std::nullopt, 3});
  CHECK(parsed("openat", R"t((AT_FDCWD, "/etc/x, \"y\")", O_RDONLY))t") ==
        KnownArguments{static_cast<std::uint64_t>(-100), std::nullopt, 0});
  CHECK(parsed("mmap", "(NULL, 4096)") == KnownArguments{0, 4096});
  // What a 32-bit test must not be fooled by, can be asked.
  CHECK(parsed("ioctl", "(_, 0x100005412)") == KnownArguments{std::nullopt, 0x1'0000'5412});

  struct Row {
    const char* call;
    const char* text;
    int column;  // of the error, in the text, from 0
    const char* part;
  };
  const Row rows[] = {{"socket", "AF_INET", 0, "expected ("},
                      {"socket", "(AF_INET", 8, "found the end"},
                      {"socket", "(AF_INTE)", 1, "unknown constant"},
                      {"socket", "(0, 0, 0, 0)", 10, "takes 3 arguments"},
                      {"getpid", "(0, 0, 0, 0, 0, 0, 0)", 19, "argument"},
                      {"socket", "(family=3)", 1, "no argument"},
                      {"socket", "(0) x", 4, "does not belong"},
                      {"open", "(\"/etc)", 1, "no part of the language"},
                      {"socket", "(AF_INET SOCK_RAW)", 9, "expected ,"}};
  for (const Row& row : rows) {
    INFO(row.text);
    const auto arguments = parse_arguments(row.text, row.call, kOrigin);
    REQUIRE_FALSE(arguments);
    CHECK(arguments.error().action.find(row.part) != std::string::npos);
    CHECK(arguments.error().origin.column == 10 + row.column);
  }
}
