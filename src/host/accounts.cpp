// SPDX-License-Identifier: Apache-2.0
#include "host/accounts.h"

#include <limits>

#include "base/text.h"

namespace sbx::host {
namespace {

// The next line of `text`, which is shortened by it.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

// The next field of a line, up to a colon.
std::string_view take_field(std::string_view& line) {
  const std::size_t end = line.find(':');
  const std::string_view field = line.substr(0, end);
  line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  return field;
}

std::optional<std::uint32_t> parse_id(std::string_view text) {
  // 0xffffffff means "no change" to setresuid(2) and "unmapped" to chown(2): never an account.
  const auto number = parse_number(text);
  if (!number || *number >= std::numeric_limits<std::uint32_t>::max()) {
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(*number);
}

// name:password:uid:gid:gecos:home:shell
std::optional<Account> parse_user(std::string_view line) {
  Account account;
  account.name = take_field(line);
  take_field(line);
  const auto uid = parse_id(take_field(line));
  const auto gid = parse_id(take_field(line));
  take_field(line);
  account.home = take_field(line);
  // "+" and "-" start the lines that nsswitch's compat mode takes for orders.
  if (account.name.empty() || account.name[0] == '+' || account.name[0] == '-' || !uid || !gid) {
    return std::nullopt;
  }
  account.uid = *uid;
  account.gid = *gid;
  return account;
}

}  // namespace

std::optional<Account> find_user(std::string_view passwd, std::uint32_t uid) {
  while (!passwd.empty()) {
    auto account = parse_user(take_line(passwd));
    if (account && account->uid == uid) {
      return account;
    }
  }
  return std::nullopt;
}

std::optional<Account> find_user(std::string_view passwd, std::string_view name) {
  while (!passwd.empty()) {
    auto account = parse_user(take_line(passwd));
    if (account && account->name == name) {
      return account;
    }
  }
  return std::nullopt;
}

std::optional<std::uint32_t> find_group(std::string_view group, std::string_view name) {
  while (!group.empty()) {
    std::string_view line = take_line(group);
    const std::string_view found = take_field(line);
    take_field(line);
    if (!found.empty() && found == name) {
      if (const auto gid = parse_id(take_field(line))) {
        return gid;
      }
    }
  }
  return std::nullopt;
}

}  // namespace sbx::host
