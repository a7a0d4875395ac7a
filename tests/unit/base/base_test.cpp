// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <cerrno>

#include "base/errno_name.h"
#include "base/path.h"
#include "base/result.h"
#include "base/text.h"

namespace sbx {
namespace {

TEST_CASE("numbers and sizes are parsed whole or not at all", "[text]") {
  CHECK(parse_number("0x26") == 0x26);
  CHECK(parse_number("18446744073709551615") == ~0ull);
  for (const char* bad : {"", "-1", "+1", " 1", "1 ", "0x", "1x", "18446744073709551616"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_number(bad));
  }
  CHECK(parse_size("64M") == 64ull << 20);
  CHECK(parse_size("2g") == 2ull << 30);
  CHECK_FALSE(parse_size("M"));
  CHECK_FALSE(parse_size("18446744073709551615K"));
  CHECK(parse_seconds("10m") == 600);
  CHECK_FALSE(parse_seconds("10y"));
}

TEST_CASE("no control byte survives escaping", "[text]") {
  CHECK(escape("a\x1b[2Jb") == "a\\x1b[2Jb");
  CHECK(escape("tab\tnl\nbs\\") == "tab\\tnl\\nbs\\\\");
  CHECK(escape("\xc2\x9b") == "\\xc2\\x9b");    // C1: CSI in one character
  CHECK(escape("\xff\xc3") == "\\xff\\xc3");    // no UTF-8
  CHECK(escape("gr\xc3\xbc\xc3\x9f") == "gr\xc3\xbc\xc3\x9f");
  CHECK(quote("a\"b") == "\"a\\\"b\"");
}

TEST_CASE("UTF-8 is checked as RFC 3629 says", "[text]") {
  CHECK(is_utf8("\xf0\x9f\x98\x80"));
  for (const char* bad : {"\xef\xbb\x8a\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80", "\xe2\x82"}) {
    CHECK_FALSE(is_utf8(bad));
  }
}

TEST_CASE("did you mean", "[text]") {
  CHECK(nearest("raed", {"read", "write"}) == "read");
  CHECK(nearest("opnat", {"openat", "open"}) == "openat");
  CHECK_FALSE(nearest("zzzz", {"read", "write"}));
}

TEST_CASE("paths are normalised lexically", "[path]") {
  CHECK(path::normalise("/usr//lib/./x/../y/") == "/usr/lib/y");
  CHECK(path::normalise("../../..", "/home/u") == "/");
  CHECK(path::normalise("a", "/home/u") == "/home/u/a");
  CHECK(path::is_below("/usr/lib", "/usr"));
  CHECK_FALSE(path::is_below("/usrlocal", "/usr"));
  CHECK(path::is_below("/x", "/"));
  CHECK(path::parent("/usr") == "/");
  CHECK(path::basename("/usr/bin/ls") == "ls");
}

TEST_CASE("errno names in both directions", "[errno]") {
  CHECK(errno_name(ENOENT) == "ENOENT");
  CHECK(errno_from_name("EPERM") == EPERM);
  CHECK(errno_from_name("EWOULDBLOCK") == EAGAIN);
  CHECK_FALSE(errno_from_name("ENOSUCH"));
}

TEST_CASE("an error is two lines", "[error]") {
  const Error error{"cannot bind-mount /srv/www", ENOENT, {"p.toml", 14, 0}, "create it"};
  CHECK(to_text(error) ==
        "sbx: cannot bind-mount /srv/www: No such file or directory (ENOENT) [p.toml:14]\nhint: create it\n");
}

}  // namespace
}  // namespace sbx
