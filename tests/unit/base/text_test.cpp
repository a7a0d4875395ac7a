// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <catch2/catch.hpp>

TEST_CASE("unescape takes back what escape did, and nothing else") {
  std::string every;
  for (int byte = 0; byte < 256; ++byte) {
    every += static_cast<char>(byte);
  }
  for (const std::string& bytes : {every, std::string("ä\\n\n\xc2\x9b"), std::string()}) {
    CHECK(sbx::unescape(sbx::escape(bytes)) == bytes);
  }
  for (const char* text : {"\\", "a\\", "\\q", "\\x", "\\x1", "\\xg0", "\\x1g", "\\x-1"}) {
    CHECK_FALSE(sbx::unescape(text));
  }
}

TEST_CASE("a composed text stays as it is unless a terminal could act on it") {
  CHECK(sbx::printable("a \\n \"ä\"") == "a \\n \"ä\"");
  CHECK(sbx::printable("a\nb") == "a\\nb");
  CHECK(sbx::printable("a\xc2\x9b\\") == "a\\xc2\\x9b\\\\");
  CHECK(sbx::printable("\xff") == "\\xff");
}
