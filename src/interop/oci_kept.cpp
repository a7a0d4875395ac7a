// SPDX-License-Identifier: Apache-2.0
#include "interop/oci_kept.h"

#include <algorithm>

#include "base/text.h"
#include "interop/layer_draft.h"
#include "interop/oci_profile.h"

namespace sbx::interop {
namespace {

constexpr std::string_view kMark = "#| ";
constexpr std::size_t kMostKept = 512u
                                  << 10;  // a policy's file may have 1 MiB (policy/toml_reader.h)

// The profile's own text if it is all that there is.
std::string profile_text(std::string_view file) {
  const auto whole = read_json(file, "");
  const auto profile = whole ? read_oci(file, "") : Result<OciProfile>(whole.error());
  if (!profile) {
    return {};
  }
  return whole->find("linux") == nullptr ? std::string(file)
                                         : write_json(profile->document, 100) + "\n";
}

}  // namespace

std::string kept_comment(std::string_view file) {
  const std::string text = profile_text(file);
  if (text.empty() || text.size() > kMostKept) {
    return {};
  }
  std::string comment =
      "\n# The profile itself: sbx export --to docker gives it back, with all that a policy does "
      "not use,\n"
      "# as long as the policy decides the same.\n";
  for (const std::string& line : split(text, '\n')) {
    comment += kMark;
    // TOML 1.0 has no control characters in comments but the tab. In JSON only a carriage return
    // may stand between, and DEL in a string, where its escape means the same.
    for (const char c : line) {
      comment += c == '\r' ? "" : c == '\x7f' ? "\\u007f" : std::string(1, c);
    }
    comment += '\n';
  }
  return comment;
}

std::string kept_profile(std::string_view text) {
  if (looks_like_oci(text)) {
    return profile_text(text);
  }
  std::vector<std::string> lines;
  for (const std::string& line : split(text, '\n')) {
    // Editors take blanks at a line's end away.
    if (line.starts_with(kMark) || line == trim(kMark)) {
      lines.push_back(line.substr(std::min(line.size(), kMark.size())));
    }
  }
  return lines.empty() ? std::string() : profile_text(join(lines, "\n"));
}

bool is_docker_dialect(std::string_view profile) {
  const auto read = read_oci(profile, "");
  const auto is_bound = [](const OciCircumstance& one) {
    return !one.capabilities.empty() || !one.architectures.empty() || one.kernel.has_value();
  };
  return read && (!read->arch_map.empty() ||
                  std::any_of(read->rules.begin(), read->rules.end(), [&](const OciRule& rule) {
                    return is_bound(rule.includes) || is_bound(rule.excludes);
                  }));
}

}  // namespace sbx::interop
