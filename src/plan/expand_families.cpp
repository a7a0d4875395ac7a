// SPDX-License-Identifier: Apache-2.0
// network.families: which sockets may be made at all, as a rule about socket's first argument.
// socketpair is left alone: base restricts it to local pairs, which lead nowhere.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "plan/filter_rules.h"
#include "seccomp/constants.h"
#include "seccomp/when.h"

namespace sbx::plan {
namespace {

constexpr std::string_view kPrefix = "AF_";

std::string lower(std::string_view text) {
  std::string word(text);
  std::transform(word.begin(), word.end(), word.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return word;
}

// "inet6" for AF_INET6.
std::vector<std::string> known_words() {
  std::vector<std::string> words;
  for (const std::string_view name : seccomp::constants_of("AF")) {
    words.push_back(lower(name.substr(kPrefix.size())));
  }
  return words;
}

Error unknown_family(const policy::Text& family, const std::vector<std::string>& words) {
  const std::string word = lower(family.value);
  const std::string_view plain =
      word.starts_with("af_") ? std::string_view(word).substr(3) : std::string_view(word);
  const auto near = word == "ipv4" || word == "ip" ? std::optional<std::string>("inet")
                    : word == "ipv6" || word == "ip6"
                        ? std::optional<std::string>("inet6")
                        : nearest(plain, {words.begin(), words.end()});
  return Error{fmt::format("unknown family of sockets {}", quote(family.value)), 0, family.origin,
               near ? fmt::format("did you mean {}?", quote(*near))
                    : "unix, inet, inet6, netlink …: the words of address_families(7)"};
}

}  // namespace

Result<std::optional<OverlayRule>> family_rule(const policy::Policy& policy) {
  if (policy.families.empty()) {
    return std::optional<OverlayRule>();
  }
  const std::vector<std::string> words = known_words();
  std::vector<std::string> constants, allowed;
  for (const policy::Text& family : policy.families) {
    if (family.value == "none") {
      continue;
    }
    if (std::find(words.begin(), words.end(), family.value) == words.end()) {
      return unknown_family(family, words);
    }
    std::string constant(kPrefix);
    for (const char c : family.value) {
      constant += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    constants.push_back(std::move(constant));
    allowed.push_back(family.value);
  }
  OverlayRule overlay{"socket", Overlay::Default, {}};
  if (!constants.empty()) {
    auto condition = seccomp::parse_when(fmt::format("not domain in {{{}}}", join(constants, ", ")),
                                         "socket", policy.families.front().origin);
    if (!condition) {
      return std::move(condition).error();
    }
    overlay.rule.condition = *std::move(condition);
  }
  overlay.rule.purpose = seccomp::Purpose::Families;
  overlay.rule.origin = policy.families.front().origin;
  overlay.rule.text = fmt::format("network.families = {}",
                                  allowed.empty() ? "none" : join(allowed, ", "));
  return std::optional<OverlayRule>(std::move(overlay));
}

}  // namespace sbx::plan
