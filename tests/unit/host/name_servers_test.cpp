// SPDX-License-Identifier: Apache-2.0
#include "host/name_servers.h"

#include <catch2/catch.hpp>

TEST_CASE("name servers are read as the C library reads them", "[host]") {
  using sbx::host::parse_name_servers;
  CHECK(parse_name_servers("# comment\nsearch example\nnameserver 127.0.0.53\n"
                           "nameserver\t2001:db8::53 # second\nnameserver 9.9.9.9\r\n") ==
        std::vector<std::string>{"127.0.0.53", "2001:db8::53", "9.9.9.9"});
  // No address, no blank, a zone, a name, indented: none of them is one.
  CHECK(parse_name_servers("nameserver\nnameserver \nnameserver9.9.9.9\nnameserver fe80::1%eth0\n"
                           "nameserver dns.example\n nameserver 9.9.9.9\n")
            .empty());
}
