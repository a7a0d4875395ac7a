// SPDX-License-Identifier: Apache-2.0
// What stands in a unit's values: quoted words, specifiers, and lines that later ones take back.
#include <algorithm>
#include <array>
#include <set>

#include "interop/layer_draft.h"
#include "interop/systemd_unit.h"

namespace sbx::interop {
namespace {

constexpr std::string_view kBlanks = " \t\n\r";

// Directives whose values add up until an empty one; every other has one value.
constexpr std::string_view kLists =
    " AmbientCapabilities BPFProgram BindPaths BindReadOnlyPaths CacheDirectory CapabilityBoundingSet ConfigurationDirectory "
    "DeviceAllow Environment EnvironmentFile ExecCondition ExecPaths ExecReload ExecStart ExecStartPost ExecStartPre ExecStop "
    "ExecStopPost ExtensionDirectories ExtensionImages IPAddressAllow IPAddressDeny IPEgressFilterPath IPIngressFilterPath "
    "InaccessiblePaths InaccessibleDirectories JoinsNamespaceOf LoadCredential LoadCredentialEncrypted LogExtraFields LogsDirectory "
    "MountImages NoExecPaths PassEnvironment ReadOnlyDirectories ReadOnlyPaths ReadWriteDirectories ReadWritePaths "
    "RestrictAddressFamilies RestrictFileSystems RestrictNamespaces RestrictNetworkInterfaces RuntimeDirectory SetCredential "
    "SetCredentialEncrypted SocketBindAllow SocketBindDeny StateDirectory SupplementaryGroups SystemCallArchitectures "
    "SystemCallFilter SystemCallLog TemporaryFileSystem UnsetEnvironment ";

bool is_list(const std::string& name) {
  return kLists.find(" " + name + " ") != std::string_view::npos;
}

// The character that a backslash and `c` stand for; 0: none.
char escaped(char c) {
  constexpr std::string_view kLetters = "abfnrtvs\\\"'";
  constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v \\\"'";
  const std::size_t at = kLetters.find(c);
  return at == std::string_view::npos ? '\0' : kMeanings[at];
}

// Takes one word off `rest`; false: it has no end.
bool take_word(std::string_view& rest, std::string& word) {
  char quote = 0;
  for (; !rest.empty(); rest.remove_prefix(1)) {
    const char c = rest.front();
    if (c == '\\') {
      const char meant = rest.size() > 1 ? escaped(rest[1]) : '\0';
      if (meant == '\0') {
        return false;
      }
      word += meant;
      rest.remove_prefix(1);
    } else if (quote != 0 ? c == quote : c == '"' || c == '\'') {
      quote = quote != 0 ? '\0' : c;
    } else if (quote == 0 && kBlanks.find(c) != std::string_view::npos) {
      return true;
    } else {
      word += c;
    }
  }
  return quote == 0;
}

// What a specifier stands for in the system's own service manager.
std::optional<std::string> meaning(char specifier, std::string_view unit_name) {
  struct Known {
    char letter;
    std::string_view text;
  };
  constexpr std::array kKnown = {Known{'%', "%"},        Known{'t', "/run"}, Known{'S', "/var/lib"}, Known{'C', "/var/cache"},
                                 Known{'L', "/var/log"}, Known{'E', "/etc"}, Known{'T', "/tmp"},     Known{'V', "/var/tmp"},
                                 Known{'h', "/root"},    Known{'u', "root"}, Known{'U', "0"}};
  for (const Known& known : kKnown) {
    if (known.letter == specifier) {
      return std::string(known.text);
    }
  }
  const std::string stem(unit_name.substr(0, unit_name.rfind('.')));
  const std::size_t at = stem.find('@');
  switch (specifier) {
    case 'n':
      return std::string(unit_name);
    case 'N':
      return stem;
    case 'p':
      return stem.substr(0, at);
    case 'i':
      return at == std::string::npos ? std::optional(std::string()) : at + 1 < stem.size() ? std::optional(stem.substr(at + 1)) : std::nullopt;
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<std::vector<std::string>> unit_words(std::string_view value) {
  std::vector<std::string> all;
  while (true) {
    value.remove_prefix(std::min(value.find_first_not_of(kBlanks), value.size()));
    if (value.empty()) {
      return all;
    }
    std::string word;
    if (!take_word(value, word)) {
      return std::nullopt;
    }
    all.push_back(std::move(word));
  }
}

std::optional<std::string> expand_specifiers(std::string_view value, std::string_view unit_name) {
  std::string expanded;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] != '%' || i + 1 == value.size()) {
      expanded += value[i];
      continue;
    }
    const auto text = meaning(value[++i], unit_name);
    if (!text) {
      return std::nullopt;
    }
    expanded += *text;
  }
  return expanded;
}

std::vector<bool> which_count(const std::vector<UnitLine>& lines) {
  std::vector<bool> counts(lines.size(), true);
  std::set<std::pair<std::string, std::string>> settled;
  // From the end: what is met first decides.
  for (std::size_t i = lines.size(); i-- > 0;) {
    const UnitLine& line = lines[i];
    const std::pair<std::string, std::string> key{line.section, line.name};
    counts[i] = !settled.contains(key);
    if (counts[i] && line.section == "Service" && (!is_list(line.name) || line.value.empty())) {
      settled.insert(key);
    }
  }
  return counts;
}

}  // namespace sbx::interop
