// SPDX-License-Identifier: Apache-2.0
// What every Error must be, whatever the input was: something said, and nothing in it that moves a
// terminal's cursor.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/result.h"

namespace sbx::fuzz {

inline void expect(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "expectation failed: %s\n", what);
    std::abort();
  }
}

inline void expect_presentable(const Error& error) {
  expect(!error.action.empty(), "an error says what failed");
  const std::string text = to_text(error);
  expect(text.rfind("sbx: ", 0) == 0, "an error starts with sbx:");
  for (const char byte : text) {
    const auto code = static_cast<unsigned char>(byte);
    expect(code == '\n' || (code >= 0x20 && code != 0x7f), "an error has no control bytes");
  }
}

}  // namespace sbx::fuzz
