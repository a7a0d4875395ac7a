// SPDX-License-Identifier: Apache-2.0
// passwd(5) and group(5), read directly. Name services are left out on purpose: a static program
// that calls getpwuid(3) loads shared objects behind its back, and an answer over the network has
// no place before a launch. An account that is in neither file is known by its number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sbx::host {

struct Account {
  std::string name;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string home;
};

// Over the text of /etc/passwd. The first line that fits wins, as with getpwuid(3).
std::optional<Account> find_user(std::string_view passwd, std::uint32_t uid);
std::optional<Account> find_user(std::string_view passwd, std::string_view name);

// Over the text of /etc/group.
std::optional<std::uint32_t> find_group(std::string_view group, std::string_view name);

}  // namespace sbx::host
