// SPDX-License-Identifier: Apache-2.0
#include "host/kernel_version.h"

#include <catch2/catch.hpp>

using sbx::host::is_at_least;
using sbx::host::KernelVersion;
using sbx::host::kOldestKernel;
using sbx::host::parse_kernel_version;

TEST_CASE("kernel version: releases as distributions write them") {
  struct Row {
    const char* release;
    unsigned major, minor;
  };
  const auto row =
      GENERATE(Row{"6.1.0-18-amd64", 6, 1}, Row{"5.14.0-427.el9.x86_64", 5, 14},
               Row{"6.18.44", 6, 18}, Row{"6.8-rc1", 6, 8}, Row{"10.0", 10, 0}, Row{"", 0, 0},
               Row{"six", 0, 0}, Row{"6", 0, 0}, Row{"6.", 0, 0}, Row{"6.x", 0, 0});
  CHECK(parse_kernel_version(row.release) == KernelVersion{row.major, row.minor});
}

TEST_CASE("kernel version: the floor") {
  CHECK(is_at_least("5.14.0", kOldestKernel));
  CHECK(is_at_least("6.0", kOldestKernel));
  CHECK_FALSE(is_at_least("5.13.19", kOldestKernel));
  CHECK_FALSE(is_at_least("4.19", kOldestKernel));
  CHECK_FALSE(is_at_least("unknown", kOldestKernel));
}
