// SPDX-License-Identifier: Apache-2.0
// resolv.conf(5): the name servers that this host asks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sbx::host {

// Of this host's /etc/resolv.conf; empty if it cannot be read.
std::vector<std::string> name_servers();

// The numeric addresses on its "nameserver" lines. Not those with a zone (fe80::1%eth0): the zone is
// an interface of the host, which means nothing inside.
std::vector<std::string> parse_name_servers(std::string_view text);

}  // namespace sbx::host
