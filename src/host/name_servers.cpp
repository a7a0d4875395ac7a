// SPDX-License-Identifier: Apache-2.0
#include "host/name_servers.h"

#include <arpa/inet.h>

#include "base/text.h"
#include "host/files.h"

namespace sbx::host {

std::vector<std::string> parse_name_servers(std::string_view text) {
  constexpr std::string_view kKeyword = "nameserver";
  std::vector<std::string> servers;
  for (const std::string& line : split(text, '\n')) {
    if (!line.starts_with(kKeyword) || line.size() == kKeyword.size()) {
      continue;
    }
    const std::size_t start = line.find_first_not_of(" \t", kKeyword.size());
    if (start == kKeyword.size() || start == std::string::npos) {
      continue;
    }
    const std::string address = line.substr(start, line.find_first_of(" \t\r", start) - start);
    in6_addr ignored{};
    if (::inet_pton(AF_INET, address.c_str(), &ignored) == 1 ||
        ::inet_pton(AF_INET6, address.c_str(), &ignored) == 1) {
      servers.push_back(address);
    }
  }
  return servers;
}

std::vector<std::string> name_servers() {
  const auto text = read_file("/etc/resolv.conf");
  return text ? parse_name_servers(*text) : std::vector<std::string>();
}

}  // namespace sbx::host
